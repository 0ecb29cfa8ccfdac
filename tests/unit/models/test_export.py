import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import uscl
from uscl.base.errors import UserError
from uscl.models.checkpoint import read_encoder_file, save_encoder
from uscl.models.encoder import Encoder

PAGE = (Path(__file__).parents[3] / "docs/how-to/use-an-encoder.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def exported(tmp_path, monkeypatch):
    """Writes encoder.safetensors of an architecture to the working folder and returns the encoder."""
    monkeypatch.chdir(tmp_path)

    def write(arch):
        torch.manual_seed(0)
        encoder = Encoder(arch).eval()
        save_encoder(encoder, Path("encoder.safetensors"), method="simclr", config_sha256="c" * 64, commit="abc")
        return encoder

    return write


def snippet(*words):
    (found,) = [text for text in SNIPPETS if all(word in text for word in words)]
    return found


def test_one_line_loads_an_encoder(exported):
    encoder = exported("resnet18")
    frames = torch.rand(2, 1, 32, 32)
    names = {"frames": frames}
    exec(snippet("load_encoder"), names)
    assert torch.equal(names["features"], encoder(frames))
    assert names["features"].shape == (2, 512)


@pytest.mark.parametrize(
    ("arch", "word"), [("resnet18", "torchvision.models"), ("tf_efficientnet_lite0", "timm.create_model")]
)
def test_the_file_loads_as_its_page_describes_wherever_its_names_are_known(exported, arch, word):
    encoder = exported(arch)
    names = {}
    exec(snippet(word, "smp"), names)
    frames = torch.rand(2, 1, 64, 64)
    _, metadata = read_encoder_file(Path("encoder.safetensors"))
    mean, std = (torch.tensor(metadata[key]).view(1, 3, 1, 1) for key in ("mean", "std"))
    normalised = (frames.expand(-1, 3, -1, -1) - mean) / std
    with torch.no_grad():
        assert torch.equal(names["net"].eval()(normalised), encoder(frames))
        # The U-Net's deepest features, pooled, are the ResNet's representation; Lite0 has one more convolution.
        deepest = names["unet"].encoder.eval()(normalised)[-1]
    if arch == "resnet18":
        assert torch.allclose(deepest.mean((2, 3)), encoder(frames), atol=1e-6)
    else:
        own = names["unet"].encoder.model.state_dict()
        assert all(torch.equal(tensor, encoder.backbone.state_dict()[name]) for name, tensor in own.items())


@pytest.mark.parametrize("word", ["torchvision.models", "timm.create_model"])
def test_the_imports_of_the_page_work_in_a_new_interpreter(word):
    lines = [line for line in snippet(word).splitlines() if line.startswith(("import ", "from "))]
    called = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=False)
    assert called.returncode == 0, called.stderr


@pytest.mark.parametrize(
    ("frames", "reason"),
    [
        (torch.rand(2, 3, 32, 32), "average the colour channels"),
        (torch.rand(2, 32, 32), "add the axes"),
        (torch.zeros(2, 1, 32, 32, dtype=torch.uint8), r"float\(\) / 255"),
        (torch.full((2, 1, 32, 32), 200.0), "not 200 to 200"),
        (torch.randn(2, 1, 32, 32), "leave the mean and sd"),
        (torch.full((2, 1, 32, 32), float("nan")), "not nan"),
    ],
)
def test_frames_of_another_form_are_refused(exported, frames, reason):
    exported("resnet18")
    with pytest.raises(UserError, match=reason):
        uscl.load_encoder("encoder.safetensors")(frames)


def test_the_file_records_its_origin(exported):
    exported("resnet18")
    _, metadata = read_encoder_file(Path("encoder.safetensors"))
    assert metadata["method"] == "simclr"
    assert {"arch", "mean", "std", "config_sha256", "commit"} <= metadata.keys()


def test_keys_that_do_not_match_are_listed(exported):
    exported("resnet18")
    tensors, metadata = read_encoder_file(Path("encoder.safetensors"))
    tensors["odd.weight"] = tensors.pop("conv1.weight")
    save_file(tensors, "encoder.safetensors", metadata={"uscl": json.dumps(metadata)})
    with pytest.raises(UserError, match=r"1 missing: conv1.weight; 1 left over: odd.weight"):
        uscl.load_encoder("encoder.safetensors")

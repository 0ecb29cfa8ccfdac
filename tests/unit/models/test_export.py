import json
import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

import uscl
from uscl.base.errors import UserError
from uscl.models.checkpoint import read_encoder_file, save_encoder
from uscl.models.encoder import Encoder

README = (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


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


@pytest.mark.parametrize(("arch", "word"), [("resnet18", "torchvision"), ("tf_efficientnet_lite0", "timm")])
def test_the_file_loads_as_the_readme_describes_wherever_its_names_are_known(exported, arch, word):
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

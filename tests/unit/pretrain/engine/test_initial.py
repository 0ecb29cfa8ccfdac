import logging
import subprocess
import sys
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from uscl.base.errors import UserError
from uscl.models.checkpoint import save_encoder
from uscl.models.encoder import Encoder
from uscl.models.encoders import ENCODERS, InputStats
from uscl.pretrain.engine.initial import initial_encoder

ROOT = Path(__file__).parents[4]
MEAN, STD = 0.18, 0.24  # ultrasound

every_encoder = pytest.mark.parametrize("arch", ENCODERS)


def library_network(arch):
    """The network with its class head, from the library that names its tensors."""
    return torchvision.models.resnet18() if arch == "resnet18" else timm.create_model(arch)


@every_encoder
@pytest.mark.parametrize("suffix", ["pth", "pt", "safetensors"])
def test_weights_under_published_names_start_an_arm_with_ultrasound_statistics(arch, suffix, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    network, path = library_network(arch).eval(), tmp_path / f"w.{suffix}"
    weights = network.state_dict()
    save_file(weights, path, metadata={"format": "pt"}) if suffix == "safetensors" else torch.save(weights, path)
    (encoder, matched), frames = initial_encoder(arch, str(path), 0, path), torch.rand(2, 1, 64, 64)
    encoder.eval()
    setattr(network, ENCODERS[arch].head, torch.nn.Identity())
    with torch.inference_mode():
        assert torch.equal(encoder(frames), network((frames.expand(-1, 3, -1, -1) - MEAN) / STD))
    total = len([name for name in encoder.backbone.state_dict() if not name.endswith("num_batches_tracked")])
    words = f"{total} of {total} tensors of {arch} are in the file"
    assert matched == f"starts from {path.name}: {words}"
    assert [record.getMessage() for record in caplog.records if record.name.startswith("uscl")] == [
        f"{path}: {words}.",
        f"{path} holds no input statistics: the encoder takes those of ultrasound (mean 0.18, std 0.24).",
    ]


@pytest.mark.parametrize("name", ["encoder.safetensors", "encoder"])
def test_a_file_of_this_project_starts_an_arm_with_its_own_statistics(name, tmp_path, caplog):
    caplog.set_level(logging.INFO)
    made = Encoder("resnet18", InputStats((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))).eval()
    save_encoder(made, tmp_path / name, method="simclr")
    (encoder, matched), frames = initial_encoder("resnet18", "any", 0, tmp_path / name), torch.rand(2, 1, 64, 64)
    assert matched is None
    encoder.eval()
    assert encoder.stats == made.stats
    with torch.inference_mode():
        assert torch.equal(encoder(frames), made(frames))
    assert not [record for record in caplog.records if record.name.startswith("uscl")]


def test_a_file_of_this_project_must_hold_every_counter(tmp_path):
    path = tmp_path / "encoder.safetensors"
    save_encoder(Encoder("resnet18"), path)
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(path)
    del tensors["bn1.num_batches_tracked"]
    save_file(tensors, path, metadata=metadata)
    with pytest.raises(UserError, match=r"\(1 missing: bn1.num_batches_tracked\)"):
        initial_encoder("resnet18", str(path), 0, path)


def test_an_encoder_of_this_project_must_be_of_the_study(tmp_path):
    save_encoder(Encoder("resnet18"), tmp_path / "e.safetensors")
    with pytest.raises(UserError, match=r"holds a resnet18, but the arm's `encoder` is tf_efficientnet_lite0"):
        initial_encoder("tf_efficientnet_lite0", "any", 0, tmp_path / "e.safetensors")


def test_a_checkpoint_of_another_program_is_read_as_an_arm_from_a_file_is(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    whole = Encoder("resnet18").backbone.state_dict()
    names = [name for name in whole if not name.endswith("num_batches_tracked")]
    for share, words in ((95, "5 missing: "), (94, None)):
        content = {f"backbone.{name}": whole[name] for name in names[:share]}
        torch.save({"teacher": content | {"head.weight": torch.ones(2)}}, tmp_path / "dino.pth")
        if words is None:
            with pytest.raises(UserError) as caught:
                initial_encoder("resnet18", "any", 0, tmp_path / "dino.pth")
            assert "94 of 100 tensors of resnet18 are in the file" in str(caught.value)
            assert str(caught.value).endswith("correct `encoder` or `init`.")
            continue
        encoder, matched = initial_encoder("resnet18", "any", 3, tmp_path / "dino.pth")
        assert matched.startswith("starts from dino.pth: 95 of 100 tensors of resnet18 are in the file (5 missing: ")
        own, random = (each.backbone.state_dict() for each in (encoder, initial_encoder("resnet18", "random", 3)[0]))
        assert all(torch.equal(own[name], whole[name]) for name in names[:95])
        assert all(torch.equal(own[name], random[name]) for name in names[95:])


def test_other_weights_are_refused(tmp_path):
    torch.save({"model": library_network("tf_efficientnet_lite0").state_dict()}, tmp_path / "w.pth")
    with pytest.raises(
        UserError, match=r"doesn't fit: 0 of 100 tensors of resnet18 are in the file .*; it has besides:"
    ):
        initial_encoder("resnet18", "any", 0, tmp_path / "w.pth")


@pytest.mark.parametrize("name", ["encoder.safetensors", "w.pth"])
def test_files_that_are_missing_or_damaged_are_refused_in_words(name, tmp_path):
    with pytest.raises(UserError, match=rf"{name} doesn't exist: correct `imagenet_weights` or `init`"):
        initial_encoder("resnet18", "any", 0, tmp_path / name)
    (tmp_path / name).write_text("no weights")
    with pytest.raises(UserError, match=rf"{name} can't be read as a weights file"):
        initial_encoder("resnet18", "any", 0, tmp_path / name)


def test_a_word_that_names_no_file_is_refused():
    with pytest.raises(UserError, match=r"`init: imagnet` names no file: give random, imagenet or the path"):
        initial_encoder("resnet18", "imagnet", 0)


# The job that checks whether a study can work. This study has no data sets, so only the weights are left to check.
CHECK_STUDY = """
import runpy, sys
from types import SimpleNamespace

class Named(dict):
    __getattr__ = dict.get

weights, folder = sys.argv[1:]
job = SimpleNamespace(
    input=Named(stores=[], hashes=[], splits=[], external_units=[]),
    output=Named(feasible=f"{folder}/feasible.txt"),
    params=Named(
        {"expected": {"primary": [], "margins": {}, "kinds": {}, "trainings": 1, "statistics": {}}},
        datasets=[], pool=[], tasks={}, seeds=[0], initial=[["resnet18", weights, weights, {}]],
        checkpoints={}, given=[], external=[],
    ),
    config={"results": f"{folder}/results"},
    log=[f"{folder}/job.log"],
)
runpy.run_path("workflow/scripts/checks/check_study.py", {"snakemake": job})
"""


def study_checked(content, folder):
    """The exit code of the check and its log, for an arm that starts from a file with this content."""
    torch.save(content, folder / "w.pth")
    call = [sys.executable, "-c", CHECK_STUDY, str(folder / "w.pth"), str(folder)]
    end = subprocess.run(call, cwd=ROOT, check=False, timeout=120)
    return end.returncode, (folder / "job.log").read_text()


def test_the_check_of_the_study_accepts_the_same_files_and_logs_what_was_dropped(tmp_path):
    weights = {f"module.{name}": tensor for name, tensor in torchvision.models.resnet18().state_dict().items()}
    weights = {name: tensor for name, tensor in weights.items() if not name.endswith("num_batches_tracked")}
    code, log = study_checked({"epoch": 3, "state_dict": weights}, tmp_path)
    assert code == 0, log
    assert (tmp_path / "feasible.txt").exists()
    expected = (
        "are its entry `state_dict`; not used: epoch.",
        "begin with `module.`: the prefix is removed.",
        "100 of 100 tensors of resnet18 are in the file.",
        "takes those of ultrasound (mean 0.18, std 0.24).",
    )
    lines = [line for line in log.splitlines() if " INFO " in line and str(tmp_path / "w.pth") in line]
    assert len(lines) == len(expected)
    assert all(end in line for end, line in zip(expected, lines, strict=True)), log


def test_the_check_of_the_study_refuses_the_same_files(tmp_path):
    weights = torchvision.models.resnet18().state_dict()
    code, log = study_checked({name: weights[name] for name in list(weights)[:60]}, tmp_path)
    assert code == 1
    assert not (tmp_path / "feasible.txt").exists()
    with pytest.raises(UserError, match=r"doesn't fit: \d+ of 100 tensors of resnet18 are in the file") as caught:
        initial_encoder("resnet18", "any", 0, tmp_path / "w.pth")
    assert f"ERROR {caught.value}" in log
    assert "Traceback" not in log

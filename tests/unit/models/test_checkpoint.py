import os

import numpy as np
import pytest
import timm
import torch
import torchvision
from safetensors.torch import load_file, save_file

from uscl.base.errors import UserError
from uscl.base.seeds import torch_stream
from uscl.models.checkpoint import load_by_name, load_encoder, read_encoder_file, save_encoder, save_heads
from uscl.models.encoder import Encoder
from uscl.models.encoders import InputStats
from uscl.models.model_file import save_model


@pytest.fixture
def encoder():
    with torch_stream(0, "init"):
        return Encoder("resnet18", InputStats((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))).eval()


def test_an_encoder_survives_its_file(encoder, tmp_path):
    path = tmp_path / "deep" / "encoder.safetensors"
    save_encoder(encoder, path, method="random")
    loaded = load_encoder(path).eval()
    frames = torch.rand(2, 1, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded(frames), encoder(frames))
    assert loaded.stats == encoder.stats
    assert read_encoder_file(path)[1]["method"] == "random"


def test_equal_encoders_are_equal_bytes(encoder, tmp_path):
    for name in "ab":
        save_encoder(encoder, tmp_path / name, method="random", commit="x", data_sha256="y")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_who_may_read_model_files_is_left_to_the_umask(encoder, tmp_path):
    before = os.umask(0o027)
    try:
        save_encoder(encoder, tmp_path / "encoder")
        save_heads({"w": torch.ones(2)}, tmp_path / "heads")
        save_model(tmp_path / "model", {"w": np.ones(2)}, {})
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


@pytest.mark.parametrize(("arch", "head"), [("resnet18", "fc."), ("tf_efficientnet_lite0", "classifier.")])
def test_the_file_loads_into_the_plain_library_model(arch, head, tmp_path):
    save_encoder(Encoder(arch), tmp_path / "e")
    plain = torchvision.models.resnet18() if arch == "resnet18" else timm.create_model(arch)
    missing, left_over = plain.load_state_dict(load_file(tmp_path / "e"), strict=False)
    assert left_over == []
    assert {name.startswith(head) for name in missing} == {True}


def test_every_mismatch_is_listed_and_nothing_is_copied(encoder):
    tensors = dict(Encoder("resnet18").backbone.state_dict())
    before = {name: tensor.clone() for name, tensor in encoder.backbone.state_dict().items()}
    tensors["extra.weight"] = tensors.pop("conv1.weight")
    tensors["bn1.weight"] = torch.zeros(3)
    with pytest.raises(UserError, match=r"1 missing: conv1.weight; 1 left over: extra.weight; 1 of another shape: bn1"):
        load_by_name(encoder.backbone, tensors, source="here")
    assert all(torch.equal(before[name], tensor) for name, tensor in encoder.backbone.state_dict().items())


def test_tensors_may_be_left_out_by_prefix_only(encoder):
    tensors = dict(encoder.backbone.state_dict()) | {"fc.weight": torch.zeros(1)}
    assert load_by_name(encoder.backbone, tensors, source="here", ignore=["fc."]) == len(tensors) - 1
    with pytest.raises(UserError, match=r"fc.weight"):
        load_by_name(encoder.backbone, tensors, source="here")


def test_foreign_files_are_refused_in_words(tmp_path):
    (tmp_path / "text").write_text("no weights")
    save_file({"a": torch.zeros(1)}, tmp_path / "foreign")
    with pytest.raises(UserError, match="can't be read as an encoder file"):
        load_encoder(tmp_path / "text")
    with pytest.raises(UserError, match="can't be read"):
        load_encoder(tmp_path / "missing")
    with pytest.raises(UserError, match="isn't an encoder written by this project"):
        load_encoder(tmp_path / "foreign")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused_with_file_and_tensor(encoder, tmp_path, value):
    encoder.backbone.layer1[0].bn2.running_var[3] = value
    save_encoder(encoder, tmp_path / "spoilt")
    with pytest.raises(
        UserError, match=r"spoilt hold numbers that are NaN or infinite, in 1 of 120 .*layer1.0.bn2.run"
    ):
        load_encoder(tmp_path / "spoilt")

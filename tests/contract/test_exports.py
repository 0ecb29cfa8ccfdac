"""Every encoder that can be exported gives the same features as ONNX; the command itself compares to 1e-4."""

import json

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner

from tests.contract.test_library_encoders import NAMES, size_of
from uscl.command.main import main
from uscl.models.checkpoint import load_encoder, save_encoder
from uscl.models.encoder import Encoder
from uscl.models.encoders import ENCODERS

pytestmark = pytest.mark.e2e  # torch's export takes about ten seconds per network


def assert_exports(name, input_size, size, folder):
    """ONNX gives the features of an encoder of this input size for frames of `size` pixels."""
    save_encoder(Encoder(name, input_size=input_size), folder / "encoder.safetensors", method="simclr")
    (folder / "run.json").write_text(json.dumps({"config": {"frame_size": size}}))
    words = ["export", str(folder / "encoder.safetensors"), "--format", "onnx", "--out", str(folder / "e.onnx")]
    run = CliRunner().invoke(main, words)
    assert run.exit_code == 0, run.output
    frames = torch.rand(3, 1, size, size)
    (found,) = onnxruntime.InferenceSession(folder / "e.onnx").run(None, {"frames": frames.numpy()})
    with torch.inference_mode():
        expected = load_encoder(folder / "encoder.safetensors").eval()(frames).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", [*ENCODERS, *NAMES])
def test_onnx_gives_the_features_of_an_encoder(name, tmp_path):
    size = 64 if name in ENCODERS else size_of(name)
    assert_exports(name, size, size, tmp_path)


@pytest.mark.parametrize("input_size", [48, 96])
def test_an_encoder_that_resizes_its_frames_is_exported_with_the_resizing(input_size, tmp_path):
    assert_exports("resnet18", input_size, 64, tmp_path)

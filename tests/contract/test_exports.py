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


@pytest.mark.parametrize("name", [*ENCODERS, *NAMES])
def test_onnx_gives_the_features_of_an_encoder(name, tmp_path):
    size = 64 if name in ENCODERS else size_of(name)
    encoder = Encoder(name, input_size=size)
    save_encoder(encoder, tmp_path / "encoder.safetensors", method="simclr")
    (tmp_path / "run.json").write_text(json.dumps({"config": {"frame_size": size}}))
    words = ["export", str(tmp_path / "encoder.safetensors"), "--format", "onnx", "--out", str(tmp_path / "e.onnx")]
    run = CliRunner().invoke(main, words)
    assert run.exit_code == 0, run.output
    frames = torch.rand(3, 1, size, size)
    (found,) = onnxruntime.InferenceSession(tmp_path / "e.onnx").run(None, {"frames": frames.numpy()})
    with torch.inference_mode():
        expected = load_encoder(tmp_path / "encoder.safetensors").eval()(frames).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)

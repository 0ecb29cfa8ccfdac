"""Reproducible benchmark of ultrasound video pretraining."""

from importlib import import_module
from pathlib import Path
from typing import Any


def load_encoder(path: str | Path) -> Any:
    """The encoder of an encoder.safetensors, in evaluation mode (`uscl.models.encoder.Encoder`).

    It takes grey frames [batch, 1, height, width] in [0, 1] and gives features [batch, dim]; UserError otherwise.
    Every key of the file must match by name and shape, and none may be missing: UserError that lists them otherwise.
    """
    # Late, and by name: who imports another part of the library has no use for torch.
    encoder = import_module("uscl.models.checkpoint").load_encoder(path).eval()
    encoder.register_forward_pre_hook(import_module("uscl.models.encoder").check_frames)
    return encoder

"""A results folder with an encoder and the models of cells, with random weights: nothing is trained."""

from collections import OrderedDict

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from uscl.base.files import file_sha256
from uscl.models.checkpoint import arrays, described, save_encoder
from uscl.models.encoder import Encoder
from uscl.models.model_file import save_model

ARCH, SIZE, CLASSES = "tf_efficientnet_lite0", 32, ["benign", "malignant"]
SEEN = {"grey": [40.0, 80.0], "contrast": [30.0, 60.0], "height": [32.0, 64.0], "width": [32.0, 64.0]}


def record(form, fold, **more):
    return {
        "form": form,
        "fold": fold,
        "classes": CLASSES,
        "size": SIZE,
        "precision": "32-true",
        "rate_hz": None,
        "crop": [],
        "seen": SEEN,
        "arm": "simclr",
        "task": "busi",
        "seed": 0,
        "metrics": {"score": "balanced_accuracy", "test_score": 0.5, "validation_score": 0.5},
        "training_cases": {"count": 4, "sha256": "1f" * 32},
        "origin": {"commit": "abc", "data_sha256": "d" * 64},
        **more,
    }


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A folder as a study leaves it, with cells of the regimes finetune (two folds), linear and knn (one)."""
    folder = tmp_path_factory.mktemp("study") / "results"
    torch.manual_seed(0)
    encoder = Encoder(ARCH)
    file = folder / "encoders/simclr/seed0/encoder.safetensors"
    save_encoder(encoder, file, method="simclr")
    for fold in range(2):
        head = nn.Linear(encoder.dim, 2)
        net = nn.Sequential(OrderedDict(encoder=encoder, head=head))
        path = folder / f"cells/busi/finetune/labels100/simclr/seed0/models/fold{fold}.safetensors"
        save_model(path, arrays(net), record("classifier", fold, **described(encoder)))
    rng = np.random.default_rng(0)
    bank = rng.normal(size=(9, encoder.dim)).astype(np.float32)
    labels = np.arange(9) % 2
    probes = {
        "linear": {
            "mean": rng.normal(size=encoder.dim),
            "scale": rng.uniform(1, 2, encoder.dim),
            "weight": rng.normal(size=(2, encoder.dim)),
            "bias": rng.normal(size=2),
        },
        "knn": {
            "bank": bank / np.linalg.norm(bank, axis=1, keepdims=True),
            "labels": labels,
            "count": np.array(5),
            "share": np.bincount(labels)[labels],
        },
    }
    reference = {"file": "../../../../../../../encoders/simclr/seed0/encoder.safetensors", "sha256": file_sha256(file)}
    for form, tensors in probes.items():
        path = folder / f"cells/busi/{form}/labels100/simclr/seed0/models/fold0.safetensors"
        save_model(path, tensors, record(form, 0, encoder=reference))
    return folder


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """A folder of five grey pictures, one of them in a folder below, and a text."""
    folder = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(1)
    for k in range(5):
        place = folder / ("below" if k == 4 else ".")
        place.mkdir(exist_ok=True)
        cv2.imwrite(str(place / f"p{k}.png"), rng.integers(0, 120, (48, 40), dtype=np.uint8))
    (folder / "notes.txt").write_text("no picture")
    return folder

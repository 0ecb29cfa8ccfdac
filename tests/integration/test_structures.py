"""A study that outlines two structures, scored at the size of the pictures and in millimetres."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest

from tests.integration.calls import copy_of_checkout, fails, succeeds, write_study
from uscl.data.picture_box import boxes_of
from uscl.metrics.scores import masks_of
from uscl.simulator.sets import write_set

pytestmark = pytest.mark.e2e

SPACING = 0.2  # mm per pixel
STRUCTURES = {"lesion": 1, "vessel": 2}


def write_images(folder):
    """Simulated breast images with their lesion as label 1 and a dark vessel, which every fourth lacks, as 2."""
    write_set("breast", folder / "raw", patients=24, seed=1)
    rows = []
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for path in sorted(folder.glob("raw/*/*_mask.png")):
        mask = (cv2.imread(str(path), cv2.IMREAD_GRAYSCALE) > 0).astype(np.uint8)
        grey = cv2.imread(str(path.with_name(path.name.replace("_mask", ""))), cv2.IMREAD_GRAYSCALE)
        if mask.any():
            if len(rows) % 4:
                cv2.circle(mask, (mask.shape[1] // 4, mask.shape[0] // 4), 10, 2, -1)
                grey[mask == 2] = 0
            file = f"images/{len(rows)}.png"
            cv2.imwrite(str(folder / file), grey)
            cv2.imwrite(str(folder / f"masks/{len(rows)}.png"), mask)
            rows.append({"file": file, "patient": f"p{len(rows)}", "mm_per_pixel": SPACING})
    shutil.rmtree(folder / "raw")
    pd.DataFrame(rows).to_csv(folder / "table.csv", index=False)
    return len(rows)


def settings_of(folder):
    return {
        "study": "structures",
        "results": "results",
        "seeds": [0],
        "device": "cpu",
        "precision": "32-true",
        "tracking": "none",
        "on_bad_video": "skip",
        "encoder": "tf_efficientnet_lite0",
        "frame_size": 64,
        "datasets": {"neck": {"kind": "image_mask_pairs", "data_root": str(folder), "table": "table.csv"}},
        "pool": "neck",
        "tasks": {
            "neck": {
                "kind": "segmentation",
                "dataset": "neck",
                "structures": STRUCTURES,
                "surface_tolerance": {"mm": 0.5},
                "finetune": {"epochs": 4, "batch_size": 4, "lr": 2e-3},
            }
        },
        "splits": {"folds": 2, "inner": 2},
        "primary": [
            {"arm": "imagenet", "reference": "again", "task": "neck", "regime": "finetune", "metric": "mm_hd95_vessel"}
        ],
        "draws": 100,
        "methods": {"imagenet": {"method": "imagenet"}, "again": {"method": "imagenet", "stream": 1}},
    }


def test_two_structures_from_masks_to_claims_in_millimetres(tmp_path):
    folder = tmp_path / "neck"
    count = write_images(folder)
    settings = settings_of(folder)
    project = copy_of_checkout(tmp_path / "project")
    path = write_study(tmp_path / "study.yaml", settings)
    settings["tasks"]["neck"]["structures"] = {"lesion": 1, "vessel": 3}
    assert "label" in fails(project, "results/table.csv", study=write_study(tmp_path / "one.yaml", settings))
    succeeds(project, "results/report.html", "results/figures/neck-finetune", study=path)
    results = project / "results"
    cases = pd.read_parquet(results / "statistics/neck-finetune-labels100/cases.parquet")
    cell = cases[(cases["arm"] == "imagenet")].set_index("case")
    assert len(cell) == count
    predictions = pd.read_parquet(results / "cells/neck/finetune/labels100/imagenet/seed0/predictions.parquet")
    manifest = pd.read_parquet(results / "frames/neck/manifest.parquet").set_index("case")
    for name, label in STRUCTURES.items():
        stored = masks_of(predictions, f"predicted_mask_{name}")
        for case, mask in zip(predictions["case"], stored, strict=True):
            true = cv2.imread(str(folder / manifest.loc[case, "file"].replace("images", "masks")), 0) == label
            found = at_source_size(mask, boxes_of(manifest.loc[[case]])[0], true.shape)
            total = found.sum() + true.sum()
            dice = 2 * (found & true).sum() / total if total else 1.0
            assert cell.loc[case, f"native_dice_{name}"] == pytest.approx(dice)
    known = cell[np.isfinite(cell["native_hd95_vessel"])]
    assert len(known)
    assert np.allclose(known["mm_hd95_vessel"], known["native_hd95_vessel"] * SPACING)
    assert "mm" in (results / "claims.md").read_text()
    table = pd.read_csv(results / "table.csv").set_index(["arm", "metric"])["mean"]
    assert table["imagenet", "native_dice_lesion"] == pytest.approx(cell["native_dice_lesion"].mean(), abs=0.05)


def at_source_size(mask, box, shape):
    """A stored mask as one of the source picture."""
    inside = mask[box.top : box.top + box.height, box.left : box.left + box.width].astype(np.float32)
    return cv2.resize(inside, shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5

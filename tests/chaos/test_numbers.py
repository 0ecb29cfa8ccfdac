"""Numbers that are none, and data that degenerate: works as documented, or stops before time is spent on it."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from tests.chaos.paths import CHECKPOINTS, ENCODER, FEATURES, IMAGENET, LINEAR, OUTCOME, TABLE
from tests.chaos.project import checkout, copy_of_finished, snakemake
from tests.chaos.studies import flat, picture, stopped, study, worked, write

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
CLASSES = ("covid", "pneumonia", "regular")
ONE_EPOCH = {"epochs": 1, "batch_size": 4}
ALL_METHODS = {
    "imagenet": {"method": "imagenet"},
    "untrained": {"method": "untrained", **ONE_EPOCH},
    "simclr": {"method": "simclr", **ONE_EPOCH},
    "supervised": {"method": "supervised", **ONE_EPOCH},
    "ppi": {"method": "simclr", "pairs": "ppi", **ONE_EPOCH},
    "uscl": {"method": "uscl", **ONE_EPOCH},
    **{
        weights: {"method": "meta_uscl", "weights": weights, **ONE_EPOCH}
        for weights in ("learned", "shuffled", "temporal", "constant", "oracle", "oracle_shuffled", "anti_oracle")
    },
}


def own_task(root: Path, kind: str = "image_folder", task: str = "classification") -> dict:
    """Changes of a study: one task on pictures of one's own."""
    settings = {"kind": task, "dataset": "own", "finetune": {"epochs": 1, "batch_size": 4, "lr": 5e-4}}
    return {"datasets": {"own": {"kind": kind, "data_root": str(root)}}, "tasks": {"only": {"own": settings}}}


def pool_of(patients: int, videos: int = 1) -> dict:
    """Changes of a study: a simulated pool of another size."""
    return {"datasets": {"sim_pool": {"simulate": {"patients": patients, "videos": videos}}}}


@pytest.mark.chaos_short
def test_two_arms_whose_names_differ_in_case_alone(folder: Path) -> None:
    """One sentence at once."""
    project = checkout(folder / "project")
    stopped(project, study(folder, methods={"Meta_USCL": {"method": "meta_uscl"}}), "differ only in case", "-n")


IMPOSSIBLE = {
    "batch_size: 1": {"methods": {"meta_uscl": {"batch_size": 1}}},
    "meta.batch_size: 1": {"methods": {"meta_uscl": {"meta": {"batch_size": 1}}}},
    "lr: 0": {"methods": {"meta_uscl": {"lr": 0}}},
    "lr: nan": {"methods": {"meta_uscl": {"lr": float("nan")}}},
    "lr: 1e39": {"methods": {"meta_uscl": {"lr": 1e39}}},
    "shares of one half each": {"pool_parts": {"validation": 0.5, "meta": 0.5}},
    "draws: 1": {"draws": 1},
    "folds: 1": {"splits": {"folds": 1}},
    "seeds: [0, 0]": {"seeds": [0, 0]},
}


def test_impossible_numbers(folder: Path) -> None:
    """Impossible numbers in the config: batch_size: 1, meta.batch_size: 1, lr: 0, lr: nan, lr: 1e39, shares of one
    half each, draws: 1, folds: 1, seeds: [0, 0]: one sentence each, at once."""
    project = checkout(folder / "project")
    for changes in IMPOSSIBLE.values():
        stopped(project, study(folder, **changes), "^Config: ", "-n")


@pytest.mark.chaos_short
def test_a_pool_of_three_videos(folder: Path) -> None:
    """One sentence before any pretraining."""
    project = copy_of_finished(folder / "project")
    stopped(project, study(folder, **pool_of(3)), r"methods\.meta_uscl can't be pretrained\. The pool has 3 videos")


def test_a_pool_of_eight_videos_of_one_patient(folder: Path) -> None:
    """One sentence before any pretraining."""
    project = copy_of_finished(folder / "project")
    stopped(project, study(folder, **pool_of(1, 8)), r"8 videos of 1 group \(patient.*hold out whole groups")


def test_a_pool_of_black_pictures_alone(folder: Path) -> None:
    """One sentence before any pretraining."""
    project = copy_of_finished(folder / "project")
    write(folder / "pool", {f"v{number}.png": flat(0, 64 + number) for number in range(12)})
    pool = {"kind": "video_folder", "data_root": str(folder / "pool")}
    path = study(folder, datasets={"sim_pool": {"only": pool}})
    stopped(project, path, "pool: all 12 frames are blank")


def test_a_task_of_white_pictures_alone(folder: Path) -> None:
    """One sentence before any pretraining."""
    project = copy_of_finished(folder / "project")
    names = [f"{label}/{number}.png" for label in CLASSES for number in range(6)]
    write(folder / "own", {name: flat(255, 64 + place) for place, name in enumerate(names)})
    stopped(project, study(folder, **own_task(folder / "own")), r"tasks\.own: all 18 frames are blank")


def test_a_class_with_fewer_patients_than_folds(folder: Path) -> None:
    """One sentence before any pretraining."""
    project = copy_of_finished(folder / "project")
    counts = {"covid": 1, "regular": 8}
    names = [f"{label}/{number}.png" for label, count in counts.items() for number in range(count)]
    write(folder / "own", {name: picture(seed) for seed, name in enumerate(names)})
    stopped(project, study(folder, **own_task(folder / "own")), "too few groups.*covid: 1")


def test_a_task_of_one_class(folder: Path) -> None:
    """One sentence before any pretraining."""
    project = copy_of_finished(folder / "project")
    write(folder / "own", {f"covid/{number}.png": picture(number) for number in range(8)})
    stopped(project, study(folder, **own_task(folder / "own")), "for each of two or more classes; images are in covid")


def masks_of(folder: Path, grey: int) -> Path:
    """A study whose only task is to segment pictures with masks of one grey."""
    write(folder / "own", {f"images/{number}.png": picture(number) for number in range(8)})
    write(folder / "own", {f"masks/{number}.png": flat(grey) for number in range(8)})
    return study(folder, **own_task(folder / "own", "image_mask_pairs", "segmentation"))


def test_a_segmentation_whose_masks_are_all_empty(folder: Path) -> None:
    """One sentence before any pretraining."""
    stopped(copy_of_finished(folder / "project"), masks_of(folder, 0), "has no case.*lesion in its mask")


def test_a_segmentation_whose_masks_are_lesion_all_over(folder: Path) -> None:
    """One sentence before any pretraining."""
    stopped(copy_of_finished(folder / "project"), masks_of(folder, 255), "every pixel of every mask is lesion")


def spoilt(source: Path, to: Path, value: float) -> str:
    """A copy of an encoder file with one number spoilt; returns the tensor's name."""
    with safe_open(source, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(source)
    name = sorted(tensors)[0]
    tensors[name].view(-1)[0] = value
    save_file(tensors, to, metadata=metadata)
    return name


@pytest.mark.chaos_short
def test_an_encoder_file_with_a_nan_as_init(folder: Path) -> None:
    """One sentence before any pretraining, naming file and tensor."""
    project = copy_of_finished(folder / "project")
    name = spoilt(project / f"results/{ENCODER}/encoder.safetensors", folder / "spoilt.safetensors", float("nan"))
    path = study(folder, methods={"further": {"method": "simclr", "init": str(folder / "spoilt.safetensors")}})
    stopped(project, path, rf"spoilt\.safetensors hold numbers that are NaN or infinite.*\({name}\)")


def test_imagenet_weights_with_an_infinite_number(folder: Path) -> None:
    """One sentence before any pretraining, naming file and tensor."""
    project = copy_of_finished(folder / "project")
    name = spoilt(project / f"results/{IMAGENET}/encoder.safetensors", folder / "w.safetensors", np.inf)
    weights = {"tf_efficientnet_lite0": str(folder / "w.safetensors")}
    stopped(project, study(folder, imagenet_weights=weights), rf"hold numbers that are NaN.*\({name}\)")


def test_a_learning_rate_of_pretraining_at_which_all_overflows(folder: Path) -> None:
    """One sentence; earlier checkpoints are kept."""
    project = copy_of_finished(folder / "project")
    path = study(folder, methods={"meta_uscl": {"lr": 1e6, "epochs": 10}})
    told = r"[Ee]poch \d.*lower the learning rate `lr`.*checkpoints of the epochs before are kept"
    outcome = f"results/{ENCODER}/{OUTCOME}"
    sentence = stopped(project, path, told, outcome, trained=True)
    assert json.loads((project / outcome).read_text())["status"] == "failed"
    kept = list((project / f"results/{CHECKPOINTS}").glob("*.pt"))
    assert kept or "poch 1" in sentence, "no checkpoint of the epochs before is kept"


def test_a_learning_rate_of_fine_tuning_at_which_all_overflows(folder: Path) -> None:
    """One sentence naming cell, fold and epoch."""
    project = copy_of_finished(folder / "project")
    path = study(folder, tasks={"pocus": {"finetune": {"lr": 1e20}}})
    target = f"results/cells/pocus/finetune/labels100/imagenet/seed0/{OUTCOME}"
    told = r"^pocus/finetune/imagenet/seed0: .* pocus/fold0, epoch 1.*lower the learning rate"
    stopped(project, path, told, target)


@pytest.mark.chaos_short
def test_a_nan_in_a_file_of_features(folder: Path) -> None:
    """The probe stops with one sentence, naming a frame."""
    project = copy_of_finished(folder / "project")
    path = project / f"results/{FEATURES}"
    features = np.load(path)
    features[3] = np.nan
    np.save(path, features)
    target = f"results/{LINEAR}/{OUTCOME}"
    stopped(project, study(folder), "features.* isn't as it was written", target)
    path.with_suffix(".provenance.json").unlink()  # nothing says how it was written
    stopped(project, study(folder), "features of .* are NaN, infinite or too large, such as those of", target)


def test_a_nan_in_stored_predictions(folder: Path) -> None:
    """The scores stop with one sentence; no NaN goes into the table. (Of a changed file the run is repeated: this one
    has the time stamp of before.)"""
    project = copy_of_finished(folder / "project")
    path = project / f"results/{LINEAR}/predictions.parquet"
    predictions = pd.read_parquet(path)
    predictions.loc[2, "p_covid"] = np.nan
    before = path.stat()
    predictions.to_parquet(path, index=False)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    shutil.rmtree(project / "results/statistics/pocus-linear-labels100")
    stopped(project, study(folder), "predictions.parquet isn't as it was written", TABLE)


def test_one_frame_videos_alone_max_frames_1_all_methods_and_controls(folder: Path) -> None:
    """A table, and a warning."""
    project = copy_of_finished(folder / "project")
    path = study(
        folder,
        datasets={"sim_pool": {"max_frames": 1}},
        tasks={"pocus": {"regimes": ["linear"]}},
        methods={"only": ALL_METHODS},
    )
    worked(project, path, "Every video of the pool has a single frame")
    check_table(project)


def test_low_rate_large_batch(folder: Path) -> None:
    """A rate at which every video has one frame, and batches larger than everything: a table, and warnings."""
    project = copy_of_finished(folder / "project")
    path = study(
        folder,
        datasets={"sim_pool": {"rate_hz": 0.001}, "sim_lung": {"rate_hz": 0.001}},
        tasks={"pocus": {"finetune": {"batch_size": 512}}},
        methods={"meta_uscl": {"batch_size": 512, "epochs": 2}},
    )
    worked(project, path, "a single frame", "fewer than `batch_size: 512`", "fewer than `finetune.batch_size: 512`")
    check_table(project)


def test_a_label_fraction_of_1_percent_of_which_one_group_a_class_is_left(folder: Path) -> None:
    """The figure of label fractions."""
    path = study(folder, label_fractions={"percent": [1, 100], "regime": "linear"})
    worked(copy_of_finished(folder / "project"), path, target="results/figures/label_fractions.png")


@pytest.mark.chaos_short
def test_a_task_joins_a_finished_study(folder: Path) -> None:
    """No pretraining is done again."""
    project = copy_of_finished(folder / "project")
    further = {"kind": "classification", "dataset": "sim_lung", "regimes": ["knn"]}
    further["finetune"] = {"epochs": 1, "batch_size": 16, "lr": 5e-4}
    run = snakemake(project, "-n", study=study(folder, tasks={"further": further}))
    assert run.returncode == 0, run.stdout
    assert "Drawing folds: further" in run.stdout, "the task isn't planned"
    assert "Checking that the study can work" in run.stdout, "the study isn't checked again"
    assert "Pretraining:" not in run.stdout, "it would be pretrained again"


def check_table(project: Path) -> None:
    """AssertionError where the table has a score that is no number."""
    table = pd.read_csv(project / TABLE)
    assert len(table), "the table has no row"
    scores = table.filter(regex="^(mean|macro_f1|accuracy)")
    assert not scores.isna().any(axis=None), "the table has scores that are no numbers"

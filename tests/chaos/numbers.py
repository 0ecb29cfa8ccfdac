"""Numbers that are none, and data that degenerate: works as documented, or stops before time is spent on it."""

from pathlib import Path

import numpy as np
import pandas as pd
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from chaos.faults import Faults, Outcome
from chaos.project import checkout, copy_of_finished, snakemake
from chaos.studies import flat, picture, stopped, study, worked, write

FAULTS = Faults("numbers")
BEFORE = "one sentence before any pretraining"
ARM = "encoders/meta_uscl/seed0"
CELL = "cells/pocus/linear/labels100/imagenet/seed0"
CLASSES = ("covid", "pneumonia", "regular")
ONE_EPOCH = {"epochs": 1, "batch_size": 4}
ALL_METHODS = {
    "imagenet": {"method": "imagenet"},
    "simclr": {"method": "simclr", **ONE_EPOCH},
    "ppi": {"method": "simclr", "pairs": "ppi", **ONE_EPOCH},
    "uscl": {"method": "uscl", **ONE_EPOCH},
    **{
        weights: {"method": "meta_uscl", "weights": weights, **ONE_EPOCH}
        for weights in ("learned", "shuffled", "temporal", "constant")
    },
}


def own_task(root: Path, kind: str = "image_folder", task: str = "classification") -> dict:
    """Changes of a study: one task on pictures of one's own."""
    settings = {"kind": task, "dataset": "own", "finetune": {"epochs": 1, "batch_size": 4, "lr": 5e-4}}
    return {"datasets": {"own": {"kind": kind, "data_root": str(root)}}, "tasks": {"only": {"own": settings}}}


def pool_of(patients: int, videos: int = 1) -> dict:
    """Changes of a study: a simulated pool of another size."""
    return {"datasets": {"sim_pool": {"simulate": {"patients": patients, "videos": videos}}}}


@FAULTS.fault("two arms whose names differ in case alone", "one sentence at once", short=True)
def colliding_arms(folder: Path) -> Outcome:
    project = checkout(folder / "project")
    return stopped(project, study(folder, methods={"Meta_USCL": {"method": "meta_uscl"}}), "differ in case alone", "-n")


IMPOSSIBLE = {
    "batch_size: 1": {"methods": {"meta_uscl": {"batch_size": 1}}},
    "meta.batch_size: 1": {"methods": {"meta_uscl": {"meta": {"batch_size": 1}}}},
    "lr: 0": {"methods": {"meta_uscl": {"lr": 0}}},
    "lr: nan": {"methods": {"meta_uscl": {"lr": float("nan")}}},
    "lr: 1e39": {"methods": {"meta_uscl": {"lr": 1e39}}},
    "shares of one half each": {"methods": {"meta_uscl": {"validation_share": 0.5, "meta": {"share": 0.5}}}},
    "draws: 1": {"draws": 1},
    "folds: 1": {"splits": {"folds": 1}},
    "seeds: [0, 0]": {"seeds": [0, 0]},
}


@FAULTS.fault(f"impossible numbers in the config: {', '.join(IMPOSSIBLE)}", "one sentence each, at once")
def impossible_numbers(folder: Path) -> Outcome:
    project = checkout(folder / "project")
    for name, changes in IMPOSSIBLE.items():
        assert stopped(project, study(folder, **changes), "^Config: ", "-n").passed, name
    return Outcome(True, f"{len(IMPOSSIBLE)} sentences")


@FAULTS.fault("a pool of three videos", BEFORE, short=True)
def three_videos(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    return stopped(
        project, study(folder, **pool_of(3)), r"methods\.meta_uscl can't be pretrained\. The pool has 3 videos"
    )


@FAULTS.fault("a pool of eight videos of one patient", BEFORE)
def one_patient(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    return stopped(project, study(folder, **pool_of(1, 8)), r"8 videos of 1 group \(patient.*hold out whole groups")


@FAULTS.fault("a pool of black pictures alone", BEFORE)
def black_pool(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    write(folder / "pool", {f"v{number}.png": flat(0, 64 + number) for number in range(12)})
    pool = {"kind": "video_folder", "data_root": str(folder / "pool")}
    path = study(folder, datasets={"sim_pool": {"only": pool}})
    return stopped(project, path, "pool: all 12 frames are blank")


@FAULTS.fault("a task of white pictures alone", BEFORE)
def white_task(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    names = [f"{label}/{number}.png" for label in CLASSES for number in range(6)]
    write(folder / "own", {name: flat(255, 64 + place) for place, name in enumerate(names)})
    return stopped(project, study(folder, **own_task(folder / "own")), r"tasks\.own: all 18 frames are blank")


@FAULTS.fault("a class with fewer patients than folds", BEFORE)
def rare_class(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    counts = {"covid": 1, "regular": 8}
    names = [f"{label}/{number}.png" for label, count in counts.items() for number in range(count)]
    write(folder / "own", {name: picture(seed) for seed, name in enumerate(names)})
    return stopped(project, study(folder, **own_task(folder / "own")), "too few groups.*covid: 1")


@FAULTS.fault("a task of one class", BEFORE)
def one_class(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    write(folder / "own", {f"covid/{number}.png": picture(number) for number in range(8)})
    return stopped(
        project, study(folder, **own_task(folder / "own")), "for each of two or more classes; with images are covid"
    )


def masks_of(folder: Path, grey: int) -> Path:
    """A study whose only task is to segment pictures with masks of one grey."""
    write(folder / "own", {f"images/{number}.png": picture(number) for number in range(8)})
    write(folder / "own", {f"masks/{number}.png": flat(grey) for number in range(8)})
    return study(folder, **own_task(folder / "own", "image_mask_pairs", "segmentation"))


@FAULTS.fault("a segmentation whose masks are all empty", BEFORE)
def no_lesion(folder: Path) -> Outcome:
    return stopped(copy_of_finished(folder / "project"), masks_of(folder, 0), "has no case.*lesion in its mask")


@FAULTS.fault("a segmentation whose masks are lesion all over", BEFORE)
def lesion_all_over(folder: Path) -> Outcome:
    return stopped(copy_of_finished(folder / "project"), masks_of(folder, 255), "every pixel of every mask is lesion")


def spoilt(source: Path, to: Path, value: float) -> str:
    """A copy of an encoder file with one number spoilt; returns the tensor's name."""
    with safe_open(source, "pt") as file:
        metadata = file.metadata()
    tensors = load_file(source)
    name = sorted(tensors)[0]
    tensors[name].view(-1)[0] = value
    save_file(tensors, to, metadata=metadata)
    return name


@FAULTS.fault("an encoder file with a NaN as `init`", f"{BEFORE}, naming file and tensor", short=True)
def spoilt_init(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    name = spoilt(project / f"results/{ARM}/encoder.safetensors", folder / "spoilt.safetensors", float("nan"))
    path = study(folder, methods={"further": {"method": "simclr", "init": str(folder / "spoilt.safetensors")}})
    return stopped(project, path, rf"spoilt\.safetensors hold numbers that are NaN or infinite.*\({name}\)")


@FAULTS.fault("ImageNet weights with an infinite number", f"{BEFORE}, naming file and tensor")
def spoilt_imagenet(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    name = spoilt(project / "results/encoders/imagenet/seed0/encoder.safetensors", folder / "w.safetensors", np.inf)
    weights = {"tf_efficientnet_lite0": str(folder / "w.safetensors")}
    return stopped(project, study(folder, imagenet_weights=weights), rf"hold numbers that are NaN.*\({name}\)")


@FAULTS.fault("a learning rate of pretraining at which all overflows", "one sentence; earlier checkpoints are kept")
def pretraining_diverges(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    path = study(folder, methods={"meta_uscl": {"lr": 1e6, "epochs": 10}})
    told = r"[Ee]poch \d.*lower the learning rate `lr`.*checkpoints of the epochs before are kept"
    outcome = stopped(project, path, told, f"results/{ARM}/encoder.safetensors", trained=True)
    assert not (project / f"results/{ARM}/encoder.safetensors").exists(), "an encoder was written"
    kept = list((project / "results/checkpoints/meta_uscl/seed0").glob("*.pt"))
    assert kept or "poch 1" in outcome.happened, "no checkpoint of the epochs before is kept"
    return outcome


@FAULTS.fault("a learning rate of fine-tuning at which all overflows", "one sentence naming cell, fold and epoch")
def finetuning_diverges(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    path = study(folder, tasks={"pocus": {"finetune": {"lr": 1e20}}})
    target = "results/cells/pocus/finetune/labels100/imagenet/seed0/predictions.parquet"
    told = r"^pocus/finetune/imagenet/seed0: .* pocus/fold0, epoch 1.*lower the learning rate"
    return stopped(project, path, told, target)


@FAULTS.fault("a NaN in a file of features", "the probe stops with one sentence, naming a frame", short=True)
def spoilt_features(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    path = project / "results/features/sim_lung/imagenet-seed0.npy"
    features = np.load(path)
    features[3] = np.nan
    np.save(path, features)
    target = f"results/{CELL}/predictions.parquet"
    return stopped(project, study(folder), "features of .* are NaN, infinite or too large, such as those of", target)


@FAULTS.fault("a NaN in stored predictions", "the scores stop with one sentence; no NaN goes into the table")
def spoilt_predictions(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    path = project / f"results/{CELL}/predictions.parquet"
    predictions = pd.read_parquet(path)
    predictions.loc[2, "p_covid"] = np.nan
    predictions.to_parquet(path, index=False)
    return stopped(project, study(folder), "predictions of 1 of .* NaN or infinite", "results/table.csv")


@FAULTS.fault("one-frame videos alone (`max_frames: 1`), all methods and controls", "a table, and a warning")
def one_frame(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    path = study(
        folder,
        datasets={"sim_pool": {"max_frames": 1}},
        tasks={"pocus": {"regimes": ["linear"]}},
        methods={"only": ALL_METHODS},
    )
    outcome = worked(project, path, "Every video of the pool has a single frame")
    check_table(project)
    return outcome


@FAULTS.fault("a rate at which every video has one frame, and batches larger than everything", "a table, and warnings")
def low_rate_large_batch(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    path = study(
        folder,
        datasets={"sim_pool": {"rate_hz": 0.001}, "sim_lung": {"rate_hz": 0.001}},
        tasks={"pocus": {"finetune": {"batch_size": 512}}},
        methods={"meta_uscl": {"batch_size": 512, "epochs": 2}},
    )
    outcome = worked(
        project, path, "a single frame", "fewer than `batch_size: 512`", "fewer than `finetune.batch_size: 512`"
    )
    check_table(project)
    return outcome


@FAULTS.fault("a label fraction of 1 %, of which one group a class is left", "the figure of label fractions")
def few_labels(folder: Path) -> Outcome:
    path = study(folder, label_fractions={"percent": [1, 100], "regime": "linear"})
    return worked(copy_of_finished(folder / "project"), path, target="results/figures/label_fractions.png")


@FAULTS.fault("a task joins a finished study", "no pretraining is done again", short=True)
def further_task(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    further = {"kind": "classification", "dataset": "sim_lung", "regimes": ["knn"]}
    further["finetune"] = {"epochs": 1, "batch_size": 16, "lr": 5e-4}
    run = snakemake(project, "-n", study=study(folder, tasks={"further": further}))
    assert run.returncode == 0, run.stdout
    assert "Drawing folds: further" in run.stdout, "the task isn't planned"
    assert "Looking whether the study can work" in run.stdout, "the study isn't looked at again"
    assert "Pretraining:" not in run.stdout, "it would be pretrained again"
    return Outcome(True, "the new task alone is planned")


def check_table(project: Path) -> None:
    """AssertionError where the table has a score that is no number."""
    table = pd.read_csv(project / "results/table.csv")
    assert len(table), "the table has no row"
    scores = table.filter(regex="^(mean|macro_f1|accuracy)")
    assert not scores.isna().any(axis=None), "the table has scores that are no numbers"

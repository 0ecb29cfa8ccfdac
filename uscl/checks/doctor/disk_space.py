"""How much room a study's results will take, by part, in bytes."""

from collections.abc import Mapping
from typing import Any

from uscl.checks.doctor.amounts import Amount
from uscl.models.encoders import encoder_spec
from uscl.study.contradictions import PROBES, UNTRAINED

PROJECTED = 128

FLOAT = 4
CHECKPOINTS = 2  # that are kept of a pretraining that runs
STATES = 3  # weights and the optimiser's moments, at most
HASHED = 2_500  # of a frame, for the audit
SIMULATED = 15_000  # of a simulated frame in its file
CELL = 350_000  # of an evaluation's predictions and pictures, as the embedded study has them
FIGURES = 10_000_000


def room(config: Mapping[str, Any], amounts: Mapping[str, Amount], cores: int) -> dict[str, int]:
    """The estimate; data sets whose numbers of frames aren't known are left out."""
    encoder, seeds = encoder_spec(config["encoder"]), len(config["seeds"])
    heads = encoder.features**2 + encoder.features * PROJECTED
    trained = seeds * sum(settings["method"] not in UNTRAINED for settings in config["methods"].values())
    encoders = FLOAT * (seeds * len(config["methods"]) * encoder.parameters + trained * heads)
    pictures = cells(config) * CELL
    at_once = min(trained, cores if config["device"] == "cpu" else 1)
    need = {
        "frames": sum(frame_bytes(config["frame_size"], found) for found in amounts.values()),
        "audit": HASHED * sum(found.frames or 0 for found in amounts.values()),
        "simulated files": sum(
            SIMULATED * (found.decoded or 0)
            for name, found in amounts.items()
            if "simulate" in config["datasets"][name]
        ),
        "encoders": encoders,
        "checkpoints": at_once * CHECKPOINTS * STATES * FLOAT * (encoder.parameters + heads),
        "features": features(config, amounts, seeds),
        "predictions, figures": pictures + FIGURES,
    }
    # MLflow keeps copies of encoders and pictures.
    return need | ({"MLflow": encoders + pictures} if config["tracking"] == "mlflow" else {})


def frame_bytes(side: int, found: Amount) -> int:
    """Stored frames of `side` pixels with their masks."""
    return (found.frames or 0) * (2 if found.masks else 1) * side**2


def cells(config: Mapping[str, Any]) -> int:
    """How many evaluations the study has."""
    regimes = sum(len(task.get("regimes", ["finetune"])) for task in config["tasks"].values())
    return regimes * len(config["methods"]) * len(config["seeds"])


def features(config: Mapping[str, Any], amounts: Mapping[str, Amount], seeds: int) -> int:
    """Features of every frame of the classification tasks' sets: of all seeds where they are probed, else of one."""
    of_set: dict[str, int] = {}
    for task in config["tasks"].values():
        if task["kind"] == "classification":
            times = seeds if set(task.get("regimes", [])) & set(PROBES) else 1
            of_set[task["dataset"]] = max(times, of_set.get(task["dataset"], 0))
    frames = sum(times * (amounts[name].frames or 0) for name, times in of_set.items())
    return frames * len(config["methods"]) * encoder_spec(config["encoder"]).features * FLOAT

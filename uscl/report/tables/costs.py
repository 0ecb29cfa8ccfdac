"""The costs of every arm on every task (time, memory and images), from the runs' records, as a table and as text."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from uscl.base.text import duration
from uscl.report.tables.writing import grid, span

EVALUATION = ("arm", "task", "regime")
COLUMNS = ["pretraining_s", "finetuning_s", "pretraining_cpu_s", "finetuning_cpu_s", "pretraining_steps"]
COLUMNS += ["peak_memory_mib", "pretraining_images", "finetuning_images", "parameters"]
UNKNOWN = "unknown"

EXPLANATION = """\
Sums over seeds. An image counts each time it is seen. Time is the time spent in training itself: other work on the
machine makes it longer, but hardly changes the CPU time. Peak memory is the largest of the arm's jobs, without GPU
memory. The time of a probe is the time of its fit; it leaves out the features, which are computed once per encoder."""
NOT_MEASURED = "Unknown is what other programs did: the pretraining of an encoder, the training of a model."

Record = Mapping[str, Any]


def costs_table(encoders: Iterable[Record], cells: Iterable[Record]) -> pd.DataFrame:
    """One row per arm x task x regime, in the order of the cells (`costs.csv`).

    `encoders` and `cells` are the records (`uscl.jobs.run_record`) of all seeds. Seconds and images are sums over
    seeds, for the training itself, without reading, scoring and writing. An arm that is not pretrained has 0 of both in
    pretraining. `peak_memory_mib` is the largest resident memory of the arm's pretraining and evaluation runs; it
    leaves out GPU memory. `parameters` are the encoder's. Times and memory are measured, so they differ from run to
    run. What another program did is NaN: nobody measured it.
    """
    of_arm, of_evaluation = defaultdict(list), defaultdict(list)
    for record in encoders:
        of_arm[record["tags"]["arm"]].append(record)
    for record in cells:
        of_evaluation[tuple(record["params"][key] for key in EVALUATION)].append(record)
    rows = [
        dict(zip(EVALUATION, name, strict=True)) | costs(of_arm[name[0]], evaluated)
        for name, evaluated in of_evaluation.items()
    ]
    return pd.DataFrame(rows, columns=[*EVALUATION, *COLUMNS])


def costs(pretrained: Sequence[Record], evaluated: Sequence[Record]) -> dict[str, float]:
    """The costs of one arm in one evaluation; `pretrained` and `evaluated` are its records, one per seed.

    An encoder of another program has no number of images in its record, and a model of another program no folds.
    """
    folds = [fold for record in evaluated for fold in record["folds"]]
    known = bool(pretrained) and all("images" in record for record in pretrained)
    found: dict[str, float] = {
        "pretraining_s": float(sum(record.get("training_s", 0) for record in pretrained)),
        "finetuning_s": float(sum(fold["ended"] - fold["started"] for fold in folds)),
        "pretraining_cpu_s": float(sum(record.get("training_cpu_s", 0) for record in pretrained)),
        "finetuning_cpu_s": float(sum(fold["cpu_s"] for fold in folds)),
        "pretraining_steps": sum(record.get("steps", 0) for record in pretrained),
        "peak_memory_mib": max(record["peak_memory_mib"] for record in (*pretrained, *evaluated)),
        "pretraining_images": sum(record.get("images", 0) for record in pretrained),
        "finetuning_images": sum(record.get("images", 0) for record in evaluated),
        "parameters": pretrained[0]["parameters"] if pretrained else math.nan,
    }
    elsewhere = {"pretraining": not known, "finetuning": not folds, "peak": not pretrained}
    return {name: math.nan if elsewhere.get(name.partition("_")[0]) else value for name, value in found.items()}


def cost_parts(costs: pd.DataFrame) -> list[str]:
    """Two Markdown grids with a heading, for the arms' pretraining and for the evaluations; empty without costs.

    `costs` is `costs_table`, or the result table, which has only images and parameters.
    """
    # The result table also has rows of runs that failed.
    rows = costs.dropna(subset=["run"]) if "run" in costs else costs
    if not len(rows):
        return []
    arms = [pretraining(arm, part) for arm, part in rows.groupby("arm", sort=False)]
    tasks = [evaluation(name, part) for name, part in rows.groupby(["task", "regime"], sort=False)]
    measured = "pretraining_s" in rows
    of_arms = [
        "arm",
        "encoder's parameters",
        "images seen in pretraining",
        *(["steps", "CPU time", "time", "peak memory"] * measured),
    ]
    of_tasks = ["task", "regime", "training images seen per arm", *(["CPU time per arm", "time per arm"] * measured)]
    unknown = rows[["pretraining_images", "finetuning_images"]].isna().any(axis=None)
    explained = "\n".join([EXPLANATION, *([NOT_MEASURED] * bool(unknown))])
    return ["## Costs", explained, grid(of_arms, arms), grid(of_tasks, tasks)]


def pretraining(arm: str, costs: pd.DataFrame) -> list[str]:
    """The grid's line for an arm's pretraining."""
    first = costs.iloc[0]
    line = [arm, count(first["parameters"]), count(first["pretraining_images"])]
    if "pretraining_s" in costs:
        took = [
            "-" if first["pretraining_images"] == 0 else time(first[f"pretraining_{unit}s"]) for unit in ("cpu_", "")
        ]
        memory = costs["peak_memory_mib"].max()
        line += [count(first["pretraining_steps"]), *took, count(memory) + (" MiB" if pd.notna(memory) else "")]
    return line


def count(value: float) -> str:
    """A number, or that it is unknown.

    >>> count(1234), count(math.nan)
    ('1,234', 'unknown')
    """
    return UNKNOWN if pd.isna(value) else f"{value:,.0f}"


def time(seconds: float) -> str:
    """A time, or that it is unknown."""
    return UNKNOWN if pd.isna(seconds) else duration(seconds, tenths=True)


def evaluation(name: tuple[str, str], costs: pd.DataFrame) -> list[str]:
    """The grid's line for a task in a regime: the range from the cheapest to the most expensive arm that is known."""
    line = [*name, known_span(costs["finetuning_images"], count)]
    if "finetuning_s" in costs:
        line += [known_span(costs[column], time) for column in ("finetuning_cpu_s", "finetuning_s")]
    return line


def known_span(values: pd.Series, words: Callable[[float], str]) -> str:
    """The smallest and the largest of the values that are known, in words."""
    return span([words(value) for value in sorted(values.dropna())] or [UNKNOWN])

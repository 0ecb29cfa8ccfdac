"""What the papers report, and what the authors' script would report here, next to this study's own values.

Of the papers, only values that were confirmed at their source are listed. Neither they nor the values by the authors'
protocol are results of this study, and they enter no test.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pandas as pd

from uscl.report.tables.writing import grid, limits, mean_and_sd, points, shown
from uscl.stats.level_names import FRAME
from uscl.stats.level_tables import with_level

TASK, METRIC = "pocus", "accuracy"
REGIMES = ("last_block", "finetune")
OURS = ("mean", "sd", "ci_low", "ci_high")
COLUMNS = ["task", "method", "encoder", "input_px", "metric", "reported", "lowest", "highest", "n_seeds", "source"]
COLUMNS += ["remark", "arm"]
HERE = "this study, authors' protocol"


class Figure(NamedTuple):
    """A published accuracy on POCUS, in percent; `input_px` and `encoder` are None if the source doesn't give them."""

    method: str
    encoder: str | None
    input_px: int | None
    accuracy: float
    source: str
    remark: str


META_README = "README of github.com/Schuture/Meta-USCL (Chen et al., IEEE TMI 42(5), 2023, arXiv 2212.04097)"
USCL_ABSTRACT = "abstract of Chen et al., MICCAI 2021, arXiv 2011.13066"
ANOTHER = "Meta-USCL's was fine-tuned under another protocol"

PUBLISHED = (
    Figure("meta_uscl", "ResNet-18", 224, 94.6, META_README, ""),
    Figure("meta_uscl", "ResNet-18", 64, 90.9, META_README, ""),
    Figure("meta_uscl", "ShuffleNet v2", 224, 90.3, META_README, ""),
    Figure("meta_uscl", "ShuffleNet v2", 64, 87.3, META_README, ""),
    Figure("uscl", "ResNet-18", None, 94.19, "README of USCL's code", f"its result file gives 95.42; {ANOTHER}"),
    Figure("imagenet", None, None, 84.0, USCL_ABSTRACT, ""),
)

INTRODUCTION = """\
Accuracy on POCUS in percent. The reported values are not results of this study. Ours are the accuracy of the arm on the
study's task `pocus`. "-" means that this study has no value, or that the source doesn't give it."""

BY_AUTHORS = """\
## This study by the authors' protocol

Accuracy in percent that the authors' script would report for the arms of this study; with several seeds their mean, and
in parentheses the lowest and the highest. The test fold itself chooses the epoch, so these values are too good: they
are not results of this study, and no other table, rank or claim uses them. They show how far this protocol is from ours
on the same encoders and folds."""

DIFFERENCES = """\
## How the protocols differ

| | the authors' | ours |
| --- | --- | --- |
| epoch | the best on the test fold | chosen on a validation part of the training data; the test fold is scored once |
| training data | all folds but the test fold | the same without its validation part |
| accuracy | of the pooled confusion matrix of 5 folds | the same, mean over trainings [95 % CI] |
| seeds | one, no spread | those of the config |
| pretraining | on US-4, which was never fully released (ImageNet: on photographs) | on the pool of the config |
| encoder and input size | as in the table, where known | those of the config |
| layers | Meta-USCL: the last block and the head | as named in the column |
| optimiser | Adam with an L2 penalty, rate 0.01 | AdamW with the settings of the config |
| loss | every case has the same weight | every class has the same total weight |
| frames | stretched to a square, one normalisation | black borders, the normalisation that the weights came with |
| augmentation | crops of at least 80 % and flips | crops of at least 70 %, flips, brightness and contrast |
| BatchNorm of frozen layers | statistics of the batch | statistics of the pretraining |

The left column holds for the reported values; for our values by the authors' protocol it holds except for folds, seeds,
pretraining, encoder and input size, which are those of the config. So no difference between reported and ours is
evidence about a method. If the study's task `pocus` is simulated, as in the embedded study, it shares only its name and
its classes with the published one."""


def reported(
    table: pd.DataFrame, methods: Mapping[str, str], authors: pd.DataFrame, *, inputs: Mapping[str, tuple[str, int]]
) -> pd.DataFrame:
    """One row per published value and per value by the authors' protocol (`reported.csv`), as shares.

    Columns: task, method, encoder, input_px, metric, reported (the mean over seeds), lowest, highest, n_seeds, source,
    remark, arm (of this study), and for `last_block` and `finetune` our <regime>_mean, _sd, _ci_low and _ci_high of the
    same arm, task and metric; NaN if there is none. `table` is `result_table`; `methods` gives the method of each arm,
    `authors` comes from `uscl.report.tables.authors_protocol`, `inputs` are each arm's encoder and input size. A
    published method is represented by the arm of the same name, else by its first arm.
    """
    rows = [published_row(figure, methods) for figure in PUBLISHED]
    for row in authors.to_dict("records"):
        more = {"reported": row["value"], "source": HERE, "remark": "" if pd.isna(row["reason"]) else row["reason"]}
        encoder, input_px = inputs[row["arm"]]
        rows.append(row | more | {"method": methods[row["arm"]], "encoder": encoder, "input_px": input_px})
    frame = pd.DataFrame(rows, columns=COLUMNS).astype({"input_px": "Int64", "n_seeds": "Int64"})
    frames = with_level(table)  # published accuracies count frames
    known = frames[frames["metric"].notna() & frames["level"].eq(FRAME)].set_index(["arm", "task", "metric", "regime"])
    keys = list(zip(frame["arm"], frame["task"], frame["metric"], strict=True))
    for regime in REGIMES:
        for column in OURS:
            values = known[column].astype(float).to_dict()
            frame[f"{regime}_{column}"] = [values.get((*key, regime), float("nan")) for key in keys]
    return frame


def published_row(figure: Figure, methods: Mapping[str, str]) -> dict[str, Any]:
    """A published value as a row of `reported`."""
    more = {"task": TASK, "metric": METRIC, "reported": figure.accuracy / 100}
    return figure._asdict() | more | {"arm": arm_of(figure.method, methods)}


def arm_of(method: str, methods: Mapping[str, str]) -> str | None:
    """The study's arm that represents a method.

    >>> arm_of("uscl", {"mine": "uscl", "uscl": "uscl"}), arm_of("uscl", {"mine": "uscl"}), arm_of("uscl", {})
    ('uscl', 'mine', None)
    """
    arms = [arm for arm, name in methods.items() if name == method]
    return method if method in arms else next(iter(arms), None)


def reported_markdown(frame: pd.DataFrame) -> str:
    """`reported.md`: both kinds of values in percent, ours next to them, sources, and the differences in protocol."""
    here = frame["source"] == HERE
    published = frame[~here].to_dict("records")
    header = ["method", "encoder", "input (pixels)", "reported", "arm", *(f"ours, {regime}" for regime in REGIMES)]
    parts = ["# Values that the papers reported", INTRODUCTION, grid(header, list(map(published_line, published)))]
    parts.append("\n".join(dict.fromkeys(map(origin, published))))
    if here.any():
        parts += by_authors(frame[here & (frame["metric"] == METRIC)].to_dict("records"))
    return "\n\n".join([*parts, DIFFERENCES]) + "\n"


def published_line(row: dict[str, Any]) -> list[str]:
    """A published value and ours."""
    what = [row["method"], or_dash(row["encoder"]), or_dash(row["input_px"]), f"{100 * row['reported']:.4g}"]
    return [*what, or_dash(row["arm"]), *ours(row)]


def by_authors(rows: list[dict[str, Any]]) -> list[str]:
    """The section on the values by the authors' protocol, with their distance from ours on the same layers."""
    header = ["task", "arm", "authors' protocol", *(f"ours, {regime}" for regime in REGIMES)]
    header.append(f"authors' minus ours, {REGIMES[0]} (points)")
    missing = [f"- {row['task']}, {row['arm']}: {row['remark']}" for row in rows if row["remark"]]
    return [BY_AUTHORS, grid(header, list(map(authors_line, rows))), *(["\n".join(missing)] if missing else [])]


def authors_line(row: dict[str, Any]) -> list[str]:
    """A value by the authors' protocol and ours."""
    difference = row["reported"] - row[f"{REGIMES[0]}_mean"]
    text = "missing" if pd.isna(row["reported"]) else shown(row["reported"], METRIC)
    if text != "missing" and row["n_seeds"] > 1:
        text += f" ({shown(row['lowest'], METRIC)} to {shown(row['highest'], METRIC)})"
    return [row["task"], row["arm"], text, *ours(row), "-" if pd.isna(difference) else points(difference, "+")]


def ours(row: dict[str, Any]) -> list[str]:
    """Our values of a row, by regime."""
    texts = []
    for regime in REGIMES:
        mean, sd, low, high = (row[f"{regime}_{column}"] for column in OURS)
        text = f"{mean_and_sd(mean, sd, METRIC)} {limits(low, high, METRIC)}".strip()
        texts.append("-" if pd.isna(mean) else text)
    return texts


def or_dash(value: Any) -> str:
    """The value as text, or a dash if it is missing."""
    return "-" if pd.isna(value) else str(value)


def origin(row: dict[str, Any]) -> str:
    """The source of a published value."""
    return f"- {row['method']}: {row['source']}" + (f"; {row['remark']}." if row["remark"] else ".")

"""What the papers and the authors' code report, next to this study's values, with the differences in protocol.

Only values that were confirmed at their source are listed. They are not results of this study and enter no test.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from uscl.report.tables.writing import grid, limits, mean_and_sd, shown

TASK, METRIC = "pocus", "accuracy"
REGIMES = ("last_block", "finetune")
OURS = ("mean", "sd", "ci_low", "ci_high", "best_on_test_epoch")


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

DIFFERENCES = """\
How the protocols differ (reported: by the papers and the authors' released code):

| | reported | ours |
| --- | --- | --- |
| epoch | the best on the test fold | chosen on a validation part of the training data; the test fold is scored once |
| accuracy | of the pooled confusion matrix of 5 folds | mean over folds and seeds [95 % CI, bootstrap over patients] |
| seeds | one, no spread | those of the config |
| pretraining | on US-4, which was never fully released (ImageNet: on photographs) | on the pool of the config |
| encoder and input size | as in the table, where known | those of the config |
| layers | Meta-USCL: the last block and the head | as named in the column |

So no difference between reported and ours is evidence about a method. If the study's task `pocus` is simulated, as
in the embedded study, it shares only its name and its classes with the published one."""


def reported(table: pd.DataFrame, methods: Mapping[str, str]) -> pd.DataFrame:
    """One row per published value (`reported.csv`), with accuracies as shares.

    Columns: method, encoder, input_px, metric, reported, source, remark, arm (of this study), and for `last_block` and
    `finetune` our <regime>_mean, _sd, _ci_low, _ci_high and _best_on_test_epoch on the task `pocus`; NaN if there is
    none. `table` is `result_table`; `methods` gives the method of each arm. A method is represented by the arm of the
    same name, else by its first arm.
    """
    ours = table[(table["task"] == TASK) & (table["metric"] == METRIC)].set_index(["arm", "regime"])
    rows = []
    for figure in PUBLISHED:
        row = figure._asdict() | {"metric": METRIC, "reported": figure.accuracy / 100}
        row["arm"] = arm_of(figure.method, methods)
        for regime in REGIMES:
            for column in OURS:
                found = ours[column].get((row["arm"], regime))
                row[f"{regime}_{column}"] = float("nan") if found is None else float(found)
        rows.append(row)
    columns = ["method", "encoder", "input_px", "metric", "reported", "source", "remark", "arm"]
    frame = pd.DataFrame(rows).astype({"input_px": "Int64"})
    return frame[columns + [column for column in frame if column.startswith(REGIMES)]]


def arm_of(method: str, methods: Mapping[str, str]) -> str | None:
    """The study's arm that represents a method.

    >>> arm_of("uscl", {"mine": "uscl", "uscl": "uscl"}), arm_of("uscl", {"mine": "uscl"}), arm_of("uscl", {})
    ('uscl', 'mine', None)
    """
    arms = [arm for arm, name in methods.items() if name == method]
    return method if method in arms else next(iter(arms), None)


def reported_markdown(published: pd.DataFrame) -> str:
    """`reported.md`: the published values in percent, ours next to them, sources, and the differences in protocol."""
    rows = published.to_dict("records")
    by_authors = [regime for regime in REGIMES if published[f"{regime}_best_on_test_epoch"].notna().any()]
    header = ["method", "encoder", "input (pixels)", "reported", "arm", *(f"ours, {regime}" for regime in REGIMES)]
    header += [f"ours, {regime}, epoch chosen on the test fold" for regime in by_authors]
    parts = ["# Values that the papers reported", INTRODUCTION, grid(header, [line(row, by_authors) for row in rows])]
    return "\n\n".join([*parts, "\n".join(dict.fromkeys(map(origin, rows))), DIFFERENCES]) + "\n"


def line(row: dict[str, Any], by_authors: Sequence[str]) -> list[str]:
    """A published value and ours; our value by the authors' protocol only for the regimes `by_authors`."""
    what = [row["method"], or_dash(row["encoder"]), or_dash(row["input_px"]), f"{100 * row['reported']:.4g}"]
    ours = []
    for regime in REGIMES:
        mean, sd, low, high = (row[f"{regime}_{column}"] for column in OURS[:4])
        text = f"{mean_and_sd(mean, sd, METRIC)} {limits(low, high, METRIC)}".strip()
        ours.append("-" if pd.isna(mean) else text)
    best = [row[f"{regime}_{OURS[4]}"] for regime in by_authors]
    return [*what, or_dash(row["arm"]), *ours, *("-" if pd.isna(value) else shown(value, METRIC) for value in best)]


def or_dash(value: Any) -> str:
    """The value as text, or a dash if it is missing."""
    return "-" if pd.isna(value) else str(value)


def origin(row: dict[str, Any]) -> str:
    """The source of a published value."""
    return f"- {row['method']}: {row['source']}" + (f"; {row['remark']}." if row["remark"] else ".")

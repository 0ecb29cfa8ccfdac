"""The registry of metrics: the name of each, how it is computed, and what tables and figures need to know about it.

A new metric is one entry in `METRICS`. The entry has both forms: `of_cell` scores the cases of one fold of a cell,
`of_draws` scores many draws of groups at once, for intervals and permutation tests. Scores, statistics, tables and
figures read everything else from here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from uscl.metrics import classification as c
from uscl.metrics import masks
from uscl.metrics import segmentation as s

CLASSIFICATION, SEGMENTATION = KINDS = ("classification", "segmentation")


def undeclared(*arguments: Any) -> Any:
    """Placeholder for a form that an entry does not declare."""
    raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric of classification (`c.ClassifiedCases`, `c.ClassifiedDraws`) or segmentation (`s.ScoredImages`, ...).

    `of_cell` returns a number, `of_draws` an array [arms, seeds, draws]; with `by_class` both have the classes as first
    axis, and each class is a row of the tables, `<name>_<class>`. Undefined values are NaN; `undefined` says why a
    value may be undefined. `of_case` scores each case [n], from predicted and true classes or masks; a metric of images
    that has it becomes a column of the scored cases. `limits` are the smallest and the largest value; a metric that is
    not a share (`percent=False`) names its unit in `title`. `note` explains it below the result table. One metric of
    each kind is `primary`: rankings and claims use it.

    A training's score is computed over the cases of all its folds, or (`over_folds`) as the mean over its folds. A
    metric that is not `smooth` has no jackknife, so no test of methods and no interval over trainings.
    """

    name: str
    title: str
    kind: str
    lower_is_better: bool
    of_cell: Callable[[Any], Any] = undeclared
    of_draws: Callable[[Any], np.ndarray] = undeclared
    of_case: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    by_class: bool = False
    primary: bool = False
    over_folds: bool = False
    smooth: bool = True
    limits: tuple[float, float] = (0.0, 1.0)
    percent: bool = True
    undefined: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        """Raise ValueError for an entry that lacks a part."""
        if self.kind not in KINDS:
            raise ValueError(f"Metric {self.name!r} is of kind {self.kind!r}: choose {' or '.join(KINDS)}.")
        for form in ("of_cell", "of_draws"):
            if getattr(self, form) is undeclared:
                raise ValueError(f"Metric {self.name!r} declares no {form}: add the function to its entry.")
        if not self.title:
            raise ValueError(f"Metric {self.name!r} has no title: add its name in tables.")


METRICS = (
    Metric(
        name="accuracy",
        title="accuracy",
        kind=CLASSIFICATION,
        lower_is_better=False,
        of_cell=c.accuracy,
        of_draws=c.accuracy_of_draws,
        of_case=np.equal,
    ),
    Metric(
        name="balanced_accuracy",
        title="balanced accuracy",
        kind=CLASSIFICATION,
        lower_is_better=False,
        of_cell=c.balanced_accuracy,
        of_draws=c.balanced_accuracy_of_draws,
    ),
    Metric(
        name="macro_f1",
        title="macro-F1",
        kind=CLASSIFICATION,
        lower_is_better=False,
        of_cell=c.macro_f1,
        of_draws=c.macro_f1_of_draws,
        primary=True,
    ),
    Metric(
        name="auroc",
        title="AUROC",
        kind=CLASSIFICATION,
        lower_is_better=False,
        of_cell=c.auroc,
        of_draws=c.auroc_of_draws,
        over_folds=True,
        undefined="a class is absent from the test part",
        note="AUROC is the mean over classes of one class against the rest.",
    ),
    Metric(
        name="ece",
        title="ECE",
        kind=CLASSIFICATION,
        lower_is_better=True,
        of_cell=c.calibration_error,
        of_draws=c.calibration_error_of_draws,
        smooth=False,
        note="ECE is the expected calibration error in ten bins.",
    ),
    Metric(
        name="sensitivity",
        title="sensitivity",
        kind=CLASSIFICATION,
        lower_is_better=False,
        of_cell=c.sensitivity,
        of_draws=c.sensitivity_of_draws,
        by_class=True,
        undefined="the class is absent from the test part",
    ),
    Metric(
        name="precision",
        title="precision",
        kind=CLASSIFICATION,
        lower_is_better=False,
        of_cell=c.precision,
        of_draws=c.precision_of_draws,
        by_class=True,
    ),
    Metric(
        name="f1",
        title="F1",
        kind=CLASSIFICATION,
        lower_is_better=False,
        of_cell=c.f1,
        of_draws=c.f1_of_draws,
        by_class=True,
        undefined="the class is absent from the test part and never predicted",
    ),
    Metric(
        name="dice",
        title="Dice",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_case=masks.dice,
        of_cell=s.mean("dice"),
        of_draws=s.mean_of_draws("dice"),
        primary=True,
    ),
    Metric(
        name="median_dice",
        title="median Dice",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_cell=s.median_dice,
        of_draws=s.median_dice_of_draws,
        smooth=False,
    ),
    Metric(
        name="iou",
        title="IoU",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_case=masks.iou,
        of_cell=s.mean("iou"),
        of_draws=s.mean_of_draws("iou"),
    ),
    Metric(
        name="hd95",
        title="HD95 (pixels)",
        kind=SEGMENTATION,
        lower_is_better=True,
        of_case=masks.hd95,
        of_cell=s.mean("hd95"),
        of_draws=s.mean_of_draws("hd95"),
        limits=(0.0, float("inf")),
        percent=False,
    ),
    Metric(
        name="zero_dice_share",
        title="images with Dice 0",
        kind=SEGMENTATION,
        lower_is_better=True,
        of_cell=s.zero_dice_share,
        of_draws=s.zero_dice_share_of_draws,
        smooth=False,
    ),
)


def metrics_of(kind: str, *, by_class: bool = False) -> list[Metric]:
    """The metrics of a kind of task in the order of all tables: over all classes, or (`by_class`) of each class."""
    return [metric for metric in METRICS if metric.kind == kind and metric.by_class == by_class]


def names(kind: str, classes: Sequence[str]) -> list[str]:
    """The names of a task's metrics, in the order of all tables; `classes` is empty for segmentation.

    >>> names("classification", ["a"])[4:]
    ['ece', 'sensitivity_a', 'precision_a', 'f1_a']
    """
    of_classes = [f"{metric.name}_{name}" for name in classes for metric in metrics_of(kind, by_class=True)]
    return [*(metric.name for metric in metrics_of(kind)), *of_classes]


def metric_named(name: str) -> Metric:
    """The metric with a name as in tables, which may include a class. Raises ValueError for an unknown name.

    >>> metric_named("f1_benign").title
    'F1'
    """
    whole = (found for found in METRICS if found.name == name and not found.by_class)
    of_class = (found for found in METRICS if found.by_class and name.startswith(f"{found.name}_"))
    found = next(whole, None) or next(of_class, None)
    if found is None:
        raise ValueError(f"There is no metric {name!r}: choose one of {', '.join(each.name for each in METRICS)}.")
    return found


def title(name: str) -> str:
    """The name of a metric for readers.

    >>> title("macro_f1"), title("f1_benign")
    ('macro-F1', 'F1 of benign')
    """
    found = metric_named(name)
    return f"{found.title} of {name.removeprefix(f'{found.name}_')}" if found.by_class else found.title


def lower_is_better(name: object) -> bool:
    """Whether a smaller value of a metric is better; False for a row of a table that has no metric.

    >>> lower_is_better("hd95"), lower_is_better("f1_benign"), lower_is_better(None)
    (True, False, False)
    """
    return isinstance(name, str) and metric_named(name).lower_is_better


def primary(kind: str) -> str:
    """The name of the primary metric of a kind of task.

    >>> primary("classification"), primary("segmentation")
    ('macro_f1', 'dice')
    """
    (found,) = (metric.name for metric in METRICS if metric.kind == kind and metric.primary)
    return found


def case_scores_of(kind: str) -> list[str]:
    """The names of the metrics that score single cases."""
    return [metric.name for metric in METRICS if metric.kind == kind and metric.of_case]


# For tables: all metrics except those of single classes, in order; and the primary metrics.
MAIN = tuple(metric.name for kind in KINDS for metric in metrics_of(kind))
PRIMARY = tuple(primary(kind) for kind in KINDS)

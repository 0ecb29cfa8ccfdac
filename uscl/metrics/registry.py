"""The registry of metrics: the name of each, how it is computed, and what tables and figures need to know about it.

A new metric is one entry in `METRICS`. The entry has both forms: `of_cell` scores the cases of one fold of a cell,
`of_draws` scores many draws of groups at once, for intervals and permutation tests. Scores, statistics, tables and
figures read everything else from here.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from uscl.metrics import classification as c
from uscl.metrics import masks, native
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
    value may be undefined. `of_case` scores each case [n], from predicted and true classes or masks. `limits` are the
    smallest and the largest value; a metric that is not a share (`percent=False`) has a `unit`, which `title` names.
    `note` explains it below the result table. One metric of each kind is `primary`: rankings and claims use it.

    The mean of a score of single images (`of_images`) has the name of the score's column in the scored cases, and is
    also taken for each structure, `<name>_<structure>`. `of_case` scores stored masks, `of_native` one image at the
    size of its source (`native.Pair`) if what it `needs` (a key of `native.NEEDS`) is known for all images.

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
    of_native: Callable[[native.Pair], float] | None = None
    needs: str | None = None
    by_class: bool = False
    primary: bool = False
    over_folds: bool = False
    smooth: bool = True
    limits: tuple[float, float] = (0.0, 1.0)
    unit: str = ""
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

    @property
    def percent(self) -> bool:
        """Whether values are shares, which tables show in percent."""
        return not self.unit

    @property
    def of_images(self) -> bool:
        """Whether it is the mean of a score that each image has, so that each structure has one too."""
        return self.kind == SEGMENTATION and (self.of_case or self.of_native) is not None


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
        title="frame-size Dice",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_case=masks.dice,
        of_cell=s.mean("dice"),
        of_draws=s.mean_of_draws("dice"),
        primary=True,
    ),
    Metric(
        name="median_dice",
        title="median frame-size Dice",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_cell=s.median_dice,
        of_draws=s.median_dice_of_draws,
        smooth=False,
    ),
    Metric(
        name="iou",
        title="frame-size IoU",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_case=masks.iou,
        of_cell=s.mean("iou"),
        of_draws=s.mean_of_draws("iou"),
    ),
    Metric(
        name="hd95",
        title="frame-size HD95 (pixels)",
        kind=SEGMENTATION,
        lower_is_better=True,
        of_case=masks.hd95,
        of_cell=s.mean("hd95"),
        of_draws=s.mean_of_draws("hd95"),
        limits=(0.0, float("inf")),
        unit="pixels",
    ),
    Metric(
        name="zero_dice_share",
        title="images with frame-size Dice 0",
        kind=SEGMENTATION,
        lower_is_better=True,
        of_cell=s.zero_dice_share,
        of_draws=s.zero_dice_share_of_draws,
        smooth=False,
    ),
    Metric(
        name="native_dice",
        title="Dice",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_native=native.dice,
        of_cell=s.mean("native_dice"),
        of_draws=s.mean_of_draws("native_dice"),
    ),
    Metric(
        name="native_iou",
        title="IoU",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_native=native.iou,
        of_cell=s.mean("native_iou"),
        of_draws=s.mean_of_draws("native_iou"),
    ),
    Metric(
        name="native_hd95",
        title="HD95 (pixels)",
        kind=SEGMENTATION,
        lower_is_better=True,
        of_native=native.hd95,
        of_cell=s.mean("native_hd95"),
        of_draws=s.mean_of_draws("native_hd95"),
        limits=(0.0, float("inf")),
        unit="pixels",
    ),
    Metric(
        name="mm_hd95",
        title="HD95 (mm)",
        kind=SEGMENTATION,
        lower_is_better=True,
        of_native=native.hd95_mm,
        needs="spacing",
        of_cell=s.mean("mm_hd95"),
        of_draws=s.mean_of_draws("mm_hd95"),
        limits=(0.0, float("inf")),
        unit="mm",
    ),
    Metric(
        name="native_nsd",
        title="NSD",
        kind=SEGMENTATION,
        lower_is_better=False,
        of_native=native.nsd,
        needs="tolerance",
        of_cell=s.mean("native_nsd"),
        of_draws=s.mean_of_draws("native_nsd"),
        note="NSD is the normalised surface distance: the share of both outlines that lies within the task's tolerance"
        " of the other.",
    ),
)


def metrics_of(kind: str, *, by_class: bool = False) -> list[Metric]:
    """The metrics of a kind of task in the order of all tables: over all classes, or (`by_class`) of each class."""
    return [metric for metric in METRICS if metric.kind == kind and metric.by_class == by_class]


def names(kind: str, classes: Sequence[str], scores: Sequence[str] | None = None) -> list[str]:
    """The names of a task's metrics, in the order of all tables.

    `classes` is empty for segmentation, `scores` are those that its images have (`image_scores`; by default those that
    images always have).

    >>> names("classification", ["a"])[4:]
    ['ece', 'sensitivity_a', 'precision_a', 'f1_a']
    >>> names("segmentation", [], ["dice", "iou", "hd95", "mm_hd95", "dice_nerve"])[3:]
    ['hd95', 'zero_dice_share', 'mm_hd95', 'dice_nerve']
    """
    if kind == SEGMENTATION:
        known = s.FROM_STORED_MASKS if scores is None else scores
        whole = [metric.name for metric in metrics_of(kind) if not metric.of_images or metric.name in known]
        return [*whole, *(name for name in known if name not in whole)]
    of_classes = [f"{metric.name}_{name}" for name in classes for metric in metrics_of(kind, by_class=True)]
    return [*(metric.name for metric in metrics_of(kind)), *of_classes]


def structure_names(columns: Iterable[str]) -> list[str]:
    """The structures whose scores a table of images has, in its order; none if a task has one structure.

    >>> structure_names(["case", "dice", "dice_nerve", "iou_nerve", "dice_vessel"])
    ['nerve', 'vessel']
    """
    return [name.removeprefix("dice_") for name in columns if name.startswith("dice_")]


def image_scores(columns: Collection[str]) -> list[str]:
    """The columns of a table that score images: first over all structures, then those of each.

    >>> image_scores(["case", "dice", "dice_nerve", "iou", "iou_nerve", "native_dice"])
    ['dice', 'iou', 'native_dice', 'dice_nerve', 'iou_nerve']
    """
    whole = [metric.name for metric in METRICS if metric.of_images and metric.name in columns]
    of_structures = [f"{name}_{structure}" for structure in structure_names(columns) for name in whole]
    return [*whole, *(name for name in of_structures if name in columns)]


def metric_named(name: str) -> Metric:
    """The metric with a name as in tables, perhaps of a class or structure. Raises ValueError for an unknown name.

    >>> metric_named("f1_benign").title, metric_named("hd95_nerve").title
    ('F1', 'frame-size HD95 (pixels)')
    """
    whole = (found for found in METRICS if found.name == name and not found.by_class)
    of_class = (each for each in METRICS if (each.by_class or each.of_images) and name.startswith(f"{each.name}_"))
    found = next(whole, None) or next(of_class, None)
    if found is None:
        raise ValueError(f"There is no metric {name!r}: choose one of {', '.join(each.name for each in METRICS)}.")
    return found


def title(name: str) -> str:
    """The name of a metric for readers.

    >>> title("macro_f1"), title("f1_benign"), title("native_dice_nerve")
    ('macro-F1', 'F1 of benign', 'Dice of nerve')
    """
    found, part = metric_named(name), part_of(name)
    return f"{found.title} of {part}" if part else found.title


def part_of(name: str) -> str:
    """The class or structure in the name of a metric; "" if it is over all.

    >>> part_of("f1_benign"), part_of("hd95")
    ('benign', '')
    """
    found = metric_named(name)
    return "" if name == found.name else name.removeprefix(f"{found.name}_")


def unit_of_difference(name: str) -> str:
    """What differences of a metric are counted in.

    >>> unit_of_difference("macro_f1"), unit_of_difference("hd95"), unit_of_difference("mm_hd95")
    ('points', 'pixels', 'mm')
    """
    return metric_named(name).unit or "points"


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


# For tables: all metrics except those of single classes, in order; and the primary metrics.
MAIN = tuple(metric.name for kind in KINDS for metric in metrics_of(kind))
PRIMARY = tuple(primary(kind) for kind in KINDS)

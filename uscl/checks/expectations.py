"""What the primary comparisons of a study can be expected to show, before anything is trained.

The spreads come from the study's own statistics if there are any, else they are assumed, and may be far from those of
its data: the sentence says which.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uscl.metrics.registry import metric_named, title
from uscl.stats.level_names import FRAME, place
from uscl.stats.planning import (
    ENOUGH,
    FEWEST,
    UNDECIDED,
    Size,
    Spread,
    expected_se,
    groups_needed,
    power,
    trainings_needed,
)

KEYS = ["arm", "reference", "metric", "level"]
# In points of accuracy or Dice, from the embedded study (`python benchmarks/false_positives.py --fit`). Per patient:
# medians over pairs of arms. Per training: luck, and what a training does to single patients, averaged over these.
ASSUMED = {"classification": Spread(20.0, 3.5), "segmentation": Spread(7.0, 2.5)}


def expectations(
    primary: Sequence[Mapping[str, Any]],
    margins: Mapping[str, Mapping[str, Any]],
    kinds: Mapping[str, str],
    groups: Mapping[str, int | None],
    trainings: int,
    statistics: Mapping[str, str],
) -> list[str]:
    """One sentence per primary comparison.

    `groups` has the number of groups of each task, None if it is unknown; `statistics` the file of comparisons of each
    task/regime, which need not exist.
    """
    if not primary:
        return ["The study names no primary comparison (`primary`), so it will claim nothing about any method."]
    return [
        f"{named(each)}: {expectation(each, margins.get(each['task']), kinds, groups, trainings, statistics)}"
        for each in primary
    ]


def groups_of(known: Mapping[str, int | None], splits: Mapping[str, str]) -> dict[str, int | None]:
    """The number of groups of each task: of its folds if they are drawn, else the one that is known beforehand."""
    return {
        task: tested_groups(Path(splits[task])) if Path(splits[task]).is_file() else count
        for task, count in known.items()
    }


def tested_groups(path: Path) -> int:
    """The number of groups that are tested in the folds of a file."""
    from uscl.data.splits import read_folds

    cases, folds = read_folds(path)
    tested = {row for fold in folds for row in fold.test}
    return int(cases.loc[cases["row"].isin(tested), "group"].nunique())


def named(comparison: Mapping[str, Any]) -> str:
    """A comparison in words."""
    arms = f"{comparison['arm']} against {comparison['reference']}"
    return f"{arms} on {place(comparison)}, {title(comparison['metric'])}"


def expectation(
    comparison: Mapping[str, Any],
    margin: Mapping[str, Any] | None,
    kinds: Mapping[str, str],
    groups: Mapping[str, int | None],
    trainings: int,
    statistics: Mapping[str, str],
) -> str:
    """What a comparison can be expected to show."""
    if "tasks" in comparison:
        return "no forecast for a mean over tasks."
    if comparison["task"] not in groups:
        return "no forecast for an external set."
    if trainings < FEWEST:
        return f"no claim with {trainings} of the {FEWEST} trainings (`seeds`) that it takes at least."
    of_task = groups[comparison["task"]]
    if of_task is None:
        return "unknown until its data are read."
    if not metric_named(comparison["metric"]).percent:
        return "no forecast for a metric that is not a share."
    path = Path(statistics[f"{comparison['task']}/{comparison['regime']}"])
    size, measured = Size(trainings, of_task), measured_spread(comparison, path)
    spread = measured or ASSUMED[kinds[comparison["task"]]]
    source = "measured here" if measured else "assumed"
    found = [
        f"expected standard error {expected_se(spread, size):.1f} points ({trainings} trainings, {of_task} groups; sd"
        f" {spread.patient:.0f} points per patient and {spread.luck:.1f} per training, {source})"
    ]
    if trainings < ENOUGH:
        found.append("exploratory")
    return "; ".join([*found, within_margin(margin, spread, size)]) + "."


def within_margin(margin: Mapping[str, Any] | None, spread: Spread, size: Size) -> str:
    """How likely a difference of the margin is shown, and what it would take."""
    if margin is None:
        return "the task has no `margin`, so nothing will be called equal"
    points = margin["points"]
    chance = power(points, spread, size)
    words = f"a difference of {points:g} points is shown with a probability of {100 * chance:.0f} %"
    needed = [
        f"{count} {what}"
        for count, what in (
            (trainings_needed(points, spread, size.groups), "trainings"),
            (groups_needed(points, spread, size.trainings), "groups"),
        )
        if count is not None
    ]
    takes = f"80 % takes {' or '.join(needed)}" if needed else "no number of trainings or groups alone gives 80 %"
    return f"{words}{': cannot be decided' if chance < UNDECIDED else ''}; {takes}"


def measured_spread(comparison: Mapping[str, Any], path: Path) -> Spread | None:
    """The spreads of a comparison, in points, from the study's own statistics; None if there are none."""
    from uscl.base.tables import read_csv
    from uscl.stats.level_tables import with_level

    if not path.is_file():
        return None
    table = with_level(read_csv(path))
    rows = table[(table[KEYS] == [comparison.get(key, FRAME) for key in KEYS]).all(axis=1)]
    rows = rows[rows["se_patients"].notna()]
    if not len(rows):
        return None
    row = rows.iloc[0]
    luck = row["se_trainings"] / (1 / row["trainings"] + 1 / row["reference_trainings"]) ** 0.5
    return Spread(100 * row["se_patients"] * row["n_groups"] ** 0.5, 100 * luck)

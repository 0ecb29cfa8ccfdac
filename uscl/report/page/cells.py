"""What a cell of the tables opens: the score of every training, the runs with their files, and their figures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from uscl.base.tables import read_csv
from uscl.jobs.outcome import required
from uscl.metrics.registry import MAIN, PRIMARY, title
from uscl.report.page.grids import Key, Mark, dialog_of, marks
from uscl.report.page.pictures import Picture, Pictures
from uscl.report.tables.writing import shown
from uscl.stats.level_names import FRAME, per
from uscl.stats.level_tables import with_level

FIGURES = {"predictions": "predictions on the test part", "learning_curve": "learning curve"}
SMALL = 760  # pixels that the figure of a single fold is wide


class Run(NamedTuple):
    """A training of a cell: its scores by metric as texts, the folder of its files, and why it failed, if it did."""

    seed: int
    name: str
    scores: list[str]
    folder: str
    reason: str | None
    pictures: list[Picture]


class Cell(NamedTuple):
    """An arm on a task in a regime."""

    opens: str
    arm: str
    task: str
    regime: str
    metrics: list[str]
    verdicts: list[Mark]
    runs: list[Run]


def cells(
    results: Path,
    evaluations: Mapping[tuple[str, str], Sequence[str]],
    seeds: Sequence[int],
    claims: pd.DataFrame,
    pictures: Pictures,
) -> list[Cell]:
    """All cells of a study, with the figures of their first trainings before those of the others.

    `evaluations` has the arms of each task and regime.
    """
    of_study = [(*place, arm) for place, arms in evaluations.items() for arm in arms]
    figures = {(key, seed): list(figures_of(results, key, seed, pictures)) for seed in seeds for key in of_study}
    scores = {
        place: read_csv(results / "statistics" / f"{'-'.join(place)}-labels100/trainings.csv") for place in evaluations
    }
    verdicts = marks(claims)
    return [
        cell(results, key, scores[key[:2]], verdicts, {seed: figures[key, seed] for seed in seeds}) for key in of_study
    ]


def figures_of(results: Path, key: tuple[str, str, str], seed: int, pictures: Pictures) -> Iterable[Picture]:
    """The figures of the folds of a training."""
    task, regime, arm = key
    folder = results / f"figures/{task}-{regime}/cells/{arm}-seed{seed}"
    for path in sorted(folder.glob("fold*_*.png")):
        fold, _, what = path.stem.removeprefix("fold").partition("_")
        alt = f"{arm} on {task} ({regime}), training {seed}, fold {fold}: {FIGURES.get(what, what)}"
        if found := pictures.of(path, alt, widest=SMALL, exact=False):
            yield found


def cell(
    results: Path,
    key: tuple[str, str, str],
    scores: pd.DataFrame,
    verdicts: Mapping[Key, list[Mark]],
    figures: Mapping[int, list[Picture]],
) -> Cell:
    """One cell; `scores` are those of the trainings of its evaluation, `figures` those of each training."""
    task, regime, arm = key
    scores = with_level(scores)
    of_arm = scores[scores["arm"] == arm].set_index(["seed", "level", "metric"])["value"]
    columns = columns_of(scores)
    named = [(arm, task, regime, level, metric) for level in scores["level"].unique() for metric in MAIN]
    found = [each for place in named for each in verdicts.get(place, [])]
    runs = [run(results, key, seed, of_arm, columns, pictures) for seed, pictures in figures.items()]
    titles = [f"{title(metric)}{per(level)}" for level, metric in columns]
    return Cell(dialog_of(arm, task, regime), arm, task, regime, titles, found, runs)


def columns_of(scores: pd.DataFrame) -> list[tuple[str, str]]:
    """Level and metric of each column: all main metrics at the first level, and the primary one at the others."""
    first, *others = scores["level"].unique() if len(scores) else [FRAME]
    main = [metric for metric in MAIN if metric in set(scores["metric"])]
    return [(first, metric) for metric in main] + [
        (level, metric) for level in others for metric in main if metric in PRIMARY
    ]


def run(
    results: Path,
    key: tuple[str, str, str],
    seed: int,
    scores: Any,
    columns: Sequence[tuple[str, str]],
    figures: list[Picture],
) -> Run:
    """One training of a cell; its scores are missing if it failed or its arm is incomplete."""
    task, regime, arm = key
    folder = f"cells/{task}/{regime}/labels100/{arm}/seed{seed}"
    values = [(scores.get((seed, level, metric), float("nan")), metric) for level, metric in columns]
    texts = ["" if pd.isna(value) else shown(value, metric) for value, metric in values]
    reason = required(results / folder / "outcome.json").reason
    return Run(seed, f"{task}/{regime}/{arm}/seed{seed}", texts, folder, reason, figures)

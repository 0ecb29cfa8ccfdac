"""What a cell of the tables opens: the score of every training, the runs with their files, and their figures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from uscl.base.tables import read_csv
from uscl.jobs.outcome import required
from uscl.metrics.registry import MAIN, title
from uscl.report.page.grids import Key, Mark, dialog_of, marks
from uscl.report.page.pictures import Picture, Pictures
from uscl.report.tables.writing import shown

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
    evaluations: Sequence[tuple[str, str]],
    arms: Sequence[str],
    seeds: Sequence[int],
    claims: pd.DataFrame,
    pictures: Pictures,
) -> list[Cell]:
    """All cells of a study, with the figures of their first trainings before those of the others."""
    of_study = [(task, regime, arm) for task, regime in evaluations for arm in arms]
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
    of_arm = scores[scores["arm"] == arm].set_index(["seed", "metric"])["value"]
    metrics = [metric for metric in MAIN if metric in set(scores["metric"])]
    found = [each for metric in metrics for each in verdicts.get((arm, task, regime, metric), [])]
    runs = [run(results, key, seed, of_arm, metrics, pictures) for seed, pictures in figures.items()]
    return Cell(dialog_of(arm, task, regime), arm, task, regime, [title(metric) for metric in metrics], found, runs)


def run(
    results: Path, key: tuple[str, str, str], seed: int, scores: Any, metrics: Sequence[str], figures: list[Picture]
) -> Run:
    """One training of a cell; its scores are missing if it failed or its arm is incomplete."""
    task, regime, arm = key
    folder = f"cells/{task}/{regime}/labels100/{arm}/seed{seed}"
    values = [scores.get((seed, metric), float("nan")) for metric in metrics]
    texts = ["" if pd.isna(value) else shown(value, metric) for value, metric in zip(values, metrics, strict=True)]
    reason = required(results / folder / "outcome.json").reason
    return Run(seed, f"{task}/{regime}/{arm}/seed{seed}", texts, folder, reason, figures)

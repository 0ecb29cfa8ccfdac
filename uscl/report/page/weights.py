"""The weights that arms give to pairs of frames; only for arms whose weights vary."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from uscl.base.tables import read_csv
from uscl.base.text import counted
from uscl.jobs.outcome import runs_of
from uscl.jobs.recorded import checked
from uscl.pretrain.meta.exercised import exercised
from uscl.report.page.pictures import Picture, Pictures

FIGURES = {"pair_weights": "weights of pairs against distance, similarity and source", "film_strip": "pairs in videos"}


class Weights(NamedTuple):
    """The weights of an arm: what became of its weight nets in words, and the figures of the first training."""

    arm: str
    verdicts: list[str]
    pictures: list[Picture]


def weights(
    results: Path, outcomes: Sequence[str | Path], arms: Sequence[str], seeds: Sequence[int], pictures: Pictures
) -> list[Weights]:
    """The arms whose weights vary; `outcomes` are those of the encoders by arm and seed, in this order."""
    found: dict[str, dict[int, str]] = {}
    for (arm, seed), folder in runs_of(outcomes, arms, seeds).done.items():
        if not (folder / "pairs.csv").is_file():
            continue
        history, pairs = (read_csv(checked(folder / name)) for name in ("history.csv", "pairs.csv"))
        if pairs["weight"].nunique() > 1:
            net = exercised(history, pairs)
            found.setdefault(arm, {})[seed] = net.verdict if net else "weights are given, not learned"
    return [
        Weights(arm, summed(verdicts), figures(results, arm, next(iter(verdicts)), pictures))
        for arm, verdicts in found.items()
    ]


def summed(verdicts: dict[int, str]) -> list[str]:
    """The verdicts on an arm's trainings; equal ones are counted.

    >>> summed({0: "weighting was exercised", 1: "weighting was exercised"})
    ['weighting was exercised (2 trainings)']
    """
    counts = pd.Series(list(verdicts.values())).value_counts(sort=False)
    return [f"{verdict} ({counted(int(count), 'training')})" for verdict, count in counts.items()]


def figures(results: Path, arm: str, seed: int, pictures: Pictures) -> list[Picture]:
    """The figures of a training's weights."""
    folder = results / f"figures/pretraining/seed{seed}/{arm}"
    return pictures.all({folder / f"{name}.png": f"{arm}, training {seed}: {words}" for name, words in FIGURES.items()})

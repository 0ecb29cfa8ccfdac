"""What a study can show, if its spreads are those that were estimated from stored predictions."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from uscl.base.seeds import derive
from uscl.stats.false_positives import ALPHA, Events, compared, rates, to_arms, together
from uscl.stats.fitted_spreads import Evaluation, Spreads
from uscl.stats.many_studies import holm, nested, p_value, within
from uscl.stats.simulated_scores import Scores, World

COMPARISONS = 5  # a family of Holm's adjustment
CLOSE_AND_DISTANT = {"close": 0.1, "middle": 0.5, "distant": 0.9}  # quantiles of the pairs of arms


def power(
    given: Evaluation, found: Spreads, trainings: tuple[int, ...], margin: float, studies: int, seed: int
) -> pd.DataFrame:
    """The power at the margin, by distance of the arms and number of trainings.

    Columns: arms, sd (per patient, of the difference), trainings, error (standard, of the difference), shown, shown
    after Holm, equal within (see `decisions`), simulation (the largest standard error of these rates).
    """
    rows = []
    for distance, quantile in CLOSE_AND_DISTANT.items():
        sd = found.pairs["patient"].quantile(quantile)
        for r in trainings:
            world = fitted_world(given, found, sd, r, margin)
            decided = rates(world, studies, derive(seed, distance, r), decisions(margin)).set_index("what")
            start = {"arms": distance, "sd": sd, "trainings": r, "error": expected_error(world)}
            rows.append(start | decided["rate"].to_dict() | {"simulation": decided["error"].max()})
    return pd.DataFrame(rows)


def fitted_world(given: Evaluation, found: Spreads, sd: float, trainings: int, margin: float) -> World:
    """A world with the patients and spreads of an evaluation; the second arm is better by the margin.

    Unknown spreads count as 0.
    """
    fold_model, luck, training_patient = np.nan_to_num([found.fold_model, found.luck, found.training_patient])
    arms = 1 + COMPARISONS
    return World(
        trainings=(trainings,) * arms,
        luck=(float(luck),) * arms,
        skill=(50.0, 50.0 + margin) + (50.0,) * (arms - 2),
        strata=tuple(np.bincount(given.label).tolist()),
        difficulty=found.difficulty,
        arm_patient=sd / np.sqrt(2),
        training_patient=float(training_patient),
        fold_model=float(fold_model),
        folds=int(given.fold.max()) + 1,
        frames=tuple(given.frames.tolist()),
    )


def decisions(margin: float) -> Callable[[World, Scores], Events]:
    """What is shown in studies whose second arm is better than the first; the third arm equals the first.

    `shown`: the second arm is significantly better, before and after Holm's adjustment; `equal within`: two one-sided
    tests find the third arm equal within the margin.
    """

    def events(world: World, scores: Scores) -> Events:
        differences = compared(nested, to_arms(scores, world), world)
        p = together(p_value(found) for found in differences)
        better = (differences[0].value > 0)[:, None]
        return {
            "shown": better & (p[:, :1] < ALPHA),
            "shown after Holm": better & (holm(p)[:, :1] < ALPHA),
            "equal within": within(differences[1], margin)[:, None],
        }

    return events


def expected_error(world: World) -> float:
    """The standard error of the second arm's difference from the first.

    >>> round(expected_error(World(arm_patient=28 / 2**0.5, training_patient=0)), 2)
    2.98
    """
    frames = np.array(world.frames, dtype=float)
    patients = world.groups * frames.mean() ** 2 / (frames**2).mean()  # of equal weight
    of_one = world.training_patient**2 / patients + world.fold_model**2 / world.folds
    of_trainings = sum((luck**2 + of_one) / r for r, luck in list(world.arms())[:2])
    return float(np.sqrt(2 * world.arm_patient**2 / patients + of_trainings))

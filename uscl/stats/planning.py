"""What a comparison can be expected to show: standard error, power, and the trainings and groups that a margin needs.

With sd `patient` of a patient's difference between two arms, sd `luck` of a training's score, r trainings of each arm
and G groups (`uscl.stats.method_test`):

    V = 2 luck^2 / r + patient^2 / G        df = V^2 / [2 (luck^2 / r)^2 / (r - 1) + (patient^2 / G)^2 / (G - 1)]

Power is that of a two-sided t-test at 5 %, before any correction for several comparisons.
"""

import math
from typing import NamedTuple

ALPHA, WANTED, UNDECIDED = 0.05, 0.8, 0.5  # level; power to plan for; power below which a study can't decide
FEWEST, ENOUGH = 3, 5  # trainings for a verdict, and for one that is not exploratory
MOST_TRAININGS, MOST_GROUPS = 50, 100_000


class Spread(NamedTuple):
    """Two standard deviations, in the units of the metric: of a patient's difference, and of a training's score."""

    patient: float
    luck: float


class Size(NamedTuple):
    """The size of a study."""

    trainings: int
    groups: int


def expected_se(spread: Spread, size: Size) -> float:
    """The expected standard error of a difference.

    >>> round(expected_se(Spread(28, 1.5), Size(5, 98)), 1)
    3.0
    """
    return math.sqrt(2 * spread.luck**2 / size.trainings + spread.patient**2 / size.groups)


def power(difference: float, spread: Spread, size: Size) -> float:
    """The probability that a true difference is significant; NaN for one training or one group.

    >>> round(power(5, Spread(28, 1.5), Size(5, 98)), 2)
    0.38
    """
    from scipy.stats import nct
    from scipy.stats import t as student

    if min(size) < 2:
        return float("nan")
    trainings, patients = 2 * spread.luck**2 / size.trainings, spread.patient**2 / size.groups
    parts = trainings**2 / 2 / (size.trainings - 1) + patients**2 / (size.groups - 1)
    df = (trainings + patients) ** 2 / parts
    limit, noncentrality = student.ppf(1 - ALPHA / 2, df), abs(difference) / expected_se(spread, size)
    return float(nct.sf(limit, df, noncentrality) + nct.cdf(-limit, df, noncentrality))


def trainings_needed(difference: float, spread: Spread, groups: int) -> int | None:
    """The fewest trainings of each arm that give the wanted power with so many groups; None if no number does.

    >>> trainings_needed(5, Spread(28, 1.5), 400), trainings_needed(5, Spread(28, 1.5), 98)
    (5, None)
    """
    sizes = (Size(r, groups) for r in range(2, MOST_TRAININGS + 1))
    return next((size.trainings for size in sizes if power(difference, spread, size) >= WANTED), None)


def groups_needed(difference: float, spread: Spread, trainings: int) -> int | None:
    """The fewest groups, to two digits, that give the wanted power with so many trainings; None if no number does.

    >>> groups_needed(5, Spread(28, 1.5), 5)
    360
    """
    groups = 10
    while groups <= MOST_GROUPS:
        if power(difference, spread, Size(trainings, groups)) >= WANTED:
            return groups
        groups += 10 ** (len(str(groups)) - 2)
    return None

"""How often tests find a difference between equally good simulated methods, and how often intervals cover."""

from collections.abc import Callable, Iterator

import numpy as np
import pandas as pd
from scipy.stats import beta

from uscl.base.seeds import generator
from uscl.stats.many_studies import (
    Arm,
    Estimate,
    crossed,
    holm,
    logit_interval,
    mean_score,
    nested,
    p_value,
    swap_p,
    to_arm,
)
from uscl.stats.simulated_scores import Scores, World, simulated_scores

ALPHA = 0.05
CHUNK = 200  # studies at once, so that their arrays fit into the processor's cache
Events = dict[str, np.ndarray]


def rates(world: World, studies: int, seed: int, events: Callable[[World, Scores], Events]) -> pd.DataFrame:
    """How often events happen in simulated studies: what, rate, low, high (95 %), error (standard), studies."""
    found = pd.DataFrame([events(world, scores) for scores in simulated(world, studies, seed)])
    return pd.DataFrame([{"what": what, **share(np.concatenate(found[what].tolist()))} for what in found])


def simulated(world: World, studies: int, seed: int) -> Iterator[Scores]:
    """Scores of all studies, in chunks of one random stream each."""
    for chunk, first in enumerate(range(0, studies, CHUNK)):
        yield simulated_scores(world, generator(seed, "studies", chunk), min(CHUNK, studies - first))


def share(happened: np.ndarray) -> dict[str, float]:
    """Rate of events [S, n], with its standard error and 95 % interval over independent studies.

    The n events of a study depend on each other: Clopper and Pearson's interval takes the number of independent events
    that would have the same standard error (Korn & Graubard, Survey Methodology 1998, 24:193), at most S n.
    """
    rate, studies = happened.mean(), len(happened)
    error = happened.mean(axis=1).std(ddof=1) / np.sqrt(studies)
    number = min(rate * (1 - rate) / error**2, happened.size) if error > 0 else studies
    low = beta.ppf(0.025, rate * number, number - rate * number + 1) if rate > 0 else 0.0
    high = beta.ppf(0.975, rate * number + 1, number - rate * number) if rate < 1 else 1.0
    return {"rate": rate, "low": low, "high": high, "error": error, "studies": studies}


def claims_and_coverage(world: World, scores: Scores) -> Events:
    """Significant comparisons with the reference, studies with any after Holm's adjustment, and intervals that cover.

    `nested` and `swap` for all worlds; `crossed` if all arms have the same number of trainings, at least two;
    `plain`, the nested test with a jackknife in which a class loses its share, if there are several strata.
    """
    arms = to_arms(scores, world)
    differences = compared(nested, arms, world)
    p = {"nested": together(p_value(found) for found in differences)}
    if len(set(world.trainings)) == 1 and world.trainings[0] > 1:
        p["crossed"] = together(p_value(found) for found in compared(crossed, arms, world))
    if len(world.strata) > 1:
        others = to_arms(scores, world, reweighted=False)
        p["plain"] = together(p_value(found) for found in compared(nested, others, world))
    p["swap"] = together(swap_p(arm, scores.arms[0], scores.frames) for arm in scores.arms[1:])
    return false_claims(p) | covered(world, arms, differences)


def to_arms(scores: Scores, world: World, *, reweighted: bool = True) -> list[Arm]:
    """All arms, with their jackknife."""
    return [to_arm(arm, scores.frames, world.strata, reweighted=reweighted) for arm in scores.arms]


def false_claims(p: dict[str, np.ndarray]) -> Events:
    """Significant comparisons of each test's p [S, comparisons], and studies with any after Holm's adjustment."""
    comparison = {f"{test}: comparison": values < ALPHA for test, values in p.items()}
    return comparison | {
        f"{test}: study": holm(values).min(axis=1, keepdims=True) < ALPHA for test, values in p.items()
    }


def covered(world: World, arms: list[Arm], differences: list[Estimate]) -> Events:
    """Whether 95 % intervals contain the true difference and the true mean."""
    expected = world.expected()
    inside = zip(differences, expected[1:] - expected[0], strict=True)
    ends = zip((logit_interval(mean_score(arm, world.strata)) for arm in arms), expected, strict=True)
    return {
        "covered: difference": together(p_value(found, truth) >= ALPHA for found, truth in inside),
        "covered: mean": together((low <= truth) & (truth <= high) for (low, high), truth in ends),
    }


def compared(test: Callable[..., Estimate], arms: list[Arm], world: World) -> list[Estimate]:
    """Every other arm against the first."""
    return [test(arm, arms[0], world.strata) for arm in arms[1:]]


def together(columns: Iterator[np.ndarray]) -> np.ndarray:
    """Columns [S] as [S, n]."""
    return np.stack(list(columns), axis=1)

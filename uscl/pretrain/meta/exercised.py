"""Whether a weight net did anything: how far it went, and whether its weights differ from those at its random start.

A comparison of weightings says nothing about weighting if the weights are almost equal, or almost those of the random
net that training began with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

EQUAL = 0.99  # effective share of the pairs above which weights are almost equal
ALIKE = 0.9  # correlation with the random start above which weights have not left it


class Exercised(NamedTuple):
    """What became of a weight net.

    `distance` is the largest change of any of its parameters, `bound` about the most that Adam's steps allow.
    `correlation` is Pearson's, of the pairs' weights with those of the net's random start; None if either are all
    equal, and then nothing shows that the net has left its start. `effective` is the median over epochs of the
    effective share of the pairs, ESS / N (Kish).
    """

    bound: float
    distance: float
    correlation: float | None
    effective: float

    @property
    def fault(self) -> str | None:
        """Why the weighting was not exercised; None if it was."""
        if self.effective > EQUAL:
            return f"weights are almost equal (effective share of the pairs {self.effective:.3f})"
        if self.correlation is None:
            return "weights, now or at the random start, are the same for all pairs"
        if self.correlation > ALIKE:
            return f"weights have not left their random start (correlation {self.correlation:+.3f})"
        return None

    @property
    def exercised(self) -> bool:
        """Whether the weighting was exercised, so that a comparison of weightings says something about weighting."""
        return self.fault is None

    @property
    def verdict(self) -> str:
        """One sentence about the weighting."""
        return f"weighting was not exercised: {self.fault}" if self.fault else "weighting was exercised"


def exercised(history: pd.DataFrame, pairs: pd.DataFrame) -> Exercised | None:
    """What became of the weight net of a training, from its history.csv and its pairs.csv; None if it had none."""
    if "alpha_distance" not in history:
        return None
    varied = min(pairs["weight"].nunique(), pairs["start_weight"].nunique()) > 1
    return Exercised(
        bound=float(history["alpha_bound"].iloc[-1]),
        distance=float(history["alpha_distance"].iloc[-1]),
        correlation=float(pairs["weight"].corr(pairs["start_weight"])) if varied else None,
        effective=float((history["weight_ess"] / history["pairs"]).median()),
    )

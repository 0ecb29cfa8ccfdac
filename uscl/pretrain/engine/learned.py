"""Has a pretraining learned anything? Its losses next to chance, and how far its weights moved.

Chance is the loss of an encoder that tells no video from another: ln(2N - 1) for NT-Xent over N pairs. The ideal is the
loss if the views of a pair are equal and all pairs orthogonal to each other. A training whose loss covers less than a
tenth of the way from chance to the ideal is at chance: noise of a batch, or the little that a random network gets for
nothing, covers a few hundredths of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

LEAST = 0.1  # share of the way from chance to the ideal
LAST = 10  # the losses are means over the last tenth of the epochs


class Learned(NamedTuple):
    """The losses of a training's last epochs; `movement` is the change of the encoder's weights, relative to them.

    `way` is the share of the way from chance to the ideal that the training loss has covered.
    """

    loss: float
    chance: float
    ideal: float
    validation_loss: float
    validation_chance: float
    movement: float

    @property
    def way(self) -> float:
        """The share of the way from chance to the ideal that the training loss has covered."""
        return (self.chance - self.loss) / (self.chance - self.ideal)

    @property
    def fault(self) -> str | None:
        """Why nothing, or nothing that holds for other videos, was learned; None otherwise."""
        if self.way < LEAST:
            return f"at chance: training loss {self.loss:.2f}, chance {self.chance:.2f}"
        if self.validation_loss >= self.validation_chance:
            return (
                f"at chance on held-out videos: validation loss {self.validation_loss:.2f}, chance"
                f" {self.validation_chance:.2f}"
            )
        return None

    @property
    def verdict(self) -> str:
        """A few words about the training."""
        if self.fault:
            return self.fault
        return f"learned: training loss {self.loss:.2f}, chance {self.chance:.2f}, ideal {self.ideal:.2f}"


def learned(history: pd.DataFrame) -> Learned | None:
    """What became of a training, from its history.csv; None for an encoder that was not trained."""
    if "chance_loss" not in history:
        return None
    last = history.tail(-(-len(history) // LAST))
    # USCL's loss includes class terms, which say nothing about telling videos apart.
    loss = "contrastive_loss" if "contrastive_loss" in history else "loss"
    return Learned(
        loss=float(last[loss].mean()),
        chance=float(last["chance_loss"].mean()),
        ideal=float(last["ideal_loss"].mean()),
        validation_loss=float(last["validation_loss"].mean()),
        validation_chance=float(last["validation_chance_loss"].mean()),
        movement=float(history["movement"].iloc[-1]),
    )

"""Has a pretraining learned anything? Its losses next to chance and to its start, and how far its weights moved.

Chance is the loss of an encoder that tells no video from another: ln(2N - 1) for NT-Xent over N pairs. The ideal is the
loss if the views of a pair are equal and all pairs orthogonal to each other. A training has learned something if its
loss covers a tenth of the way from chance to the ideal, and a tenth more than before its first step.

Losses without negatives (BYOL, SimSiam) have another kind of chance, that of predictions at right angles to what they
should be, and are ideal for an encoder that makes no difference between videos at all. Such a training has collapsed.

Untrained weights cover some of the way for nothing. In batches of 12 and 27 videos of a simulated pool, random ones
cover 0.01 (sd of a batch 0.01), those of ImageNet 0.06 to 0.10 at a temperature of 0.5 (a single batch up to 0.17) and
up to 0.20 at 0.1; weights from a file may cover any share.
"""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

LEAST = 0.1  # share of the way from chance to the ideal; above a batch's noise and what random weights cover
FLATTEST = -0.01  # uniformity above which projections are a single point (`uscl.pretrain.engine.collapse`)
LAST = 10  # the losses are means over the last tenth of the epochs


class Learned(NamedTuple):
    """The losses of a training's last epochs, and `start`, that of its first batch before any step.

    `movement` is the distance of the encoder's weights from their start, relative to their norm there; `uniformity` is
    0 if all projections are alike.
    """

    loss: float
    chance: float
    ideal: float
    start: float
    validation_loss: float
    validation_chance: float
    movement: float
    uniformity: float = -4.0

    @property
    def way(self) -> float:
        """The share of the way from chance to the ideal that the training loss has covered."""
        return (self.chance - self.loss) / (self.chance - self.ideal)

    @property
    def gain(self) -> float:
        """The share of that way that training itself has covered: from its start, or from chance if that is lower."""
        return (min(self.chance, self.start) - self.loss) / (self.chance - self.ideal)

    @property
    def fault(self) -> str | None:
        """Why nothing, or nothing that holds for other videos, was learned; None otherwise."""
        if self.way < LEAST:
            return f"at chance: training loss {self.loss:.2f}, chance {self.chance:.2f}"
        if self.gain < LEAST:
            return f"at its start: training loss {self.loss:.2f}, before training {self.start:.2f}"
        if self.uniformity > FLATTEST:
            return f"collapsed: all projections are alike (uniformity {self.uniformity:.3f})"
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


def compared_loss(named: Container[str]) -> str:
    """The name of the loss that chance is compared with, among figures by name.

    USCL's loss includes class terms, which say nothing about telling videos apart.
    """
    return "contrastive_loss" if "contrastive_loss" in named else "loss"


def learned(history: pd.DataFrame) -> Learned | None:
    """What became of a training, from its history.csv; None for an encoder that was not trained."""
    if "chance_loss" not in history:
        return None
    last = history.tail(-(-len(history) // LAST))
    loss = compared_loss(history)
    return Learned(
        loss=float(last[loss].mean()),
        chance=float(last["chance_loss"].mean()),
        ideal=float(last["ideal_loss"].mean()),
        start=float(history["start_loss"].iloc[0]),
        validation_loss=float(last["validation_loss"].mean()),
        validation_chance=float(last["validation_chance_loss"].mean()),
        movement=float(history["movement"].iloc[-1]),
        uniformity=float(last["uniformity"].mean()),
    )

"""What a method declares about itself. Imports nothing heavy: the workflow reads it whenever it plans a study."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from pydantic import Field

from uscl.base.settings import Float, Int, Settings

if TYPE_CHECKING:
    from uscl.models.encoder import Encoder


class Method(NamedTuple):
    """An entry of the registry of methods (`uscl.pretrain.methods`).

    `pretrain(encoder, store, fabric, seed, settings, *, folder, identity)` trains and returns a `Pretrained`; a method
    that does not train has `start(arch, seed, weights)` instead, which returns the encoder. `pairs` names how the two
    views of a pair are made, given the settings; `meta_share` is the share of the pool that is held out as meta set;
    `step_cost` is the cost of a step relative to a step of SimCLR (benchmarks/meta_step.py).
    """

    name: str
    summary: str
    settings: type[Settings]
    pretrain: Callable[..., Any] | None = None
    start: Callable[[str, int, str | None], Encoder] | None = None
    sees_labels: bool = False
    pairs: Callable[[Any], str] | None = None
    meta_share: Callable[[Any], float] | None = None
    step_cost: float = 0.0

    @property
    def trains(self) -> bool:
        """Whether the method trains on the pool."""
        return self.pretrain is not None


class Contrastive(Settings):
    """Settings that all contrastive methods share, with the published defaults."""

    init: Annotated[
        str,
        Field(min_length=1, description="Weights to start from: `random`, `imagenet`, or the path of an encoder file."),
    ] = "random"
    epochs: Annotated[Int, Field(ge=1, description="Pretraining epochs.")] = 300
    batch_size: Annotated[Int, Field(ge=2, description="Pairs per step.")] = 32
    lr: Annotated[Float, Field(gt=0, description="Learning rate of SGD after the warm-up.")] = 0.1
    weight_decay: Annotated[Float, Field(ge=0, description="Weight decay.")] = 1e-4
    warmup_epochs: Annotated[Int, Field(ge=0, description="Epochs of warm-up.")] = 10
    temperature: Annotated[Float, Field(gt=0, description="Temperature of NT-Xent.")] = 0.5
    validation_share: Annotated[
        Float, Field(gt=0, le=0.5, description="Share of the pool's groups held out to watch the loss.")
    ] = 0.1


MaxDist = Annotated[
    Int,
    Field(ge=2, description="Interpolated pairs: the longest span from first to last frame, in stored frames."),
]
Momentum = Annotated[Float, Field(ge=0, lt=1, description="Momentum of SGD.")]

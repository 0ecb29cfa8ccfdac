"""Figures of an epoch for the history: its losses, those of chance, and how far the encoder has moved."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from uscl.pretrain.engine import collapse as health
from uscl.pretrain.engine.learned import compared_loss
from uscl.training.losses import Levels

if TYPE_CHECKING:
    from uscl.pretrain.engine.loop import Step


def summary(steps: list[Step], levels: Callable[[int], Levels]) -> dict[str, float]:
    """Mean losses, those of chance and of the ideal, and health figures of an epoch's steps."""
    first, second = (torch.cat([step.h[view] for step in steps]) for view in (0, 1))
    z1, z2 = (torch.cat([step.z[view] for step in steps]) for view in (0, 1))
    figures = {"loss": torch.stack([step.loss for step in steps]).mean().item()}
    of_steps = [levels(len(step.h[0])) for step in steps]
    for name in Levels._fields:
        figures[f"{name}_loss"] = sum(getattr(level, name) for level in of_steps) / len(steps)
    for name in {name: None for step in steps for name in step.more}:
        figures[name] = torch.stack([step.more[name] for step in steps if name in step.more]).mean().item()
    figures |= health.representation_health(torch.cat([first, second]), z1, z2)
    weights = [step.weights for step in steps if step.weights is not None]
    counts = {"steps": len(steps), "pairs": len(z1)}
    counts["images"] = 2 * len(z1) + sum(step.meta_images for step in steps)
    return figures | (health.weight_health(torch.cat(weights)) if weights else {}) | counts


def start_loss(first: Step) -> float:
    """The loss of a training's first batch, before the encoder's first step; of USCL without its class terms."""
    losses = {"loss": first.loss, **first.more}
    return losses[compared_loss(losses)].item()


def movement(encoder: nn.Module, start: Sequence[Tensor]) -> float:
    """How far an encoder's weights are from `start`, relative to their norm there."""
    weights = list(encoder.parameters())
    apart = torch.stack([(now.detach() - then).norm() for now, then in zip(weights, start, strict=True)])
    return (apart.norm() / torch.stack([then.norm() for then in start]).norm()).item()

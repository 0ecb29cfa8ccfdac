"""Passes through the model as every method makes them: any precision, any number of processes."""

from collections.abc import Iterable

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.meta.forward_mode import synchronised
from uscl.training.parallel import gathered, gathered_views, summed

BothViews = tuple[Tensor, Tensor]


def on_device(fabric: Fabric, model: ContrastiveModel) -> ContrastiveModel:
    """The model on the training device, in the memory layout in which convolutions are fastest."""
    return model.to(fabric.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def embed(fabric: Fabric, model: ContrastiveModel, frames: Tensor, count: int) -> list[BothViews]:
    """The model's outputs (representations, projections, perhaps logits) for both views of all `count` pairs.

    `frames` [2 * own pairs, 1, height, width] are this process's. The result is float32 at least, and only the outputs
    of these frames carry a gradient.
    """
    with fabric.autocast(), synchronised(fabric.world_size):
        outputs = model(frames)
    return [joined(fabric, output, count) for output in outputs]


def embed_one(fabric: Fabric, model: ContrastiveModel, frames: Tensor, count: int) -> list[Tensor]:
    """`embed` for one view of all pairs: frames [own pairs, 1, height, width] to outputs [`count`, dim]."""
    with fabric.autocast(), synchronised(fabric.world_size):
        outputs = model.outputs(frames)
    return [gathered(fabric, precise(output), count) for output in outputs]


def joined(fabric: Fabric, outputs: Tensor, count: int) -> BothViews:
    """Outputs [2 * own pairs, dim] joined to those of both views of all `count` pairs, in float32 at least."""
    return gathered_views(fabric, precise(outputs), count)


def precise(outputs: Tensor) -> Tensor:
    """Outputs in float32 at least."""
    return outputs.to(torch.promote_types(outputs.dtype, torch.float32))


def gradient(fabric: Fabric, loss: Tensor, module: nn.Module, *, retain: bool = False) -> list[Tensor]:
    """The loss's gradient by every parameter of `module`, of all processes together; `retain` keeps the graph."""
    found = torch.autograd.grad(loss, list(module.parameters()), retain_graph=retain)
    return summed(fabric, found)


def detached(views: Iterable[Tensor]) -> BothViews:
    """Both views without their graph."""
    first, second = views
    return first.detach(), second.detach()

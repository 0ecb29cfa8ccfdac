"""Several processes that train as one: each computes its own pairs, and the results are joined across all.

Every process draws the same batch and works on its own part of the pairs. Embeddings are gathered, so every process has
the loss of the whole batch. Only a process's own part is connected to the weights, so the gradients of all processes
add up to the exact gradient. With one process all of this is the identity.
"""

from collections.abc import Sequence
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch import distributed as dist
from torch.autograd.function import FunctionCtx


def own(fabric: Fabric, count: int) -> slice:
    """Which of `count` pairs are this process's: consecutive ones; the processes' shares differ by one at most."""
    return share(count, fabric.global_rank, fabric.world_size)


def share(count: int, rank: int, world: int) -> slice:
    """Which of `count` pairs are those of process `rank` of `world`."""
    return slice(count * rank // world, count * (rank + 1) // world)


def gathered(fabric: Fabric, part: Tensor, count: int) -> Tensor:
    """The rows [count, ...] of all processes in order; `part` are this process's, and only those carry a gradient."""
    if fabric.world_size == 1:
        return part
    largest = -(-count // fabric.world_size)
    padded = torch.cat([part.detach(), part.new_zeros(largest - len(part), *part.shape[1:])])
    parts = [torch.empty_like(padded) for _ in range(fabric.world_size)]
    dist.all_gather(parts, padded)
    shares = [share(count, rank, fabric.world_size) for rank in range(fabric.world_size)]
    whole = [rows[: its.stop - its.start] for rows, its in zip(parts, shares, strict=True)]
    whole[fabric.global_rank] = part
    return torch.cat(whole)


def gathered_views(fabric: Fabric, views: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The two views [count, dim] of all pairs, from this process's views [2 * own, dim]: all first, then all second."""
    first, second = views.chunk(2)
    return gathered(fabric, first, count), gathered(fabric, second, count)


def summed(fabric: Fabric, tensors: Sequence[Tensor]) -> list[Tensor]:
    """Each tensor summed over the processes, in one exchange."""
    if fabric.world_size == 1:
        return list(tensors)
    flat = cast(Tensor, fabric.all_reduce(torch.cat([tensor.flatten() for tensor in tensors]), reduce_op="sum"))
    parts = flat.split([tensor.numel() for tensor in tensors])
    return [part.view(tensor.shape) for part, tensor in zip(parts, tensors, strict=True)]


class GlobalSum(torch.autograd.Function):
    """The sum of a tensor over the processes, differentiable in both modes; each derivative is again such a sum."""

    @staticmethod
    def forward(ctx: FunctionCtx, part: Tensor) -> Tensor:
        total = part.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> Tensor:
        return GlobalSum.forward(ctx, gradient)

    @staticmethod
    def jvp(ctx: FunctionCtx, tangent: Tensor) -> Tensor:
        return GlobalSum.forward(ctx, tangent)

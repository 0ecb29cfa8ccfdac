"""A second network that follows the trained one, and the queue of its outputs."""

import copy
import math
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from uscl.base.seeds import torch_stream

Module = TypeVar("Module", bound=nn.Module)


def follower(model: Module) -> Module:
    """A copy of the model that only `follow` moves."""
    return copy.deepcopy(model).requires_grad_(False)


@torch.no_grad()
def follow(target: nn.Module, model: nn.Module, momentum: float) -> None:
    """Move the target's weights towards the model's: momentum * target + (1 - momentum) * model."""
    weights = dict(model.named_parameters())
    for name, weight in target.named_parameters():
        weight.lerp_(weights[name], 1 - momentum)


def rising(start: float, step: int, steps: int) -> float:
    """A momentum that rises from `start` to 1 along half a cosine (BYOL, arXiv 2006.07733, section 3.3).

    >>> [round(rising(0.9, step, 10), 3) for step in (0, 5, 10)]
    [0.9, 0.95, 1.0]
    """
    return 1 - (1 - start) * (math.cos(math.pi * step / steps) + 1) / 2


class Queue(nn.Module):
    """The last `size` keys of a training, with the video that each is from.

    It starts with random directions of no video (-1), as in MoCo's code. The same keys, in the same order, must be
    pushed in every process.
    """

    keys: Tensor
    videos: Tensor
    place: Tensor

    def __init__(self, size: int, dim: int, seed: int) -> None:
        super().__init__()
        with torch_stream(seed, "queue"):
            self.register_buffer("keys", F.normalize(torch.randn(size, dim), dim=1))
        self.register_buffer("videos", torch.full((size,), -1))
        self.register_buffer("place", torch.tensor(0))

    def push(self, keys: Tensor, videos: Tensor) -> None:
        """Replace the oldest keys by these; of more keys than there is room for, the last remain."""
        size = len(self.keys)
        keys, videos = F.normalize(keys.detach(), dim=1)[-size:], videos[-size:]
        places = (self.place + torch.arange(len(keys), device=keys.device)) % size
        self.keys[places] = keys.to(self.keys.dtype)
        self.videos[places] = videos
        self.place.copy_((self.place + len(keys)) % size)

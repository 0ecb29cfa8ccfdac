"""Replacements for torch functions wherever a model calls them, and BatchNorm of one view at a time."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


class StandIns(TorchFunctionMode):
    """Within the block, calls of these functions go to replacements with the same signature.

    A replacement that calls its function itself reaches that of the block around this one, if there is one.
    """

    def __init__(self, stand_ins: dict[Callable, Callable]) -> None:
        super().__init__()
        self._stand_ins = stand_ins

    def __torch_function__(self, func: Callable, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return self._stand_ins.get(func, func)(*args, **(kwargs or {}))


def batch_norm_by_view(frames: Tensor, mean: Tensor, var: Tensor, *rest: Any, **more: Any) -> Tensor:
    """`batch_norm` of the first half of the frames, then of the second, each with its own statistics.

    The network itself then needs a single pass for both views, which is faster than one for each.
    """
    return torch.cat([F.batch_norm(view, mean, var, *rest, **more) for view in frames.chunk(2)])

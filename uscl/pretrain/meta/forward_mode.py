"""A network's Jacobian-vector product, around a training forward pass that was already made.

Forward mode needs the outputs of the network's convolutions as well as their tangents. If the training step has
computed these outputs at the same weights and frames, they are recorded there and not computed again. PyTorch's
forward-mode rule for BatchNorm is slow, and it has none for BatchNorm over several processes. This module therefore
replaces `conv2d` and `batch_norm` wherever a model calls them; everything else goes through PyTorch's dual numbers.
The fused kernels of attention have no forward-mode rule, so attention is computed step by step.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.forward_ad import dual_level, make_dual, unpack_dual
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from uscl.models.stand_ins import StandIns
from uscl.training.parallel import GlobalSum


class Dual(NamedTuple):
    """A tensor and its derivative along some direction, of the same shape."""

    value: Tensor
    tangent: Tensor


# The output of a convolution in a recorded pass; None if something has overwritten it since.
Recorded = Tensor | None
NONE_LEFT = torch.empty(0)  # stands for the end of a recording


@contextmanager
def recording(outputs: list[Recorded]) -> Iterator[None]:
    """Append the output of every convolution to `outputs`; BatchNorm's backward pass keeps it in memory anyway.

    An activation that works in place and follows a convolution directly overwrites its output, which PyTorch counts as
    another version of the tensor. Such an output is not kept.
    """
    versions = []

    def conv2d(*args: Any, **kwargs: Any) -> Tensor:
        result = F.conv2d(*args, **kwargs)
        outputs.append(result.detach())
        versions.append(result._version)
        return result

    with StandIns({F.conv2d: conv2d}):
        yield
    for place, version in enumerate(versions, start=len(outputs) - len(versions)):
        output = outputs[place]
        if output is not None and output._version != version:
            outputs[place] = None


def synchronised(processes: int) -> AbstractContextManager:
    """BatchNorm over the batches of all processes; the ordinary one if there is a single process."""
    return StandIns({F.batch_norm: global_batch_norm}) if processes > 1 else nullcontext()


def frozen_statistics(model: nn.Module) -> dict[str, Tensor]:
    """Copies of the model's buffers: a pass made with them leaves BatchNorm's running statistics where they are."""
    return {name: buffer.clone() for name, buffer in model.named_buffers()}


def jacobian_vector_product(
    model: nn.Module,
    frames: Tensor,
    direction: Sequence[Tensor],
    *,
    recorded: Sequence[Recorded] = (),
    processes: int = 1,
) -> list[Dual]:
    """The model's outputs at its own weights, each with its derivative along `direction` (one tensor per parameter).

    `recorded` holds the convolutions' outputs of the same pass (see `recording`). Running statistics stay as they are,
    and no graph is kept. Raises ValueError if the recorded pass has another number of convolutions, and
    NotImplementedError if the model has a function for which PyTorch has no forward-mode rule.
    """
    left: Iterator[Recorded] = iter(recorded)
    batch_norm = global_batch_norm if processes > 1 else dual_batch_norm
    stand_ins: dict[Callable, Callable] = {F.batch_norm: batch_norm, F.hardsigmoid: hardsigmoid}
    if recorded:
        stand_ins[F.conv2d] = partial(recorded_conv2d, left)
    with torch.no_grad(), dual_level(), StandIns(stand_ins), sdpa_kernel(SDPBackend.MATH):
        named = zip(model.named_parameters(), direction, strict=True)
        weights = {name: make_dual(weight.detach(), tangent) for (name, weight), tangent in named}
        outputs = functional_call(model, weights | frozen_statistics(model), (frames,))
        duals = [Dual(*unpack_dual(output)) for output in outputs]
    if next(left, NONE_LEFT) is not NONE_LEFT:
        raise ValueError("the recorded pass has more convolutions than this one")
    return duals


def hardsigmoid(x: Tensor, inplace: bool = False) -> Tensor:
    """`torch.nn.functional.hardsigmoid` from functions with exact rules.

    The rule of its own kernel has 1/6 in single precision, and can't be differentiated again.
    """
    return F.relu6(x + 3) / 6


def recorded_conv2d(
    recorded: Iterator[Recorded],
    frames: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    *geometry: Any,
    **more: Any,
) -> Tensor:
    """A convolution's dual from its recorded output: d(x * w + b) = dx * w + x * dw + db."""
    output = next(recorded, NONE_LEFT)
    if output is NONE_LEFT:
        raise ValueError("the recorded pass has fewer convolutions than this one")
    x, w = unpack_dual(frames), unpack_dual(weight)
    b, slope = unpack_dual(bias) if bias is not None else (None, None)
    if output is None:
        output = F.conv2d(x.primal, w.primal, b, *geometry, **more)
    tangent = F.conv2d(x.primal, w.tangent, slope, *geometry, **more)
    if x.tangent is not None:  # the frames themselves have none
        tangent = tangent + F.conv2d(x.tangent, w.primal, None, *geometry, **more)
    return make_dual(output, tangent)


def dual_batch_norm(
    frames: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor,
    bias: Tensor,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`batch_norm` on dual numbers, without moving the running statistics.

    With batch statistics its Jacobian by the input is symmetric, so the fused kernel of the backward pass returns the
    output's tangent if it gets the input's tangent in place of a gradient.
    """
    if not training:
        return F.batch_norm(frames, mean, var, weight, bias, False, momentum, eps)
    x, w, b = unpack_dual(frames), unpack_dual(weight), unpack_dual(bias)
    if x.tangent is None:  # nothing before this layer has weights
        return F.batch_norm(frames, mean, var, weight, bias, True, momentum, eps)
    y, mean, scale = torch.native_batch_norm(x.primal, w.primal, b.primal, None, None, True, 0.0, eps)
    through_input, _, _ = torch.ops.aten.native_batch_norm_backward(
        x.tangent, x.primal, w.primal, None, None, mean, scale, True, eps, [True, False, False]
    )
    slope = w.tangent * scale
    through_weights = torch.addcmul(by_channel(b.tangent - mean * slope), x.primal, by_channel(slope))
    return make_dual(y, (through_input + through_weights).to(y.dtype))


def global_batch_norm(
    frames: Tensor,
    mean: Tensor,
    var: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """`batch_norm` with the statistics of all processes' frames together; differentiable in both modes.

    PyTorch's own SyncBatchNorm has no forward mode and takes no CPU tensors.
    """
    if not training:
        return F.batch_norm(frames, mean, var, weight, bias, False, momentum, eps)
    x = frames.to(torch.promote_types(frames.dtype, torch.float32))
    axes = [axis for axis in range(x.ndim) if axis != 1]
    count = GlobalSum.apply(x.new_tensor(x.numel() / x.shape[1]))
    batch_mean = GlobalSum.apply(x.sum(axes)) / count
    centred = x - by_channel(batch_mean, x.ndim)
    batch_var = GlobalSum.apply(centred.square().sum(axes)) / count
    with torch.no_grad():
        mean.lerp_(batch_mean.detach(), momentum)
        var.lerp_(batch_var.detach() * count / (count - 1), momentum)
    slope = (batch_var + eps).rsqrt() * (1 if weight is None else weight)
    normalised = centred * by_channel(slope, x.ndim)
    return (normalised if bias is None else normalised + by_channel(bias, x.ndim)).to(frames.dtype)


def by_channel(values: Tensor, axes: int = 4) -> Tensor:
    """Per-channel figures [channels] in a shape that broadcasts to [batch, channels, ...] with so many axes."""
    return values.view(1, -1, *[1] * (axes - 2))

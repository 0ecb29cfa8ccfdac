"""A network's Jacobian-vector product by differentiating twice: for networks that forward mode can't pass.

J v is the gradient of (J^T u) . v by u: one backward pass with a graph of its own, and one through that graph.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from uscl.models.stand_ins import StandIns
from uscl.pretrain.meta.forward_mode import Dual, frozen_statistics, hardsigmoid, synchronised


def jvp_by_double_backward(
    model: nn.Module, frames: Tensor, direction: Sequence[Tensor], *, processes: int = 1
) -> list[Dual]:
    """What `uscl.pretrain.meta.forward_mode.jacobian_vector_product` gives; running statistics stay as they are."""
    weights = {name: weight.detach().requires_grad_() for name, weight in model.named_parameters()}
    # Neither the fused kernels of attention nor that of hardsigmoid can be differentiated twice.
    twice = StandIns({F.hardsigmoid: hardsigmoid})
    with torch.enable_grad(), synchronised(processes), twice, sdpa_kernel(SDPBackend.MATH):
        outputs = functional_call(model, weights | frozen_statistics(model), (frames,))
        return [Dual(output.detach(), along(output, list(weights.values()), direction)) for output in outputs]


def along(output: Tensor, weights: Sequence[Tensor], direction: Sequence[Tensor]) -> Tensor:
    """The derivative of an output along a direction of the weights."""
    u = torch.zeros_like(output, requires_grad=True)
    slopes = torch.autograd.grad(output, weights, u, create_graph=True, allow_unused=True)
    used = [(slope, way) for slope, way in zip(slopes, direction, strict=True) if slope is not None]
    (found,) = torch.autograd.grad([slope for slope, _ in used], u, [way for _, way in used])
    return found.detach()

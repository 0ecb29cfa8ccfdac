"""The meta-gradient of Meta-USCL, exact and without differentiating twice through the network.

Notation of Chen et al., IEEE TMI 42(5), 2023 (arXiv 2212.04097): theta are the weights of encoder and projector, alpha
those of the weight net, and

    L_train(theta; alpha) = sum_i wn_i l_i       weighted NT-Xent on the step's pairs, w = WeightNet(h; alpha)
    L_meta(theta)         = mean_i l_i           plain NT-Xent on a meta batch
    theta_hat(alpha)      = theta - eta m(grad_theta L_train(theta; alpha))       virtual step; m: momentum and decay

We want grad_alpha L_meta(theta_hat(alpha)). Momentum and weight decay do not depend on alpha, so with
v = grad_theta L_meta at theta_hat the chain rule gives

    grad_alpha L_meta = -eta grad_alpha <grad_theta L_train(theta; alpha), v>
                      = -eta grad_alpha [ d/d eps L_train(theta + eps v; alpha) at eps = 0 ].

The bracket is a directional derivative: one pass of forward mode gives h and z with their tangents along v, and alpha
enters only after them. Reverse mode therefore runs through the weight net alone. The published code differentiates
through grad_theta L_train instead, which takes a backward pass of a backward pass of the whole network.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, jvp

from uscl.pretrain.meta.forward_mode import Dual, frozen_statistics, synchronised
from uscl.training.losses import nt_xent_per_view, weighted_mean

Outputs = tuple[Tensor, Tensor]  # representations h and projections z


def virtual_step(optimizer: torch.optim.SGD, gradient: Sequence[Tensor]) -> list[Tensor]:
    """theta_hat: the weights after a step of `optimizer` with this gradient, without taking the step.

    `gradient` has one tensor for each parameter of the optimizer's only group.
    """
    (group,) = optimizer.param_groups
    theta_hat = []
    for theta, slope in zip(group["params"], gradient, strict=True):
        direction = slope.add(theta.detach(), alpha=group["weight_decay"])
        if group["momentum"] and (buffer := optimizer.state[theta].get("momentum_buffer")) is not None:
            direction.add_(buffer, alpha=group["momentum"])
        theta_hat.append(theta.detach().add(direction, alpha=-group["lr"]))
    return theta_hat


def gradient_at(
    model: nn.Module,
    theta: Sequence[Tensor],
    frames: Tensor,
    loss_of: Callable[[Outputs], Tensor],
    *,
    processes: int = 1,
) -> tuple[Tensor, list[Tensor]]:
    """The loss of the model's outputs at other weights `theta`, and its gradient there, which overwrites `theta`.

    Each tensor of `theta` is replaced by its gradient as soon as the backward pass is done with it, so that memory
    holds one copy of the weights instead of two. BatchNorm uses batch statistics if the model is in training, and its
    running statistics stay as they are.
    """
    weights = {name: value.requires_grad_() for (name, _), value in zip(model.named_parameters(), theta, strict=True)}
    hooks = [value.register_post_accumulate_grad_hook(become_gradient) for value in theta]
    with synchronised(processes):
        outputs = functional_call(model, weights | frozen_statistics(model), (frames,))
    loss = loss_of(outputs)
    torch.autograd.backward(loss, inputs=list(theta))
    for hook in hooks:
        hook.remove()
    return loss.detach(), [value.detach() for value in theta]


def become_gradient(weight: Tensor) -> None:
    """Replace a weight by its gradient; once the gradient is complete, nothing needs the weight any more."""
    assert weight.grad is not None, "called after the backward pass that filled it"
    weight.data, weight.grad = weight.grad, None


def alpha_gradient(
    weight_net: nn.Module, h: Sequence[Dual], z: Sequence[Dual], *, lr: float, temperature: float
) -> list[Tensor]:
    """grad_alpha L_meta, one tensor for each parameter of `weight_net`.

    `h` and `z`: representations and projections [pairs, dim] of the first and the second views with their tangents
    along v. `lr` is eta. Tangents of `h` that are zero cut the path through the weight net's input.
    """

    def train_loss(alpha: dict[str, Tensor], h1: Tensor, h2: Tensor, z1: Tensor, z2: Tensor) -> Tensor:
        return weighted_mean(nt_xent_per_view(z1, z2, temperature), functional_call(weight_net, alpha, (h1, h2)))

    values, tangents = zip(*h, *z, strict=True)

    def bracket(alpha: dict[str, Tensor]) -> Tensor:
        return jvp(lambda *outputs: train_loss(alpha, *outputs), values, tangents)[1]

    slopes = grad(bracket)({name: parameter.detach() for name, parameter in weight_net.named_parameters()})
    return [-lr * slope for slope in slopes.values()]

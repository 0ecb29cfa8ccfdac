"""Meta-USCL's step as in the published code: the meta-gradient by a backward pass of a backward pass.

The slow twin of `uscl.pretrain.meta.weighted_step`, for tests and for comparing times; notation as in
`uscl.pretrain.meta.hypergradient`. One process, no reduced precision. As in the published code, the network is called
once per view; for a model with joint BatchNorm, once for both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call

from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.training.losses import nt_xent_per_view, weighted_mean


class OnePass(nn.Module):
    """Encoder and projector of a model, whose parameters keep their names, on frames that share statistics."""

    def __init__(self, model: ContrastiveModel) -> None:
        super().__init__()
        self.encoder, self.projector = model.encoder, model.projector

    def forward(self, frames: Tensor) -> tuple[Tensor, Tensor]:
        h = self.encoder(frames)
        return h, self.projector(h)


@dataclass
class SlowWeightedStep:
    """`frames` and `meta_frames` [2 * pairs, 1, height, width] hold all first views, then all second views."""

    model: ContrastiveModel
    optimizer: torch.optim.SGD
    weight_net: WeightNet
    temperature: float = 0.5
    detach_features: bool = False

    def published(
        self, frames: Tensor, meta_frames: Tensor, alpha_optimizer: torch.optim.Optimizer
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Alpha's step, then loss and gradient of the main step with the new weights; running statistics move once."""
        slopes = self.alpha_gradient(frames, meta_frames)
        for parameter, slope in zip(self.weight_net.parameters(), slopes, strict=True):
            parameter.grad = slope
        alpha_optimizer.step()
        return self.main(frames)

    def main(self, frames: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Loss and gradient of a step with the net's weights, held constant."""
        h, z = self.by_view(OnePass(self.model), frames)
        weights = self.weight_net(*h.chunk(2)).detach()
        loss = weighted_mean(nt_xent_per_view(*z.chunk(2), self.temperature), weights)
        return loss.detach(), torch.autograd.grad(loss, list(self.model.parameters()))

    def alpha_gradient(self, frames: Tensor, meta_frames: Tensor) -> tuple[Tensor, ...]:
        """grad_alpha L_meta(theta_hat(alpha)), one tensor for each parameter of the weight net."""
        gradient = self.train_gradient(frames, keep_graph=True)
        loss = self.meta_loss(self.theta_hat(gradient), meta_frames)
        return torch.autograd.grad(loss, list(self.weight_net.parameters()))

    def train_gradient(self, frames: Tensor, *, keep_graph: bool = False) -> tuple[Tensor, ...]:
        """grad_theta L_train(theta; alpha), with its path through the weight net's input."""
        theta = list(self.model.parameters())
        h, z = self.outputs(theta, frames)
        weights = self.weight_net(*(h.detach() if self.detach_features else h).chunk(2))
        loss = weighted_mean(nt_xent_per_view(*z.chunk(2), self.temperature), weights)
        return torch.autograd.grad(loss, theta, create_graph=keep_graph)

    def theta_hat(self, gradient: Sequence[Tensor]) -> list[Tensor]:
        """The weights after a step of SGD with momentum and weight decay."""
        (group,) = self.optimizer.param_groups
        theta_hat = []
        for theta, slope in zip(group["params"], gradient, strict=True):
            direction = slope + group["weight_decay"] * theta
            buffer = self.optimizer.state[theta].get("momentum_buffer")
            if buffer is not None:
                direction = group["momentum"] * buffer + direction
            theta_hat.append(theta - group["lr"] * direction)
        return theta_hat

    def meta_loss(self, theta: Sequence[Tensor], meta_frames: Tensor) -> Tensor:
        """L_meta(theta)."""
        _, z = self.outputs(theta, meta_frames)
        return nt_xent_per_view(*z.chunk(2), self.temperature).mean()

    def outputs(self, theta: Sequence[Tensor], frames: Tensor) -> tuple[Tensor, Tensor]:
        """h and z at the weights `theta`; running statistics stay."""
        names = [name for name, _ in self.model.named_parameters()]
        statistics = {name: buffer.clone() for name, buffer in self.model.named_buffers()}
        weights = dict(zip(names, theta, strict=True)) | statistics
        return self.by_view(lambda view: functional_call(OnePass(self.model), weights, (view,)), frames)

    def by_view(self, network: Callable[[Tensor], tuple[Tensor, Tensor]], frames: Tensor) -> tuple[Tensor, Tensor]:
        """The network's outputs, from a call for each view, or from one if the model's BatchNorm is joint."""
        if self.model.joint:
            return network(frames)
        first, second = frames.chunk(2)
        (h1, z1), (h2, z2) = network(first), network(second)
        return torch.cat([h1, h2]), torch.cat([z1, z2])

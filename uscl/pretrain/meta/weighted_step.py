"""One training step on weighted pairs, with or without a step of the weight net.

Notation as in `uscl.pretrain.meta.hypergradient`: theta are the model's weights, alpha the weight net's.
"""

import logging
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor

from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine.forward import BothViews, detached, embed, gradient, joined
from uscl.pretrain.engine.loop import Step
from uscl.pretrain.meta.double_backward import jvp_by_double_backward
from uscl.pretrain.meta.forward_mode import Dual, Recorded, jacobian_vector_product, recording
from uscl.pretrain.meta.hypergradient import Outputs, alpha_gradient, gradient_at, virtual_step
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.training.losses import nt_xent_per_view, weighted_mean
from uscl.training.parallel import summed

log = logging.getLogger(__name__)

# From representations of both views, without a graph, to the pairs' weights.
Weigh = Callable[[BothViews], Tensor]


@dataclass
class WeightedStep:
    """Steps of Meta-USCL (Chen et al., IEEE TMI 42(5), 2023, arXiv 2212.04097).

    `optimizer` is that of the model, `alpha_optimizer` that of the weight net. `detach_features` cuts the path from the
    encoder through the weight net in the virtual step. `temperature` is NT-Xent's. With `keep_convolutions` lookahead
    is faster and takes more memory; it changes nothing else. Without
    `forward_mode` the Jacobian-vector product differentiates twice, which changes nothing but its cost.
    """

    fabric: Fabric
    model: ContrastiveModel
    optimizer: torch.optim.SGD
    weight_net: WeightNet
    alpha_optimizer: torch.optim.Optimizer
    temperature: float = 0.5
    detach_features: bool = False
    keep_convolutions: bool = False
    forward_mode: bool = True

    def main(self, frames: Tensor, count: int, weigh: Weigh) -> Step:
        """A step with the weights that `weigh` gives, held constant; alpha stays as it is.

        `frames` [2 * own pairs, 1, height, width] are the views of this process's share of `count` pairs.
        """
        h, z = embed(self.fabric, self.model, frames, count)
        return self._main(h, z, weigh, {})

    def published(self, frames: Tensor, count: int, meta_frames: Tensor, meta_count: int, weigh: Weigh) -> Step:
        """The published order: virtual step, alpha's step, then the main step with the new weights.

        One forward pass serves the virtual and the main step; the forward-mode pass reuses its convolutions.
        """
        convolutions: list[Recorded] = []
        with recording(convolutions):
            h, z = embed(self.fabric, self.model, frames, count)
        # The virtual gradient has no name, so that its memory is freed once theta_hat exists.
        theta_hat = virtual_step(self.optimizer, gradient(self.fabric, self._train_loss(h, z), self.model, retain=True))
        meta_loss, direction = self._meta_gradient(theta_hat, meta_frames, meta_count)
        del theta_hat
        more = self._step_alpha(direction, frames, count, convolutions) | {"meta_loss": meta_loss}
        del direction
        convolutions.clear()
        return self._main(h, z, weigh, more)._replace(meta_images=2 * meta_count)

    def lookahead(self, frames: Tensor, count: int, meta_frames: Tensor, meta_count: int) -> Step:
        """The virtual step is also the main step: alpha's step comes after it, and no graph is kept meanwhile.

        Departs from the published order in two ways: the weights are those before alpha's step, and the main gradient
        also goes through the weight net's input (not with `detach_features`).
        """
        convolutions: list[Recorded] = []
        with recording(convolutions) if self.keep_convolutions else nullcontext():
            h, z = embed(self.fabric, self.model, frames, count)
        loss = self._train_loss(h, z)
        weights = self._weights(h).detach()
        h, z = detached(h), detached(z)
        virtual = gradient(self.fabric, loss, self.model)
        loss = loss.detach()
        meta_loss, direction = self._meta_gradient(virtual_step(self.optimizer, virtual), meta_frames, meta_count)
        more = self._step_alpha(direction, frames, count, convolutions) | {"meta_loss": meta_loss}
        return Step(loss, virtual, h, z, weights, more, meta_images=2 * meta_count)

    def _weights(self, h: BothViews) -> Tensor:
        return self.weight_net(*(detached(h) if self.detach_features else h))

    def _train_loss(self, h: BothViews, z: BothViews) -> Tensor:
        """L_train(theta; alpha), with its path through the weight net's input."""
        return weighted_mean(nt_xent_per_view(*z, self.temperature), self._weights(h))

    def _main(self, h: BothViews, z: BothViews, weigh: Weigh, more: dict[str, Tensor]) -> Step:
        with torch.no_grad():
            weights = weigh(detached(h))
        loss = weighted_mean(nt_xent_per_view(*z, self.temperature), weights)
        return Step(loss.detach(), gradient(self.fabric, loss, self.model), detached(h), detached(z), weights, more)

    def _meta_gradient(
        self, theta_hat: list[Tensor], meta_frames: Tensor, meta_count: int
    ) -> tuple[Tensor, list[Tensor]]:
        """L_meta at theta_hat and its gradient there."""

        def meta_loss(outputs: Outputs) -> Tensor:
            z = joined(self.fabric, outputs[1], meta_count)
            return nt_xent_per_view(*z, self.temperature).mean()

        with self.fabric.autocast():
            loss, slope = gradient_at(self.model, theta_hat, meta_frames, meta_loss, processes=self.fabric.world_size)
        return loss, summed(self.fabric, slope)

    def _step_alpha(
        self, direction: list[Tensor], frames: Tensor, count: int, convolutions: list[Recorded]
    ) -> dict[str, Tensor]:
        """Move alpha along the meta-gradient; returns its norm. `direction` is the gradient of L_meta at theta_hat."""
        processes = self.fabric.world_size
        with self.fabric.autocast():
            duals = self._duals(direction, frames, convolutions)
        h, z = (self._joined_dual(dual, count) for dual in duals)
        if self.detach_features:
            h = [dual._replace(tangent=torch.zeros_like(dual.tangent)) for dual in h]
        (group,) = self.optimizer.param_groups
        slopes = alpha_gradient(self.weight_net, h, z, lr=group["lr"], temperature=self.temperature)
        # The processes agree up to rounding, but alpha must stay equal to the last bit.
        slopes = [total / processes for total in summed(self.fabric, slopes)]
        for parameter, alpha_slope in zip(self.weight_net.parameters(), slopes, strict=True):
            parameter.grad = alpha_slope
        self.alpha_optimizer.step()
        return {"alpha_gradient_norm": torch.nn.utils.get_total_norm(slopes)}

    def _duals(self, direction: list[Tensor], frames: Tensor, convolutions: list[Recorded]) -> list[Dual]:
        """h and z with their derivatives along `direction`, in forward mode if PyTorch has the rules."""
        processes = self.fabric.world_size
        if self.forward_mode:
            try:
                return jacobian_vector_product(
                    self.model, frames, direction, recorded=convolutions, processes=processes
                )
            except NotImplementedError as error:
                self.forward_mode = False
                log.warning(
                    "PyTorch has no forward-mode rule for a part of the network (%s): from here on, the weight net's"
                    " gradient takes double backward.",
                    str(error).partition("\n")[0],
                )
                started = time.perf_counter()
                duals = jvp_by_double_backward(self.model, frames, direction, processes=processes)
                seconds = time.perf_counter() - started
                log.warning("Double backward took %.1f s; forward mode takes about 3 forward passes.", seconds)
                return duals
        return jvp_by_double_backward(self.model, frames, direction, processes=processes)

    def _joined_dual(self, dual: Dual, count: int) -> list[Dual]:
        """An output with its tangent, for the first and the second views of all pairs."""
        values, tangents = (joined(self.fabric, part, count) for part in dual)
        return [Dual(*pair) for pair in zip(values, tangents, strict=True)]

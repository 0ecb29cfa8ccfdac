"""The training steps that benchmarks/meta_step.py compares, each on the same model and frames."""

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call

from uscl.base.seeds import torch_stream
from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine.forward import BothViews, detached, embed, gradient, joined, on_device
from uscl.pretrain.engine.initial import initial_encoder
from uscl.pretrain.engine.loop import Step
from uscl.pretrain.meta.forward_mode import frozen_statistics
from uscl.pretrain.meta.hypergradient import virtual_step
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.pretrain.meta.weighted_step import WeightedStep
from uscl.training.device import start
from uscl.training.losses import nt_xent_per_view, weighted_mean


class Setting(NamedTuple):
    """The setting of a comparison: frames of `size` pixels, batches of `pairs` pairs."""

    arch: str
    size: int
    pairs: int
    device: str
    precision: str
    threads: int
    batchnorm: str


class Trial:
    """A model in training with its optimisers (published settings), a batch and a meta batch of as many pairs."""

    def __init__(self, setting: Setting) -> None:
        self.fabric = start(setting.device, setting.precision, setting.threads)
        self.count = setting.pairs
        encoder = initial_encoder(setting.arch, "random", 0).encoder
        joint = setting.batchnorm == "joint"
        self.model = on_device(self.fabric, ContrastiveModel(encoder, 0, joint=joint)).train()
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
        with torch_stream(0, "weight net"):
            self.weight_net = WeightNet(self.model.encoder.dim).to(self.fabric.device)
        self.alpha_optimizer = torch.optim.Adam(self.weight_net.parameters(), lr=6e-5)
        self.meta_uscl = WeightedStep(
            self.fabric, self.model, self.optimizer, self.weight_net, self.alpha_optimizer, detach_features=False
        )
        shape = (2 * setting.pairs, 1, setting.size, setting.size)
        with torch_stream(0, "frames"):
            self.frames = torch.rand(shape, device=self.fabric.device)
            self.meta_frames = torch.rand(shape, device=self.fabric.device)

    def weigh(self, h: BothViews) -> Tensor:
        """The learned weights of the pairs."""
        return self.weight_net(*h)

    def take(self, step: Step) -> None:
        """Move the model's weights as the training loop does."""
        for parameter, slope in zip(self.model.parameters(), step.gradients, strict=True):
            parameter.grad = slope
        self.optimizer.step()
        self.optimizer.zero_grad()


def simclr(trial: Trial) -> None:
    """A step of SimCLR."""
    h, z = embed(trial.fabric, trial.model, trial.frames, trial.count)
    loss = nt_xent_per_view(*z).mean()
    trial.take(Step(loss.detach(), gradient(trial.fabric, loss, trial.model), detached(h), detached(z)))


def main_step(trial: Trial) -> None:
    """A step of Meta-USCL in which the weight net stays as it is."""
    trial.take(trial.meta_uscl.main(trial.frames, trial.count, trial.weigh))


def published(trial: Trial) -> None:
    """A step of Meta-USCL in the published order."""
    trial.take(trial.meta_uscl.published(trial.frames, trial.count, trial.meta_frames, trial.count, trial.weigh))


def lookahead(trial: Trial) -> None:
    """A step of Meta-USCL whose virtual step is the main step."""
    trial.take(trial.meta_uscl.lookahead(trial.frames, trial.count, trial.meta_frames, trial.count))


def lookahead_recorded(trial: Trial) -> None:
    """The same with the convolutions of the first pass kept for the forward-mode pass."""
    step = replace(trial.meta_uscl, keep_convolutions=True)
    trial.take(step.lookahead(trial.frames, trial.count, trial.meta_frames, trial.count))


def every_fourth(trial: Trial) -> None:
    """Four steps, the weight net moving at the first of them."""
    published(trial)
    for _ in range(3):
        main_step(trial)


def double_backward(trial: Trial) -> None:
    """A step in the published order, with alpha's gradient by automatic differentiation through the virtual step.

    It computes only alpha's gradient and copies nothing: the leanest form of what the released code does.
    """
    meta_loss = meta_loss_with_graph(trial, trial.model)
    slopes = torch.autograd.grad(meta_loss, list(trial.weight_net.parameters()))
    for parameter, slope in zip(trial.weight_net.parameters(), slopes, strict=True):
        parameter.grad = slope
    trial.alpha_optimizer.step()
    main_step(trial)


def as_released(trial: Trial) -> None:
    """The same step in the way of the released code's train.py (github.com/Schuture/Meta-USCL).

    The virtual step is taken on a copy of the network, which is kept for the whole step, and `backward` fills the
    gradients of the copy's weights too, which nothing uses.
    """
    copied = copy.deepcopy(trial.model)
    trial.alpha_optimizer.zero_grad()
    meta_loss_with_graph(trial, copied).backward()
    trial.alpha_optimizer.step()
    main_step(trial)


def meta_loss_with_graph(trial: Trial, model: ContrastiveModel) -> Tensor:
    """L_meta(theta_hat(alpha)), with a graph through the virtual gradient and the virtual step of `model`."""
    h, z = embed(trial.fabric, model, trial.frames, trial.count)
    train_loss = weighted_mean(nt_xent_per_view(*z), trial.weight_net(*h))
    slopes = torch.autograd.grad(train_loss, list(model.parameters()), create_graph=True)
    names = (name for name, _ in model.named_parameters())
    theta_hat = dict(zip(names, virtual_step(trial.optimizer, slopes), strict=True))
    del slopes  # as the released code does
    with trial.fabric.autocast():
        _, z = functional_call(model, theta_hat | frozen_statistics(model), (trial.meta_frames,))
    return nt_xent_per_view(*joined(trial.fabric, z, trial.count)).mean()


VARIANTS: dict[str, Callable[[Trial], None]] = {
    "simclr": simclr,
    "published": published,
    "lookahead": lookahead,
    "lookahead, kept": lookahead_recorded,
    "every 4": every_fourth,
    "double backward": double_backward,
    "as released": as_released,
}
STEPS = {"every 4": 4}  # steps per call, if there are several

"""What one or several processes compute from the same small batches; as a script, two processes write a file each.

python two_processes.py FOLDER
"""

import itertools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from stores import bright_or_dark_store
from tiny import TinyEncoder
from torch import Tensor
from trained import trained

from uscl.models.contrastive import ContrastiveModel
from uscl.pretrain.engine.forward import embed, gradient
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.pretrain.meta.weighted_step import WeightedStep
from uscl.pretrain.methods import barlow_twins, byol, meta_uscl, moco_v2, simclr, simsiam, supervised, uscl, vicreg
from uscl.training.device import start
from uscl.training.losses import labelled_cross_entropy, nt_xent_per_view
from uscl.training.parallel import own

PAIRS, META_PAIRS = 5, 3  # odd: the processes' shares differ

Figures = dict[str, Tensor]

# Batches of an odd number of pairs, and several steps, so that what follows the trained network matters.
FEW = {"batch_size": 3, "lr": 0.003}
METHODS: dict[str, tuple[ModuleType, dict[str, Any]]] = {
    "simclr": (simclr, FEW),
    "supervised": (supervised, FEW),
    "uscl": (uscl, FEW),
    "moco_v2": (moco_v2, FEW | {"queue": 7, "target_momentum": 0.5}),
    "byol": (byol, FEW | {"target_momentum": 0.5, "out": 8}),
    "simsiam": (simsiam, FEW),
    "barlow_twins": (barlow_twins, FEW | {"out": 4}),
    "vicreg": (vicreg, FEW | {"out": 4}),
}


def figures(fabric: Fabric) -> Figures:
    """Everything that must not depend on the number of processes, in float64 except for the pretraining."""
    found = {}
    for training, joint in itertools.product((True, False), (True, False)):
        form = f"training {training}, joint {joint}"
        for order in ("published", "lookahead"):
            found |= named(f"{order}, {form}", weighted_step(fabric, order, training, joint))
        found |= named(f"class term, {form}", class_step(fabric, training, joint))
    for name, (method, settings) in METHODS.items():
        found |= named(name, pretraining_in_double(fabric, method, settings))
    return found | named("pretraining", pretraining(fabric, meta_uscl, TinyEncoder(), {"batch_size": 3, "lr": 0.01}))


def named(place: str, figures: Figures) -> Figures:
    return {f"{place}: {name}": figure for name, figure in figures.items()}


def views(fabric: Fabric, count: int) -> Tensor:
    """This process's share of the same random views in every process."""
    both = torch.rand(2, count, 1, 16, 16, dtype=torch.float64)
    return both[:, own(fabric, count)].flatten(0, 1)


def tiny_model(training: bool, joint: bool, classes: int = 0) -> ContrastiveModel:
    torch.manual_seed(0)
    return ContrastiveModel(TinyEncoder(), 0, classes, joint=joint).double().train(training)


def weighted_step(fabric: Fabric, order: str, training: bool, joint: bool) -> Figures:
    """Two steps, the second with momentum, of model and weight net."""
    model, net = tiny_model(training, joint), WeightNet(TinyEncoder.dim).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-2)
    take = WeightedStep(fabric, model, optimizer, net, torch.optim.SGD(net.parameters(), lr=1.0))
    found = {}
    for number in range(2):
        batch = (views(fabric, PAIRS), PAIRS, views(fabric, META_PAIRS), META_PAIRS)
        step = take.lookahead(*batch) if order == "lookahead" else take.published(*batch, lambda h: net(*h))
        for parameter, slope in zip(model.parameters(), step.gradients, strict=True):
            parameter.grad = slope
        optimizer.step()
        found[f"loss {number}"] = step.loss
        found |= {f"{name} {number}": figure for name, figure in step.more.items()}
        found |= {f"gradient {number}.{k}": slope for k, slope in enumerate(step.gradients)}
        found |= {f"alpha gradient {number}.{name}": p.grad for name, p in net.named_parameters()}
        found |= {f"outputs {number}.{k}": part for k, part in enumerate((*step.h, *step.z, step.weights))}
    # With a learning rate of 0.1, any disagreement between the processes would make these differ.
    return found | state(model) | named("weight net", state(net))


def class_step(fabric: Fabric, training: bool, joint: bool) -> Figures:
    """Loss and gradient of USCL, one video without a label."""
    model = tiny_model(training, joint, classes=2)
    _, z, logits = embed(fabric, model, views(fabric, PAIRS), PAIRS)
    labels = torch.tensor([0, 1, 1, -1, 0])
    loss = nt_xent_per_view(*z).mean() + sum(labelled_cross_entropy(view, labels) for view in logits)
    names = [name for name, _ in model.named_parameters()]
    return {"loss": loss.detach()} | dict(zip(names, gradient(fabric, loss, model), strict=True)) | state(model)


def state(module: torch.nn.Module) -> Figures:
    """Weights and running statistics."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def pretraining(fabric: Fabric, method: ModuleType, encoder: TinyEncoder, settings: dict[str, Any]) -> Figures:
    """All results of an epoch, or of the settings' epochs."""
    given = {"epochs": 1, "warmup_epochs": 0} | settings
    result = trained(method, encoder, bright_or_dark_store(groups=12), fabric, 0, **given)
    tables = {f"history {name}": torch.tensor(result.history[name].to_numpy()) for name in result.history}
    tables["weights"] = torch.tensor(result.pairs["weight"].to_numpy(np.float64))
    return state(result.encoder) | result.heads | tables


class DoubleEncoder(TinyEncoder):
    """The tiny encoder in float64, where processes differ by nothing but rounding that hardly grows."""

    def forward(self, frames: Tensor) -> Tensor:
        return super().forward(frames.double())


def pretraining_in_double(fabric: Fabric, method: ModuleType, settings: dict[str, Any]) -> Figures:
    """The same with heads in float64."""
    torch.set_default_dtype(torch.float64)
    try:
        return pretraining(fabric, method, DoubleEncoder().double(), settings)
    finally:
        torch.set_default_dtype(torch.float32)


if __name__ == "__main__":
    fabric = start("cpu", "32-true", threads=2, devices=2)
    torch.save(figures(fabric), Path(sys.argv[1]) / f"{fabric.global_rank}.pt")

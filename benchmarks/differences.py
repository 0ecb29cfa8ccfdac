"""How far the cheaper forms of Meta-USCL's step are from the published one; run by benchmarks/meta_step.py."""

import copy
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from benchmarks.drawn import drawn_store
from benchmarks.variants import Setting, Trial
from uscl.pairs import Videos, interpolated, one_frame
from uscl.pretrain.loop import Step
from uscl.pretrain.weighted_step import WeightedStep
from uscl.views import Views

STEPS = 6  # of a training in the published order, on drawn videos


def differences(setting: Setting) -> Table:
    """One row a figure and precision: mean and range over the steps of a small training."""
    table = Table("to the published order", "", "mean", "min-max", title=f"{setting.size} px, {STEPS} steps")
    for dtype in (torch.float32, torch.float64):
        for name, values in training(setting, dtype).items():
            figures = f"{np.mean(values):.4f}", f"{min(values):.4f}-{max(values):.4f}"
            table.add_row(name, str(dtype).removeprefix("torch."), *figures)
    return table


def training(setting: Setting, dtype: torch.dtype) -> dict[str, list[float]]:
    """The figures of each step: all forms start from the same state, and the published one is taken."""
    trial = Trial(setting._replace(precision="32-true"))
    trial.model.to(dtype)
    trial.weight_net.to(dtype)
    rng, found = np.random.default_rng(0), defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        store = drawn_store(Path(folder), setting.size, videos=2 * setting.pairs)
        videos, views = Videos(store.manifest), Views(store, trial.fabric)
        for number in range(STEPS):
            order = rng.permutation(2 * setting.pairs)
            train = interpolated(videos, order[: setting.pairs], rng)
            clean = one_frame(videos, order[setting.pairs :], rng)
            frames = views.mixed_first(train, (0, "train views", number)).to(dtype)
            meta_frames = views.mixed_first(clean, (0, "meta views", number)).to(dtype)
            step = compare(trial, frames, meta_frames, found)
            trial.take(step)
    return found


def compare(trial: Trial, frames: Tensor, meta_frames: Tensor, found: dict[str, list[float]]) -> Step:
    """Add the figures of this state to `found`; returns the published step."""
    batch = frames, trial.count, meta_frames, trial.count
    detached, ahead, kept = (twin(trial.meta_uscl) for _ in range(3))
    detached.detach_features = True
    detached.published(*batch, lambda h: detached.weight_net(*h))
    cheap = flat(ahead.lookahead(*batch).gradients)
    # The published order without alpha's step: what is left of lookahead's difference is the weight net's input.
    (kept.alpha_optimizer.param_groups[0])["lr"] = 0.0
    old_weights = flat(kept.published(*batch, lambda h: kept.weight_net(*h)).gradients)
    step = trial.meta_uscl.published(*batch, trial.weigh)
    reference = flat(step.gradients)
    found["alpha's gradient, detach_features: relative difference"].append(
        relative(alpha_slopes(detached), alpha_slopes(trial.meta_uscl))
    )
    found["main gradient, lookahead: relative difference"].append(relative(cheap, reference))
    found["main gradient, lookahead: cosine"].append(torch.cosine_similarity(cheap, reference, dim=0).item())
    found["main gradient, weights of before alpha's step: relative difference"].append(relative(old_weights, reference))
    return step


def twin(step: WeightedStep) -> WeightedStep:
    """A copy with weights, optimisers and their states of its own."""
    return copy.deepcopy(step, {id(step.fabric): step.fabric})


def alpha_slopes(step: WeightedStep) -> Tensor:
    """Alpha's gradient as the last step left it."""
    return flat([parameter.grad for parameter in step.weight_net.parameters() if parameter.grad is not None])


def flat(tensors: list[Tensor] | tuple[Tensor, ...]) -> Tensor:
    """All of them in one row."""
    return torch.cat([tensor.flatten() for tensor in tensors])


def relative(found: Tensor, reference: Tensor) -> float:
    """|found - reference| / |reference|."""
    return ((found - reference).norm() / reference.norm()).item()

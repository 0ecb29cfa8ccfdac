"""How much the cheaper forms of Meta-USCL's step differ from the published one; run by benchmarks/meta_step.py."""

import copy
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.table import Table
from torch import Tensor

from benchmarks.drawn import drawn_store
from benchmarks.variants import Setting, Trial, published
from uscl.pretrain.meta.weighted_step import WeightedStep
from uscl.pretrain.pairs.pair_views import Views
from uscl.pretrain.pairs.pairs import Videos, interpolated, one_frame
from uscl.training.device import start

STEPS = 6  # of a training in the published order, on drawn videos


def differences(setting: Setting) -> Table:
    """One row per figure and precision: mean and range over the steps of a small training."""
    table = Table("to the published order", "", "mean", "min-max", title=f"{setting.size} px, {STEPS} steps")
    for (name, precision), values in training(setting).items():
        table.add_row(name, precision, f"{np.mean(values):.4f}", f"{min(values):.4f}-{max(values):.4f}")
    return table


def training(setting: Setting) -> dict[tuple[str, str], list[float]]:
    """Each figure of each step. The training is in float64; float32 starts from the same states, rounded."""
    trial = Trial(setting._replace(precision="32-true"))
    cast(trial.meta_uscl, torch.float64)
    rng, found = np.random.default_rng(0), defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        store = drawn_store(Path(folder), setting.size, videos=2 * setting.pairs)
        videos, views = Videos(store.manifest), Views(store, trial.fabric)
        for number in range(STEPS):
            order = rng.permutation(2 * setting.pairs)
            train = interpolated(videos, order[: setting.pairs], rng)
            clean = one_frame(videos, order[setting.pairs :], rng)
            frames = views.mixed_first(train, (0, "train views", number))
            meta_frames = views.mixed_first(clean, (0, "meta views", number))
            for precision in (torch.float32, torch.float64):
                step = cast(twin(trial.meta_uscl), precision)
                figures = compare(step, frames.to(precision), meta_frames.to(precision), setting.pairs)
                for name, figure in figures.items():
                    found[name, str(precision).removeprefix("torch.")].append(figure)
            single = cast(twin(trial.meta_uscl), torch.float32)
            for name, figure in in_bf16(single, frames, meta_frames, setting).items():
                found[name, "bf16-mixed"].append(figure)
            trial.frames, trial.meta_frames = frames.double(), meta_frames.double()
            published(trial)
    return found


def compare(step: WeightedStep, frames: Tensor, meta_frames: Tensor, count: int) -> dict[str, float]:
    """The figures at one state, which does not change."""
    batch = frames, count, meta_frames, count
    reference, detached, ahead, lagging = (twin(step) for _ in range(4))
    detached.detach_features = True
    lagging.alpha_optimizer.param_groups[0]["lr"] = 0.0  # the published order with the old weights
    main = flat(reference.published(*batch, lambda h: reference.weight_net(*h)).gradients)
    detached.published(*batch, lambda h: detached.weight_net(*h))
    cheap = flat(ahead.lookahead(*batch).gradients)
    old_weights = flat(lagging.published(*batch, lambda h: lagging.weight_net(*h)).gradients)
    return {
        "alpha's gradient, detach_features": relative(alpha_slopes(detached), alpha_slopes(reference)),
        "main gradient, lookahead": relative(cheap, main),
        "main gradient, lookahead: cosine": torch.cosine_similarity(cheap.double(), main.double(), dim=0).item(),
        "main gradient, weights of before alpha's step": relative(old_weights, main),
    }


def in_bf16(step: WeightedStep, frames: Tensor, meta_frames: Tensor, setting: Setting) -> dict[str, float]:
    """What reduced precision does to the gradients of a published step; float32 is the reference."""
    reduced = replace(twin(step), fabric=start(setting.device, "bf16-mixed", setting.threads))
    batch = frames, setting.pairs, meta_frames, setting.pairs
    gradients = [
        flat(one.published(*batch, lambda h, one=one: one.weight_net(*h)).gradients) for one in (reduced, step)
    ]
    cosine = torch.nn.functional.cosine_similarity
    return {
        "alpha's gradient": relative(alpha_slopes(reduced), alpha_slopes(step)),
        "alpha's gradient: cosine": cosine(alpha_slopes(reduced), alpha_slopes(step), dim=0).item(),
        "main gradient": relative(*gradients),
        "main gradient: cosine": cosine(*gradients, dim=0).item(),
    }


def cast(step: WeightedStep, precision: torch.dtype) -> WeightedStep:
    """The same step, with weights and the optimisers' states in this precision."""
    step.model.to(precision)
    step.weight_net.to(precision)
    for optimizer in (step.optimizer, step.alpha_optimizer):
        for state in optimizer.state.values():
            state.update({k: v.to(precision) for k, v in state.items() if isinstance(v, Tensor) and v.dim()})
    return step


def twin(step: WeightedStep) -> WeightedStep:
    """A copy with its own weights, optimisers and optimiser states."""
    return copy.deepcopy(step, {id(step.fabric): step.fabric})


def alpha_slopes(step: WeightedStep) -> Tensor:
    """Alpha's gradient after the last step."""
    return flat([parameter.grad for parameter in step.weight_net.parameters() if parameter.grad is not None])


def flat(tensors: Sequence[Tensor]) -> Tensor:
    """All tensors joined into one vector."""
    return torch.cat([tensor.flatten() for tensor in tensors])


def relative(found: Tensor, reference: Tensor) -> float:
    """|found - reference| / |reference|."""
    return ((found - reference).norm() / reference.norm()).item()

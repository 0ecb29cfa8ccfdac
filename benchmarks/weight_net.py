"""Does the weight net learn what it should: lower weights for pairs that span a change of organ?

    python benchmarks/weight_net.py [--plant organ|picture] [--seeds 0 1 2] [--epochs 150] [--out results/weight_net]

The pool is simulated with a single machine. In half of the videos the probe moves half-way: to another organ of the
patient (`--plant organ`), or, as a positive control, to one and the same picture in every such video (`--plant
picture`), so that pairs with it pull all videos together. Meta-USCL is pretrained on the pool for each seed, from
ImageNet weights; then it weighs new pairs of every video. For pairs that span the change minus the others, with a 95 %
confidence interval (bootstrap over patients), the benchmark prints
- the mean weight, and
- the mean usefulness in its standard deviations: how much more a training step on the pair lowers the loss of a meta
  batch, the exact derivative from which the weight net learns. If that is near zero, there is little to learn.
It draws the weights (weight_net.png in --out). 150 epochs take about six minutes per seed and core.
"""

import argparse
import multiprocessing
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table
from torch.func import jvp

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.base.seeds import generator
from uscl.data.extract import extract
from uscl.data.store import FrameStore
from uscl.models.contrastive import ContrastiveModel
from uscl.models.imagenet import imagenet_encoder
from uscl.pretrain.meta.forward_mode import jacobian_vector_product
from uscl.pretrain.meta.hypergradient import gradient_at
from uscl.pretrain.meta.pair_weights import learned_weights, meta_batch
from uscl.pretrain.meta.weight_net import WeightNet
from uscl.pretrain.methods import meta_uscl
from uscl.pretrain.methods.meta_uscl import MetaUSCL
from uscl.pretrain.pairs.pairs import Pairs, batches, interpolated
from uscl.pretrain.pairs.pool import Pool
from uscl.pretrain.pairs.pool_parts import Shares
from uscl.report.figures.pair_weights import inconsistent, weight_difference
from uscl.report.figures.style import BLUE, ORANGE, plt, save
from uscl.simulator.set_pool import write_pool
from uscl.simulator.world import World
from uscl.training.device import start
from uscl.training.losses import nt_xent_per_view

ENCODER, SIZE, EPOCHS = "tf_efficientnet_lite0", 32, 150  # ImageNet weights; size in pixels
BATCH, PAIRS_A_VIDEO = 32, 20
SHARES = Shares(validation=0.1, meta=0.3)
SETTINGS = {"batch_size": BATCH, "lr": 0.03}
META = {"batch_size": 64, "lr": 3e-4}


def main() -> None:
    """Simulate, train one seed per process, print and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plant", default="organ", choices=["organ", "picture"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--out", type=Path, default=Path("results/weight_net"))
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, one thread each")
    given = parser.parse_args()
    found = measure(given.plant, given.seeds, given.epochs, given.jobs)
    save(figure(found), given.out / f"weight_net_{given.plant}.png")
    table = Table("seed", "pairs, other / same", "weight: other minus same", "95 % CI", "usefulness, in sd", "95 % CI")
    for seed, pairs in found.groupby("seed"):
        change = pairs["change"].to_numpy()
        row = [str(seed), f"{change.sum()} / {(~change).sum()}"]
        for values in (pairs["weight"], pairs["usefulness"] / pairs["usefulness"].std()):
            it = weight_difference(pairs.assign(weight=values), change)
            row += [f"{it.mean:+.4f}", f"{it.low:+.4f} to {it.high:+.4f}"]
        table.add_row(*row)
    Console(width=120).print(table)


def measure(plant: str, seeds: list[int], epochs: int, jobs: int = 2) -> pd.DataFrame:
    """Weighed pairs of every seed: seed, group, part, change, weight, usefulness."""
    with tempfile.TemporaryDirectory() as scratch:
        raw, store = Path(scratch, "raw"), Path(scratch, "store")
        raw.mkdir()
        write_pool(raw, 7, patients=48, videos=2, frames=14, shares={"organ_change": 0.5}, world=World(machine=7))
        take = {"size": SIZE, "rate_hz": None, "max_frames": None, "on_bad_video": "stop", "workers": jobs}
        extract("pool", "simulated_pool", raw, store, **take)
        with multiprocessing.get_context("spawn").Pool(jobs) as processes:
            return pd.concat(processes.map(partial(weighed, store, plant, epochs), seeds, chunksize=1))


def weighed(folder: Path, plant: str, epochs: int, seed: int) -> pd.DataFrame:
    """Pretrain with one seed; weigh new pairs of every video and measure their usefulness."""
    store, fabric = planted(FrameStore.open(folder), plant), start("cpu", "32-true", threads=1)
    encoder, pool = imagenet_encoder(ENCODER), Pool(store, fabric, seed, SHARES)
    result = meta_uscl.pretrain(encoder, pool, fabric, seed, MetaUSCL(epochs=epochs, meta=META, **SETTINGS))
    model, net = ContrastiveModel(result.encoder, seed), WeightNet(result.encoder.dim)
    for name, module in (("projector", model.projector), ("weight_net", net)):
        prefix = f"{name}."
        module.load_state_dict({k.removeprefix(prefix): w for k, w in result.heads.items() if k.startswith(prefix)})
    rng = generator(seed, "benchmark pairs")
    videos = np.concatenate([rng.permutation(len(pool.parts)) for _ in range(PAIRS_A_VIDEO)])
    pairs = interpolated(pool.videos, videos, rng)
    table = pool.parts.iloc[videos].assign(seed=seed, row_a=pairs.rows[:, 0], row_c=pairs.rows[:, 2])
    return table.assign(
        **learned_weights(fabric, pool, model, {"weight": net}, pairs, BATCH, seed),
        usefulness=usefulness(pool, model.train(), pairs, seed),
        change=inconsistent(table, store.manifest),
    )


def planted(store: FrameStore, plant: str) -> FrameStore:
    """The store as it is, or with one picture in place of every frame after a change of organ."""
    if plant == "organ":
        return store
    organ = store.manifest["organ"]
    later = (organ != organ.groupby(store.manifest["video"]).transform("first")).to_numpy()
    frames = np.array(store.frames)
    frames[later] = frames[np.flatnonzero(~later)[0]]
    return FrameStore(frames, None, store.manifest)


def usefulness(pool: Pool, model: ContrastiveModel, pairs: Pairs, seed: int) -> np.ndarray:
    """Derivative of each pair's loss along the gradient of a meta batch's loss, minus the mean of its batch [pairs]."""
    found = []
    for number, batch in enumerate(batches(pairs, BATCH)):
        clean = meta_batch(pool, META["batch_size"], generator(seed, "benchmark meta", number))
        meta_frames = pool.views.mixed_first(clean, (seed, "benchmark meta views", number))
        theta = [parameter.detach().clone() for parameter in model.parameters()]
        _, direction = gradient_at(model, theta, meta_frames, lambda out: nt_xent_per_view(*out[1].chunk(2)).mean())
        frames = pool.views.mixed_first(batch, (seed, "benchmark views", number))
        _, z = jacobian_vector_product(model, frames, direction)
        _, slope = jvp(nt_xent_per_view, tuple(z.value.chunk(2)), tuple(z.tangent.chunk(2)))
        of_pairs = slope.view(2, -1).mean(0)
        found.append(of_pairs - of_pairs.mean())
    return torch.cat(found).numpy()


def figure(found: pd.DataFrame) -> Figure:
    """Weights of both kinds of pairs, one panel per seed."""
    seeds = found["seed"].unique()
    drawn, axes = plt.subplots(1, len(seeds), figsize=(3.2 * len(seeds), 3.4), layout="constrained", squeeze=False)
    for axis, seed in zip(axes[0], seeds, strict=True):
        pairs = found[found["seed"] == seed]
        bins = np.histogram_bin_edges(pairs["weight"], 30)
        for change, color, name in ((False, BLUE, "same"), (True, ORANGE, "spans the change")):
            weights = pairs.loc[pairs["change"] == change, "weight"]
            axis.hist(weights, bins, density=True, alpha=0.5, color=color, label=name)
            axis.axvline(weights.mean(), color=color, linestyle="--" if change else "-")
        it = weight_difference(pairs, pairs["change"].to_numpy())
        axis.set_title(f"seed {seed}: {it.mean:+.4f}\n95 % CI {it.low:+.4f} to {it.high:+.4f}", fontsize="small")
        axis.set(xlabel="weight of the pair", yticks=[])
    axes[0][0].legend(fontsize="small")
    return drawn


if __name__ == "__main__":
    main()

"""Does the weight net learn what it should: lower weights for pairs that span a change of organ?

    python benchmarks/weight_net.py [--seeds 0 1 2] [--epochs 250] [--out results/weight_net]

A simulated pool, all of it from one machine, in half of whose videos the probe moves to another organ half-way.
Meta-USCL is pretrained on it for each seed, from ImageNet weights; then twenty new pairs of every video are weighed.
Prints the mean weight of pairs that span a change less that of the others, with a 95 % confidence interval (bootstrap
over patients), for the videos that were trained on and for those that were held out, and draws the weights
(weight_net.png in --out). About five minutes a seed and core.
"""

import argparse
import multiprocessing
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.data.extract import extract
from uscl.data.simulator.set_pool import write_pool
from uscl.data.store import FrameStore
from uscl.device import start
from uscl.models.contrastive import ContrastiveModel
from uscl.models.imagenet import imagenet_encoder
from uscl.models.weight_net import WeightNet
from uscl.pairs import distances, interpolated
from uscl.pretrain import meta_uscl
from uscl.pretrain.pool import Pool
from uscl.report.pair_weights import Difference, inconsistent, weight_difference
from uscl.report.style import BLUE, ORANGE, plt, save
from uscl.seeds import generator

SIZE = 32  # pixels
VALIDATION, META = 0.1, 0.3  # shares of the pool
BATCH = 32
PAIRS_A_VIDEO = 20
SETTINGS = {"batch_size": BATCH, "lr": 0.03, "warmup_epochs": 10, "validation_share": VALIDATION}
META_SETTINGS = {"share": META, "batch_size": 64, "lr": 5e-4}


def main() -> None:
    """Simulates, trains one seed a process, prints and draws."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=250)
    parser.add_argument("--out", type=Path, default=Path("results/weight_net"))
    parser.add_argument("--jobs", type=int, default=2, help="processes at once, a thread each")
    given = parser.parse_args()
    found = measure(given.seeds, given.epochs, given.jobs)
    save(figure(found), given.out / "weight_net.png")
    table = Table("seed", "videos", "pairs", "other less same organ", "95 % CI", "sd of all weights")
    for (seed, part), pairs in found.groupby(["seed", "videos"]):
        low = difference(pairs)
        interval = f"{low.low:+.4f} to {low.high:+.4f}"
        table.add_row(str(seed), part, str(len(pairs)), f"{low.mean:+.4f}", interval, f"{pairs['weight'].std():.4f}")
    Console().print(table, f"Drawn: {given.out / 'weight_net.png'}")


def measure(seeds: list[int], epochs: int, jobs: int) -> pd.DataFrame:
    """Weighed pairs of every seed: seed, videos (trained on or held out), group, distance, change, weight."""
    with tempfile.TemporaryDirectory() as scratch:
        raw, store = Path(scratch, "raw"), Path(scratch, "store")
        raw.mkdir()
        write_pool(raw, 7, patients=48, videos=2, frames=14, shares={"organ_change": 0.5}, one_machine=True)
        take = {"size": SIZE, "rate_hz": None, "max_frames": None, "on_bad_video": "stop", "workers": jobs}
        extract("pool", "simulated_pool", raw, store, **take)
        with multiprocessing.get_context("spawn").Pool(jobs) as processes:
            return pd.concat(processes.map(partial(weighed, store, epochs), seeds, chunksize=1), ignore_index=True)


def weighed(folder: Path, epochs: int, seed: int) -> pd.DataFrame:
    """Pretrain with one seed and weigh new pairs of every video."""
    store, fabric = FrameStore.open(folder), start("cpu", "32-true", threads=1)
    encoder = imagenet_encoder("tf_efficientnet_lite0")
    result = meta_uscl.pretrain(encoder, store, fabric, seed, epochs=epochs, meta=META_SETTINGS, **SETTINGS)
    model, net = ContrastiveModel(result.encoder, seed), WeightNet(result.encoder.dim)
    net.load_state_dict(
        {name.removeprefix("weight_net."): w for name, w in result.heads.items() if name.startswith("weight_net.")}
    )
    pool = Pool(store, fabric, seed, validation=VALIDATION, meta=META)
    rng = generator(seed, "benchmark pairs")
    videos = np.concatenate([rng.permutation(len(pool.parts)) for _ in range(PAIRS_A_VIDEO)])
    pairs = interpolated(pool.videos, videos, rng)
    table = pool.parts.iloc[videos].assign(
        seed=seed,
        row_a=pairs.rows[:, 0],
        row_c=pairs.rows[:, 2],
        distance=distances(pool.videos, pairs),
        weight=meta_uscl.learned_weights(fabric, pool, model, net, pairs, BATCH, seed),
    )
    table["videos"] = np.where(table["part"] == "train", "trained on", "held out")
    return table.assign(change=inconsistent(table, store.manifest))


def difference(pairs: pd.DataFrame) -> Difference:
    """Mean weight of pairs that span a change of organ less that of the others."""
    return weight_difference(pairs, pairs["change"].to_numpy())


def figure(found: pd.DataFrame) -> Figure:
    """Weights of both kinds of pairs, a panel a seed."""
    seeds = found["seed"].unique()
    drawn, axes = plt.subplots(1, len(seeds), figsize=(3.2 * len(seeds), 3.4), layout="constrained", squeeze=False)
    for axis, seed in zip(axes[0], seeds, strict=True):
        pairs = found[found["seed"] == seed]
        bins = np.histogram_bin_edges(pairs["weight"], 30)
        for change, color, name in ((False, BLUE, "same organ"), (True, ORANGE, "other organ")):
            weights = pairs.loc[pairs["change"] == change, "weight"]
            axis.hist(weights, bins, density=True, alpha=0.5, color=color, label=name)
            axis.axvline(weights.mean(), color=color, linestyle="--" if change else "-")
        low = difference(pairs)
        axis.set_title(f"seed {seed}: {low.mean:+.4f}\n95 % CI {low.low:+.4f} to {low.high:+.4f}", fontsize="small")
        axis.set(xlabel="weight of the pair", yticks=[])
    axes[0][0].legend(fontsize="small")
    return drawn


if __name__ == "__main__":
    main()

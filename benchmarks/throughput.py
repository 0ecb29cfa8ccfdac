"""How fast this machine trains, reads and draws: what `snakemake doctor` estimates a study's time from.

    python benchmarks/throughput.py [--out benchmarks/recorded.yaml] [--device cuda] [--precision bf16-mixed]
                                    [--size 64 96] [--beside 1]

Takes about five minutes. All is measured three times, minutes apart, on one thread, as the jobs of a study have it,
while copies of this program keep the other cores as busy as a study does (`--beside` says how many). The best of three
figures counts, as shared machines have slow minutes. Writes a file of one record a machine, device and precision; a new
record takes the place of its older self:

- by encoder and frame size: images a second in SimCLR's steps (`pretrain_views`), fine-tuning, fine-tuning of the last
  block, segmentation (U-Net) and the features of a frozen encoder;
- by encoder: what a step of Meta-USCL costs in steps of SimCLR, and training cases a second of the linear probe;
- frames a second of extraction (640 x 480, H.264) and of the simulator, which also gives images with masks;
- seconds that a job takes beside its work: one that trains, one that calculates, one that draws, one that logs.
"""

import argparse
import datetime
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import yaml
from lightning_fabric import Fabric
from torch import nn
from torch.nn import functional as F

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the library of this checkout, installed or not

from benchmarks.drawn import drawn_store
from benchmarks.variants import Setting, Trial, lookahead, published, simclr
from uscl.base.files import write_text
from uscl.data.decode.video import decode
from uscl.data.splits import Fold
from uscl.data.store import FrameStore
from uscl.evaluate.features import frozen_features
from uscl.evaluate.finetune import train_epoch
from uscl.evaluate.probe import probe_fold
from uscl.jobs.run_record import hardware
from uscl.models.encoders import ENCODERS
from uscl.models.freezing import freeze_below_last_block
from uscl.models.segmenter import Segmenter
from uscl.pretrain.methods.random import untrained_encoder
from uscl.simulator.sets import write_set
from uscl.simulator.video import FORMATS, write_video
from uscl.training.augment import supervised
from uscl.training.device import start
from uscl.training.losses import dice_bce

HEADER = """\
# How fast machines do the parts of a study; `snakemake doctor` estimates from it. Written by benchmarks/throughput.py,
# whose docstring says what the figures are.
"""
PAIRS, BATCH, PASSES = 32, 32, 3
META_SIZE = 64  # pixels; the price of a step hardly depends on it
VIDEO = (640, 480, 50)  # width, height, frames
COARSE = 8
PROBED, CLASSES = 600, 3  # training cases of a probe

# What the jobs of each kind import and, where it is not the work itself, do.
STARTS = {
    "training": "import uscl.evaluate.classification, uscl.evaluate.cell, uscl.models.checkpoint",
    "calculating": "import pyarrow, uscl.data.store, uscl.stats.summary",
    "drawing": """
import uscl.report.figures.predictions, uscl.report.figures.training
import matplotlib.pyplot as plt
for number in range(2):
    figure, axes = plt.subplots(3, 4)
    for axis in axes.flat:
        axis.imshow([[0, 1], [1, 0]])
        axis.set_title("a frame")
    figure.savefig(f"{number}.png")
""",
    "logging": """
from uscl.tracking.store import opened
with opened("sqlite:///mlflow.db") as client:
    run = client.create_run("0").info.run_id
    for number in range(50):
        client.log_metric(run, "loss", number, step=number)
""",
}


def main() -> None:
    """Measures and writes; as a copy of another run only measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks/recorded.yaml")
    parser.add_argument("--size", nargs="+", type=int, help="pixels; 64 and 96 if left out, 96 and 224 on a GPU")
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--beside", type=int, help="copies that run meanwhile (default: on other cores)")
    parser.add_argument("--copy", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    sizes = given.size or ([64, 96] if given.device == "cpu" else [96, 224])
    # A GPU runs one training at a time.
    others = (os.cpu_count() or 1) - 1 if given.device == "cpu" else 0
    beside = others if given.beside is None else given.beside
    fabric = start(given.device, given.precision, threads=1)
    if given.copy:
        while True:
            measured(fabric, sizes, given.device, given.precision)
    load = os.getloadavg()[0]
    with copies(beside, ["--size", *map(str, sizes), "--precision", given.precision]):
        passes = [measured(fabric, sizes, given.device, given.precision) for _ in range(PASSES)]
    told = hardware()
    record = {
        "machine": told["cpu"] if given.device == "cpu" else told["gpu"],
        "device": given.device,
        "precision": given.precision,
        "date": datetime.date.today().isoformat(),
        "torch": str(torch.__version__),
        "copies_beside": beside,
        "load_before": round(load, 1),
        **best(passes),
    }
    write_record(record, given.out)


@contextmanager
def copies(count: int, options: list[str]) -> Iterator[None]:
    """So many further runs of this program, whose figures nobody reads, as long as the block takes."""
    command = [sys.executable, __file__, "--copy", *options]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.terminate()
            process.wait()


def measured(fabric: Fabric, sizes: list[int], device: str, precision: str) -> dict[str, Any]:
    """All figures."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        return {
            "start_s": {name: round(seconds(partial(begin, text, folder)), 2) for name, text in STARTS.items()},
            "extract_frames": per_second(VIDEO[-1], partial(decode, drawn_video(folder), sizes[0], None, None)),
            "simulate_frames": per_second(2 * 16, partial(simulate, folder, "pool", videos=2, frames=16)),
            "simulate_images": per_second(6, partial(simulate, folder, "breast", patients=6)),
            "encoders": {arch: of_encoder(arch, folder, fabric, sizes, device, precision) for arch in ENCODERS},
        }


def of_encoder(
    arch: str, folder: Path, fabric: Fabric, sizes: list[int], device: str, precision: str
) -> dict[str, Any]:
    """Figures of one encoder."""
    trial = Trial(Setting(arch, META_SIZE, PAIRS, device, precision, 1))
    found: dict[str, Any] = {
        "meta_step": prices(trial),
        "linear_cases": per_second(PROBED, partial(probe, untrained_encoder(arch, 0).dim)),
        "sizes": {},
    }
    for size in sizes:
        trial = Trial(Setting(arch, size, PAIRS, device, precision, 1))
        found["sizes"][size] = {
            "pretrain_views": per_second(2 * PAIRS, partial(simclr, trial)),
            **of_tasks(arch, fabric, size),
            "feature_images": per_second(BATCH, features_of(arch, folder, fabric, size)),
        }
        print(arch, size, found["sizes"][size], flush=True)
    return found


def prices(trial: Trial) -> dict[str, float]:
    """What steps of Meta-USCL cost in steps of SimCLR: one after the other, so that a slow minute slows all alike."""
    base, one, other = [seconds(partial(step, trial)) for step in (simclr, published, lookahead)]
    return {"published": round(one / base, 2), "lookahead": round(other / base, 2)}


def of_tasks(arch: str, fabric: Fabric, size: int) -> dict[str, float]:
    """Training images a second in each kind of fine-tuning, augmentation included."""
    frames = torch.randint(0, 255, (BATCH, size, size), dtype=torch.uint8)
    labels, masks = torch.arange(BATCH) % CLASSES, (frames > 160).byte().unsqueeze(1)
    whole, partly = (nn.Sequential(encoder, nn.Linear(encoder.dim, CLASSES)) for encoder in twice(arch))
    freeze_below_last_block(partly.get_submodule("0.backbone"), arch)
    plain, masked = supervised(size), supervised(size, masks=True)

    def classify(model: nn.Module) -> Callable[[], Any]:
        return epoch(fabric, model, (frames, labels), F.cross_entropy, lambda x, y: (plain(x), y))

    segment = epoch(
        fabric,
        Segmenter(untrained_encoder(arch, 0)),
        (frames, masks),
        lambda logits, target: dice_bce(logits, target.float()),
        lambda x, y: tuple(masked(x, y.float())),
    )
    runs = {"finetune_images": classify(whole), "last_block_images": classify(partly), "segmentation_images": segment}
    return {name: per_second(BATCH, run) for name, run in runs.items()}


def twice(arch: str) -> Iterator[Any]:
    """Two equal encoders."""
    return (untrained_encoder(arch, 0) for _ in range(2))


def epoch(fabric: Fabric, model: nn.Module, part: Any, loss_of: Callable, augment: Callable) -> Callable[[], Any]:
    """A run over one batch of frames as fine-tuning does it."""
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)
    model, optimizer = fabric.setup(model, optimizer)
    return partial(train_epoch, fabric, model, optimizer, part, loss_of, augment, BATCH)


def features_of(arch: str, folder: Path, fabric: Fabric, size: int) -> Callable[[], Any]:
    """A run over one batch of frames as feature extraction does it."""
    store = drawn_store(folder, size, videos=1, frames=BATCH)
    return partial(
        frozen_features, untrained_encoder(arch, 0), FrameStore(np.array(store.frames), None, store.manifest), fabric
    )


def probe(dim: int) -> None:
    """The linear probe of one fold, on drawn features of classes that overlap."""
    rng = np.random.default_rng(0)
    count = PROBED + 200
    label = np.arange(count) % CLASSES
    features = (rng.normal(size=(count, dim)) + 0.5 * rng.normal(size=(CLASSES, dim))[label]).astype(np.float32)
    cases = pd.DataFrame({"row": range(count), "case": range(count), "group": range(count), "label": label.astype(str)})
    probe_fold(features, cases, Fold(*np.split(np.arange(count), [PROBED, PROBED + 100])), regime="linear")


def drawn_video(folder: Path) -> Path:
    """A video file of drawn frames, coarse enough to take a few kB a frame, as ultrasound does."""
    width, height, frames = VIDEO
    drawn = np.array(drawn_store(folder, width // COARSE, videos=1, frames=frames).frames)
    large = drawn.repeat(COARSE, 1).repeat(COARSE, 2)[:, :height]
    path = folder / f"drawn{FORMATS[0].suffix}"
    write_video(path, list(large), FORMATS[0], 25)
    return path


def simulate(folder: Path, kind: str, patients: int = 1, **settings: int) -> None:
    """A small simulated set."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        write_set(kind, Path(place) / kind, seed=0, patients=patients, **settings)


def begin(text: str, folder: Path) -> None:
    """Start Python, as a job does, and run `text`."""
    environment = os.environ | {"PYTHONPATH": str(ROOT), "MLFLOW_DISABLE_TELEMETRY": "true", "MPLBACKEND": "agg"}
    subprocess.run([sys.executable, "-c", text], check=True, cwd=folder, env=environment, capture_output=True)


def per_second(count: int, work: Callable[[], Any]) -> float:
    """How many a second, where `work` does `count`: three digits."""
    return float(f"{count / seconds(work):.3g}")


def best(passes: Sequence[Any], name: str = "") -> Any:
    """The best of several figures of a name, in tables of any depth: most a second, fewest seconds."""
    if isinstance(passes[0], dict):
        return {key: best([one[key] for one in passes], "start_s" if name == "start_s" else key) for key in passes[0]}
    if name in ("published", "lookahead"):  # a ratio has no better side
        return round(statistics.median(passes), 2)
    return min(passes) if name == "start_s" else max(passes)


def seconds(work: Callable[[], Any]) -> float:
    """Seconds of a run, after one that warms up."""
    work()
    return timed(work)


def timed(work: Callable[[], Any]) -> float:
    """Seconds of one run, until the device is done."""
    begun = time.perf_counter()
    work()
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter() - begun


def write_record(record: dict[str, Any], path: Path) -> None:
    """Put a record in its place among those of the file."""
    kept = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else []
    same = ("machine", "device", "precision")
    others = [old for old in kept if any(old[key] != record[key] for key in same)]
    write_text(path, HEADER + yaml.safe_dump([*others, record], sort_keys=False, width=120))


if __name__ == "__main__":
    main()

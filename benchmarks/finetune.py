"""Where fine-tuning's time goes: reading, augmentation, training, validation.

    python benchmarks/finetune.py [--arch tf_efficientnet_lite0] [--size 64] [--batch 32] [--epochs 3] [--threads 1]
                                  [--device cuda] [--precision bf16-mixed] [--decoder deeplabv3plus]

Fine-tunes one fold of a classification and of a segmentation task with the benchmark's own code, on drawn frames in a
memory-mapped store, after a shorter run that warms up. Every part counts without the parts inside it, so that they add
up to the whole. On a GPU the clock waits for the device before and after every part. Nothing overlaps then, so the
share of loading is an upper limit of the time that the GPU is idle because of it. The frames come from a file that was
just written, so the numbers do not include a slow disk. The aim is that loading takes less than 10 %.
"""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from rich.console import Console
from rich.table import Table
from torch import Tensor

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from benchmarks.drawn import drawn_store
from uscl.data.splits import IDENTITY, Fold
from uscl.data.store import FrameStore, mapped_array
from uscl.evaluate import classification, finetune, segmentation
from uscl.models.encoders import ENCODERS
from uscl.models.segmenter import DECODERS
from uscl.pretrain.engine.initial import initial_encoder
from uscl.training.device import start

VIDEOS, FRAMES, CLASSES = 60, 20, 3
LOADING = ("reading the store", "taking batches", "to the device, to float")
PARTS = (*LOADING, "augmentation", "training steps", "validation and test", "rest")


class Clock:
    """Seconds by part; the time of a part inside another one is subtracted from the outer part."""

    def __init__(self, device: torch.device) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._device = device
        self._inside = [0.0]

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Count the time of the block."""
        begin = self._now()
        self._inside.append(0.0)
        yield
        whole = self._now() - begin
        self.seconds[name] += whole - self._inside.pop()
        self._inside[-1] += whole

    def watched(self, name: str, inner: Callable) -> Callable:
        """The same function, with its time counted."""

        def call(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return inner(*args, **kwargs)

        return call

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter()


class Watched:
    """A tensor that counts the time of taking its batches."""

    def __init__(self, tensor: Tensor, clock: Clock) -> None:
        self._tensor = tensor
        self._clock = clock

    def __len__(self) -> int:
        return len(self._tensor)

    def __getitem__(self, rows: Tensor) -> Tensor:
        with self._clock.part("taking batches"):
            return self._tensor[rows]


def main() -> None:
    """Print seconds and shares, one table per task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--arch", default="tf_efficientnet_lite0", choices=list(ENCODERS))
    parser.add_argument("--size", type=int, default=64, help="pixels")
    parser.add_argument("--batch", type=int, default=32, help="frames")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--precision", default="32-true", choices=["32-true", "bf16-mixed"])
    parser.add_argument("--decoder", default="unet", choices=DECODERS)
    given = parser.parse_args()
    fabric = start(given.device, given.precision, given.threads)
    console, encoder, fold = Console(), initial_encoder(given.arch, "random", 0).encoder, one_fold()
    console.print(f"{given.arch}, {given.size} px, {given.device}, {given.precision}, {given.threads} threads")
    with tempfile.TemporaryDirectory() as folder:
        store = masked_store(Path(folder), given.size)
        settings = {"batch_size": given.batch, "lr": 1e-4, "stream": (0, "benchmark")}
        for task, more in ((classification, {}), (segmentation, {"decoder": given.decoder})):
            run = partial(task.finetune_fold, encoder, store, store.manifest, fabric=fabric, **settings, **more)
            run(fold=Fold(*(rows[::6] for rows in fold)), epochs=1)  # warms up
            seconds = profile(task, fabric, partial(run, fold=fold, epochs=given.epochs))
            name = " with ".join([task.__name__.rpartition(".")[2], *more.values()])
            console.print(table(seconds, f"{name}, {given.epochs} epochs of {len(fold.train)} frames"))


def masked_store(folder: Path, size: int) -> FrameStore:
    """Drawn videos with bright parts as masks; the manifest has row and IDENTITY of every frame."""
    store = drawn_store(folder, size, VIDEOS, FRAMES)
    np.save(folder / "masks.npy", (store.frames > 160).astype(np.uint8))
    video = store.manifest["video"]
    manifest = pd.DataFrame(
        {
            "row": store.manifest.index,
            "case": [f"video{v}/{f}" for v, f in zip(video, store.manifest["frame"], strict=True)],
            "video": [f"video{v}" for v in video],
            "patient": "",
            "group": [f"video{v}" for v in video],
            "unit": "video",
            "label": [f"class{v % CLASSES}" for v in video],
        }
    )[["row", *IDENTITY]]
    return FrameStore(store.frames, mapped_array(folder / "masks.npy"), manifest)


def one_fold() -> Fold:
    """Rows of three fifths of the videos for training, and of a fifth each for validation and test."""
    return Fold(*np.split(np.arange(VIDEOS * FRAMES), [VIDEOS * FRAMES * 3 // 5, VIDEOS * FRAMES * 4 // 5]))


def profile(task: ModuleType, fabric: Fabric, run: Callable[[], None]) -> dict[str, float]:
    """Seconds of every part of a run of `task`, a module of uscl.evaluate."""
    clock = Clock(fabric.device)
    train_epoch = finetune.train_epoch

    def watched_epoch(
        fabric: Fabric, model: Any, optimizer: Any, part: finetune.Part, loss_of: Any, augment: Any, *more: Any
    ) -> Tensor:
        batches = tuple(Watched(tensor, clock) for tensor in part)
        augment = clock.watched("augmentation", augment)
        with clock.part("training steps"):
            return train_epoch(fabric, model, optimizer, batches, loss_of, augment, *more)  # type: ignore[arg-type]

    with ExitStack() as stack:
        stack.enter_context(patch.object(finetune, "train_epoch", watched_epoch))
        for place, function, name in (
            (task, "load", "reading the store"),
            (fabric, "to_device", "to the device, to float"),
            (finetune, "as_float", "to the device, to float"),
            (finetune, "predict", "validation and test"),
            (task, "predict", "validation and test"),
        ):
            stack.enter_context(patch.object(place, function, clock.watched(name, getattr(place, function))))
        with clock.part("rest"):
            run()
    return clock.seconds


def table(seconds: dict[str, float], title: str) -> Table:
    """One row per part, then loading and the whole."""
    printed = Table("", "s", "share", title=title, min_width=60)
    whole, loading = sum(seconds.values()), sum(seconds[part] for part in LOADING)
    for part in PARTS:
        printed.add_row(part, f"{seconds[part]:.3f}", f"{seconds[part] / whole:.1%}", end_section=part == PARTS[-1])
    printed.add_row("loading (the first three)", f"{loading:.3f}", f"{loading / whole:.1%}")
    printed.add_row("whole", f"{whole:.3f}", f"{1:.1%}")
    return printed


if __name__ == "__main__":
    main()

"""What `uscl predict` costs, compared with a plain loop of timm with a data loader.

    python benchmarks/predict.py [--images 1000] [--size 64] [--runs 3] [--threads 1]

Both classify the same PNG files with an EfficientNet-Lite0 of random weights and write a CSV, each in processes of
their own, from nothing to the end; the CPU time is that of all these processes. Runs alternate. The aim is a ratio of
at most 1.2.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import OrderedDict
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import numpy as np
from rich.console import Console
from rich.table import Table

PLAIN = """
import csv, sys
from pathlib import Path

import torch
from PIL import Image

import uscl.models.torchvision_cpu
import timm
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

folder, size, out = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
files = sorted(folder.glob("*.png"))
to_tensor = transforms.Compose(
    [transforms.Resize((size, size)), transforms.ToTensor(), transforms.Normalize((0.18,) * 3, (0.24,) * 3)]
)


class Pictures(Dataset):
    def __len__(self):
        return len(files)

    def __getitem__(self, number):
        return to_tensor(Image.open(files[number]).convert("RGB"))


net = timm.create_model("tf_efficientnet_lite0", num_classes=3).eval()
with torch.inference_mode():
    found = [net(batch).softmax(1) for batch in DataLoader(Pictures(), batch_size=64, num_workers=2)]
with open(out, "w", newline="") as file:
    writer = csv.writer(file)
    writer.writerow(["file", "a", "b", "c"])
    writer.writerows([path.name, *row] for path, row in zip(files, torch.cat(found).tolist()))
"""


def arguments() -> argparse.Namespace:
    """Options of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=64, help="of the pictures and of the model's frames, in pixels")
    parser.add_argument("--runs", type=int, default=3, help="of which the median is printed")
    parser.add_argument("--threads", type=int, default=1, help="of torch in each process")
    return parser.parse_args()


def write_images(folder: Path, count: int, size: int) -> None:
    """Grey pictures of noise that was smoothed, as PNG."""
    import cv2

    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        picture = cv2.GaussianBlur(rng.integers(0, 255, (size, size), dtype=np.uint8), (5, 5), 0)
        cv2.imwrite(str(folder / f"{number:05}.png"), picture)


def write_model(path: Path, size: int) -> None:
    """A kept classifier of three classes with random weights."""
    from torch import nn

    from uscl.models.checkpoint import arrays, described
    from uscl.models.encoder import Encoder
    from uscl.models.model_file import save_model

    encoder = Encoder("tf_efficientnet_lite0")
    net = nn.Sequential(OrderedDict(encoder=encoder, head=nn.Linear(encoder.dim, 3)))
    seen = {"grey": [0, 255], "contrast": [0, 255], "height": [size, size], "width": [size, size]}
    record = {"form": "classifier", "classes": ["a", "b", "c"], "size": size, "precision": "32-true", "rate_hz": None}
    save_model(path, arrays(net), record | {"crop": [], "seen": seen} | described(encoder))


def measured(words: list[str], threads: int) -> tuple[float, float]:
    """Seconds, and seconds of CPU time of a process and its children."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": str(threads)}
    subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Measure both in turn and print the medians."""
    given = arguments()
    found: dict[str, list[tuple[float, float]]] = {"uscl predict": [], "timm": []}
    with tempfile.TemporaryDirectory() as place:
        folder, model = Path(place, "images"), Path(place, "model.safetensors")
        write_images(folder, given.images, given.size)
        write_model(model, given.size)
        call = "from uscl.command.main import main; main()"
        for run in range(given.runs):
            ours = [sys.executable, "-c", call, "predict", str(folder), "--model", str(model)]
            found["uscl predict"].append(measured([*ours, "--out", f"{place}/out{run}"], given.threads))
            plain = [sys.executable, "-c", PLAIN, str(folder), str(given.size), f"{place}/plain{run}.csv"]
            found["timm"].append(measured(plain, given.threads))
    table = Table("", "seconds", "CPU seconds", "range", title=f"{given.images} PNGs of {given.size} px")
    for name, runs in found.items():
        wall, cpu = (statistics.median(run[k] for run in runs) for k in (0, 1))
        low, high = (end(run[1] for run in runs) for end in (min, max))
        table.add_row(name, f"{wall:.1f}", f"{cpu:.1f}", f"{low:.1f} to {high:.1f}")
    ours, theirs = (statistics.median(run[1] for run in found[name]) for name in found)
    console = Console()
    console.print(table)
    console.print(f"uscl predict / timm, CPU time: {ours / theirs:.2f} (aim: at most 1.2)")


if __name__ == "__main__":
    main()

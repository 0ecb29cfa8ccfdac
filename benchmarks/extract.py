"""How long extraction takes compared with FFmpeg's own decoding of the same videos.

    python benchmarks/extract.py [folder of videos] [--runs 5] [--size 112] [--workers 2]

Ours is the whole path of the workflow's rule: decode every frame, scale, letterbox, hash, store, manifest.
FFmpeg's is the plain command that decodes to raw grey frames and throws them away, one file after another, with
its own threads; the time for starting one process per file is shown too. Runs alternate, so that a busy machine
disturbs all equally. The aim is a wall-clock ratio of at most 1.5.
"""

import argparse
import importlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.data.extract import extract
from uscl.data.source import VIDEO_SUFFIXES
from uscl.data.store import FrameStore


def main() -> None:
    """Print seconds (median and range), frames per second, and the ratios of the medians."""
    arguments = _arguments()
    videos = sorted(p for p in arguments.folder.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
    if not videos:
        sys.exit(f"{arguments.folder} holds no videos: name a folder that does, or run the workflow first")
    ffmpeg = _ffmpeg()
    with tempfile.TemporaryDirectory() as scratch:
        root, store = Path(scratch, "root"), Path(scratch, "store")
        _link(videos, root / "videos")
        work = {
            "extraction": lambda: _extract(root, store, arguments.size, arguments.workers),
            "ffmpeg": lambda: _decode(ffmpeg, videos),
            "ffmpeg's starts alone": lambda: _start(ffmpeg, len(videos)),
        }
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in work}
        for _ in range(arguments.runs):
            for name, part in work.items():
                seconds[name].append(_seconds(part))
        frames = len(FrameStore.open(store).frames)
    _print(seconds, frames, f"{len(videos)} videos, {frames} frames, {arguments.size} px")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=Path("results/raw"))
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--size", type=int, default=112, help="pixels")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="threads of ours (all cores)")
    return parser.parse_args()


def _ffmpeg() -> str:
    if found := shutil.which("ffmpeg"):
        return found
    try:
        found = importlib.import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except ModuleNotFoundError:
        sys.exit("There is no ffmpeg to compare with: put it on the PATH, or pip install imageio-ffmpeg")
    return str(found)


def _link(videos: list[Path], folder: Path) -> None:
    """The layout of the simulated_pool reader, made of links to the videos."""
    folder.mkdir(parents=True)
    names = [f"{number:05d}-{video.name}" for number, video in enumerate(videos)]
    for name, video in zip(names, videos, strict=True):
        (folder / name).symlink_to(video.resolve())
    table = pd.DataFrame({"file": names, "patient": names, "organ": ""})
    table.to_csv(folder.with_name("videos.csv"), index=False)


def _extract(root: Path, out: Path, size: int, workers: int) -> None:
    extract(
        "benchmark",
        "simulated_pool",
        root,
        out,
        size=size,
        rate_hz=None,
        max_frames=None,
        on_bad_video="stop",
        workers=workers,
    )


def _decode(ffmpeg: str, videos: list[Path]) -> None:
    for video in videos:
        command = [ffmpeg, "-nostdin", "-v", "error", "-y", "-i", str(video)]
        command += ["-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", os.devnull]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)


def _start(ffmpeg: str, times: int) -> None:
    for _ in range(times):
        subprocess.run([ffmpeg, "-version"], check=True, stdout=subprocess.DEVNULL)


def _seconds(work: Callable[[], None]) -> tuple[float, float]:
    """Wall-clock seconds, and CPU seconds of all processors together, including child processes."""
    start, processors = time.perf_counter(), sum(os.times()[:4])
    work()
    return time.perf_counter() - start, sum(os.times()[:4]) - processors


def _print(seconds: dict[str, list[tuple[float, float]]], frames: int, title: str) -> None:
    table = Table("", "median s", "min-max s", "median CPU s", "frames / s", title=title)
    medians = {}
    for name, runs in seconds.items():
        clock, processors = zip(*runs, strict=True)
        medians[name] = np.median(clock), np.median(processors)
        wall, cpu = medians[name]
        table.add_row(name, f"{wall:.2f}", f"{min(clock):.2f}-{max(clock):.2f}", f"{cpu:.2f}", f"{frames / wall:,.0f}")
    console = Console()
    console.print(table)
    ours, theirs, starts = (np.array(median) for median in medians.values())
    for name, ratio in {
        "ffmpeg": ours / theirs,
        "(ffmpeg minus its starts)": ours / (theirs - starts),
    }.items():
        console.print(f"extraction / {name} = {ratio[0]:.2f} by the clock, {ratio[1]:.2f} in CPU time")


if __name__ == "__main__":
    main()

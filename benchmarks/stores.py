"""What a large frame store costs: opening its manifest, and dividing its groups into folds.

    python benchmarks/stores.py [--rows 10000 100000 1000000] [--groups 1000 10000 100000]

The manifest has 100 frames per video and three videos per patient. Each size runs in a process of its own; memory is
the peak above what the process holds after its imports. No pixels are read.
"""

import argparse
import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.data.manifest import MANIFEST, MANIFEST_FILE, read_manifest, write_manifest
from uscl.data.splits import make_splits

PER_VIDEO, PER_PATIENT = 100, 3


def main() -> None:
    """Print a line per size, or measure one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--groups", type=int, nargs="*", default=[1_000, 10_000, 100_000])
    parser.add_argument("--open", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--split", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.open:
        measure(f"opening {given.open.name} rows", lambda: read_manifest(given.open / MANIFEST_FILE))
        return
    if given.split:
        cases = cases_of(given.split)
        measure(f"folds of {given.split} groups", lambda: make_splits(cases, folds=5, inner=4, seed=0))
        return
    with tempfile.TemporaryDirectory() as scratch:
        for rows in given.rows:
            folder = Path(scratch, str(rows))
            write_manifest(manifest(rows), folder)
            again("--open", folder)
    for groups in given.groups:
        again("--split", groups)


def again(*words: object) -> None:
    """Run this script in a new process."""
    subprocess.run([sys.executable, __file__, *map(str, words)], check=True)


def measure(what: str, call: object) -> None:
    """Call something once and print its CPU time and memory."""
    held, started = resident_mb(), time.process_time()
    call()  # type: ignore[operator]
    spent = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(f"{what}: {spent:.2f} CPU s, {peak - held:.0f} MB", flush=True)


def resident_mb() -> float:
    """Memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def manifest(rows: int) -> pd.DataFrame:
    """A made-up manifest of a labelled set."""
    number = np.arange(rows)
    video, frame = np.divmod(number, PER_VIDEO)
    patient = [f"p{video // PER_PATIENT}" for video in video]
    files = [f"patient{video // PER_PATIENT}/video{video}.mp4" for video in video]
    box = {"top": 0, "left": 0, "height": 480, "width": 640}
    box |= {"box_top": 8, "box_left": 0, "box_height": 48, "box_width": 64}
    unknown = {"part": "", "source": "", "organ": "", "event": "", "mm_per_pixel": np.nan, "state": np.nan}
    table = pd.DataFrame(
        {
            "row": number,
            "case": [f"{file}#{frame}" for file, frame in zip(files, frame, strict=True)],
            "dataset": "large",
            "video": files,
            "patient": patient,
            "group": patient,
            "unit": "patient",
            "label": np.where(video % 2, "a", "b"),
            "frame": frame,
            "time_s": frame / 3,
            "colour": 0.0,
            "file": files,
            "source_sha256": [hashlib.sha256(b"%d" % video).hexdigest() for video in video],
            "sha256": [hashlib.sha256(b"frame %d" % row).hexdigest() for row in number],
            "second_state": np.nan,
            **box,
            **unknown,
        }
    )
    return table[list(MANIFEST.columns)]


def cases_of(groups: int) -> pd.DataFrame:
    """Cases of so many groups, one to twenty each, in three classes."""
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(groups), rng.integers(1, 21, groups))
    label = rng.choice(["a", "b", "c"], groups, p=[0.6, 0.3, 0.1])[group]
    row, names = np.arange(len(group)), [f"g{number}" for number in group]
    named = {"video": names, "patient": names, "group": names, "unit": "patient"}
    return pd.DataFrame({"row": row, "case": row.astype(str), **named, "label": label})


if __name__ == "__main__":
    main()

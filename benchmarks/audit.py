"""How fast the leakage audit is, and how often it finds a changed copy.

    python benchmarks/audit.py [--frames 50000] [--size 96] [--results results/public --data data]

Hashes drawn frames, looks for each in a second set of as many, and compares a part of the search with a plain loop
over all pairs. With the `--results` of a study of public sets whose frames are extracted, and the folder that holds the
sets, it also prints the share of changed copies of the files' first frames that the audit finds again, and the number
of matching pairs of videos from different sets.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.audit.hashes import Hashes, hash_frames, signs
from uscl.audit.matches import MAX_DISTANCE, MIN_CORRELATION, Side, matches_between, numbered
from uscl.audit.registration import fitted_correlations
from uscl.data.decode.clip import read_source
from uscl.data.decode.image import fit_image
from uscl.data.source import stored_source
from uscl.data.sources.folders import public_folder
from uscl.data.store import FrameStore

FINER = 4
TWIN = 150  # frames per side that the plain loop compares

Frames = NDArray[np.uint8]


def drawn(count: int, size: int, seed: int) -> Frames:
    """Pictures of smooth blobs."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (count, size // 8, size // 8)).astype(np.uint8)
    return np.stack([cv2.resize(picture, (size, size), interpolation=cv2.INTER_CUBIC) for picture in coarse])


def alone(hashes: Hashes) -> Side:
    """Every frame is a video and a group of its own."""
    numbers = np.arange(len(hashes.blank))
    return Side(hashes, numbers, numbers)


def seconds(work) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def plain_loop(a: Hashes, b: Hashes) -> int:
    """Matches of two sets, pair by pair."""
    found, bits_a, bits_b, detail = 0, signs(a), signs(b), a.detail.astype(np.float32)
    for i in range(len(bits_a)):
        for j in range(len(bits_b)):
            if (bits_a[i] != bits_b[j]).sum() <= MAX_DISTANCE:
                like = fitted_correlations(detail, b.detail, np.array([i]), np.array([j]), MIN_CORRELATION)
                found += int(like[0] >= MIN_CORRELATION)
    return found


def speed(count: int, size: int) -> None:
    """Frames per second, and the search against a plain loop."""
    frames = [drawn(count, size, seed) for seed in (0, 1)]
    hashing = seconds(lambda: hash_frames(frames[0]))
    a, b = (hash_frames(part) for part in frames)
    search = seconds(lambda: matches_between(alone(a), alone(b)))
    part_a, part_b = (Hashes(*(values[:TWIN] for values in part)) for part in (a, b))
    plain = seconds(lambda: plain_loop(part_a, part_b)) / TWIN**2
    print(f"hashes of {count:,} frames of {size} px: {hashing:.0f} s, {count / hashing:,.0f} frames per second")
    print(f"search, {count:,} x {count:,} frames, mirrored too: {search:.0f} s")
    print(f"a pair in a plain loop in pairs of the search: {plain / (search / count**2):,.0f}")


def copies(frame: Frames) -> dict[str, Frames]:
    """Changed copies of a frame that is `FINER` times finer than in the store."""
    size = len(frame)
    edge = round(0.015 * size)
    _, data = cv2.imencode(".jpg", cv2.resize(frame, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), [1, 60])
    jpeg = cv2.resize(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), (size, size), interpolation=cv2.INTER_CUBIC)
    return {
        "0.6 x, JPEG 60": jpeg,
        "the same, mirrored": np.ascontiguousarray(jpeg[:, ::-1]),
        "cropped by 3 %": cv2.resize(frame[edge:-edge, edge:-edge], (size, size), interpolation=cv2.INTER_AREA),
        "gain 0.8": (0.8 * frame).astype(np.uint8),
    }


def first_frames(store: FrameStore, name: str, data: Path) -> tuple[NDArray[np.int64], list[Frames]]:
    """The store's row of each file's first frame, and the frame read again from the file, finer than in the store."""
    root, rows, frames = Path(public_folder(name, str(data))), [], []
    for case in store.manifest.drop_duplicates("video").to_dict("records"):
        rows.append(case["row"])
        frames.append(read_source(root, stored_source(root, case), FINER * store.frames.shape[1], None, 1)[0].frames[0])
    return np.array(rows), frames


def quality(results: Path, data: Path) -> None:
    """Recall of changed copies of one frame per file, and matches across sets, on a study's frames."""
    stores = {path.name: FrameStore.open(path) for path in sorted((results / "frames").iterdir())}
    hashed = {name: hash_frames(store.frames) for name, store in stores.items()}
    for name, store in stores.items():
        rows, frames = first_frames(store, name, data)
        own = Hashes(*(values[rows] for values in hashed[name]))
        shown = ~own.blank
        for change in copies(frames[0]):
            changed = hash_frames(
                np.stack([fit_image(copies(frame)[change], store.frames.shape[1]) for frame in frames])
            )
            found = matches_between(alone(changed), alone(own))
            recall = (found["video_a"] == found["video_b"]).sum() / shown.sum()
            print(f"{name}: {100 * recall:.1f} % of {shown.sum()} frames found again: {change}")
    names = list(stores)
    for a, b in ((a, b) for place, a in enumerate(names) for b in names[place + 1 :]):
        sides = [
            Side(hashed[n], numbered(stores[n].manifest["video"]), numbered(stores[n].manifest["group"]))
            for n in (a, b)
        ]
        print(f"{a} x {b}: {len(matches_between(*sides))} pairs of videos match")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=50_000)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--data", type=Path, default=Path("data"))
    options = parser.parse_args()
    speed(options.frames, options.size)
    if options.results:
        quality(options.results, options.data)


if __name__ == "__main__":
    main()

"""Sound manifests, and small frame stores made of drawn images for tests that train on something."""

import numpy as np
import pandas as pd

from uscl.data.manifest import MANIFEST
from uscl.data.store import FrameStore


def sound_manifest(count: int, size: int = 8, **given) -> pd.DataFrame:
    """A valid manifest of the frames of one video, of square pictures; `given` are columns with other values."""
    rows = np.arange(count)
    columns = dict.fromkeys(("dataset", "video", "group", "file"), "x") | {"unit": "video"}
    columns |= {"row": rows, "frame": rows, "case": [f"x#{row}" for row in rows], "time_s": rows / 25}
    columns |= dict.fromkeys(("top", "left", "box_top", "box_left"), 0)
    columns |= dict.fromkeys(("height", "width", "box_height", "box_width"), size)
    columns |= dict.fromkeys(("mm_per_pixel", "state", "second_state"), np.nan)  # as in most real data
    columns |= dict.fromkeys(("source_sha256", "sha256"), "0" * 64)
    columns |= {"colour": 0.0} | given
    return pd.DataFrame({name: columns.get(name, "") for name in MANIFEST.columns}, index=rows)


def bright_or_dark_store(groups: int = 16, frames: int = 3, size: int = 32, seed: int = 0) -> FrameStore:
    """Groups alternate between `bright` and `dark` frames, each with a square lesion: both tasks are easy to learn."""
    rng = np.random.default_rng(seed)
    count = groups * frames
    group = np.repeat(np.arange(groups), frames)
    images = rng.integers(0, 60, (count, size, size), dtype=np.uint8)
    images[group % 2 == 1] += 40
    masks = np.zeros_like(images)
    for image, mask in zip(images, masks, strict=True):
        top, left = rng.integers(2, size // 2, 2)
        mask[top : top + size // 3, left : left + size // 3] = 1
        image[mask == 1] += 140
    manifest = sound_manifest(
        count,
        size,
        case=[f"v{g}#{f}" for g in range(groups) for f in range(frames)],
        video=[f"v{g}" for g in group],
        patient=[f"{g}" for g in group],
        group=[f"p{g}" for g in group],
        unit="patient",
        frame=np.tile(np.arange(frames), groups),
        label=np.where(group % 2 == 1, "bright", "dark"),
    )
    return FrameStore(images, masks, manifest)

"""A frame store of drawn videos: smooth random patterns that drift, so that frames of a video resemble each other."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn import functional as F

from uscl.data.store import FrameStore, mapped_array


def drawn_store(folder: Path, size: int, videos: int = 64, frames: int = 20) -> FrameStore:
    """`videos` videos of `frames` frames of `size` pixels, written to `folder` and mapped into memory from there."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand((videos, 1, 8, 8), generator=generator)
    pattern = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False).clamp(0, 1)
    moved = torch.stack([pattern[:, 0].roll(shift, dims=2) for shift in range(frames)], dim=1)
    noisy = (moved + 0.05 * torch.randn(moved.shape, generator=generator)).clamp(0, 1)
    np.save(folder / "frames.npy", (255 * noisy).byte().flatten(0, 1).numpy())
    manifest = pd.DataFrame(
        {"video": np.repeat(np.arange(videos), frames), "frame": np.tile(np.arange(frames), videos)}
    )
    return FrameStore(mapped_array(folder / "frames.npy"), None, manifest)

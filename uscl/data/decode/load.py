"""Hash, decode and scale one source file, or give the reason why that fails."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uscl.data.decode.clip import read_source, source_sha256
from uscl.data.decode.grey_levels import level_remark
from uscl.data.decode.video import BadMedia, Clip
from uscl.data.source import Source


class Sampling(NamedTuple):
    """Side of the frames in pixels, frames per second (None: all), maximum frames per video (None: all)."""

    size: int
    rate_hz: float | None
    max_frames: int | None


class Loaded(NamedTuple):
    """One source file that was read: its clip, the masks [n, size, size] of its frames, hashes of file and frames."""

    source: Source
    clip: Clip
    masks: NDArray[np.uint8]
    source_sha256: str
    sha256: list[str]


class Rejected(NamedTuple):
    """One source file that could not be used."""

    source: Source
    reason: str


def load(root: Path, sampling: Sampling, source: Source) -> Loaded | Rejected:
    """Hash, decode and scale one source, with its masks."""
    try:
        digest = source_sha256(root, source)  # the disk is read once: the decoder finds the file in the system's cache
        clip, masks = read_source(root, source, *sampling)
    except BadMedia as error:
        return Rejected(source, str(error))
    except OSError as error:
        return Rejected(source, f"cannot be read: {error.strerror or type(error).__name__}")
    except MemoryError:
        return Rejected(source, "decoding it takes more memory than is available")
    clip = clip._replace(note="; ".join(filter(None, (clip.note, level_remark(clip)))))
    return Loaded(source, clip, masks, digest, [hashlib.sha256(frame).hexdigest() for frame in clip.frames])

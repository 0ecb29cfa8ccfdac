"""Hash, decode and scale one source file, or give the reason why that fails."""

import hashlib
import math
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


def read_part(root: Path, source: Source, sampling: Sampling) -> tuple[Clip, NDArray[np.uint8]]:
    """The frames of a source, or of the part of it that is used, and their masks. Raises BadMedia, OSError."""
    if source.start_s == 0 and source.end_s == math.inf:
        return read_source(root, source, *sampling)
    clip, masks = read_source(root, source, sampling.size, sampling.rate_hz, None)
    inside = np.flatnonzero((source.start_s <= clip.time_s) & (clip.time_s < source.end_s))[: sampling.max_frames]
    if not len(inside):
        raise BadMedia(
            f"has no frame from {source.start_s:g} s to before {source.end_s:g} s: its last is at {clip.time_s[-1]:g} s"
        )
    arrays = {name: getattr(clip, name)[inside] for name in ("frames", "number", "time_s", "picture")}
    colour = tuple(clip.colour[place] for place in inside) if len(clip.colour) else clip.colour
    return clip._replace(**arrays, colour=colour), masks[inside]


def load(root: Path, sampling: Sampling, source: Source) -> Loaded | Rejected:
    """Hash, decode and scale one source, with its masks."""
    try:
        digest = source_sha256(root, source)  # the disk is read once: the decoder finds the file in the system's cache
        clip, masks = read_part(root, source, sampling)
    except BadMedia as error:
        return Rejected(source, str(error))
    except OSError as error:
        return Rejected(source, f"cannot be read: {error.strerror or type(error).__name__}")
    except MemoryError:
        return Rejected(source, "decoding it takes more memory than is available")
    clip = clip._replace(note="; ".join(filter(None, (clip.note, level_remark(clip)))))
    return Loaded(source, clip, masks, digest, [hashlib.sha256(frame).hexdigest() for frame in clip.frames])

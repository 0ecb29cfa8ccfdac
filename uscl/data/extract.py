"""From the files of a data set to a frame store: decode, scale, hash, write, name each bad file."""

import hashlib
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.data import readers
from uscl.data.image import fit_image, read_image, read_masks
from uscl.data.manifest import MANIFEST, PROBLEMS, write_table
from uscl.data.parallel import in_order
from uscl.data.readers import Problem, Source, Sources
from uscl.data.store import ArrayWriter, new_array
from uscl.data.video import BadMedia, Clip, decode
from uscl.errors import UserError
from uscl.progress import shown

LOOK_AHEAD = 2  # files per worker that wait, decoded, for the writer: the bound on memory

log = logging.getLogger(__name__)


class Sampling(NamedTuple):
    """Side of the frames in pixels, frames per second (None: all), most frames of a video (None: all)."""

    size: int
    rate_hz: float | None
    max_frames: int | None


class Loaded(NamedTuple):
    """One source file, read: its clip, the masks [n, size, size] of its frames, hashes of file and frames."""

    source: Source
    clip: Clip
    masks: NDArray[np.uint8]
    source_sha256: str
    sha256: list[str]


class Rejected(NamedTuple):
    """One source file that could not be used."""

    source: Source
    reason: str


def extract(
    dataset: str,
    reader: str,
    root: Path,
    out: Path,
    *,
    size: int,
    rate_hz: float | None,
    max_frames: int | None,
    on_bad_video: str,
    workers: int,
) -> None:
    """Writes out/frames.npy, out/masks.npy (no rows where the set has no masks), out/manifest.csv and out/problems.csv.

    The result does not depend on the number of workers (threads: the decoder runs outside Python's lock, and
    two were as fast as two processes). Raises UserError: unknown reader, wrong folder, no frame left, or,
    where on_bad_video is "stop", the first bad file; where it is "skip", bad files go to problems.csv.
    """
    _check(size, rate_hz, max_frames, on_bad_video, workers)
    found = readers.reader(reader)(root)
    problems = [Problem(*row) for row in found.problems.itertuples(index=False)]
    for problem in problems:
        _warn(dataset, problem)
        if on_bad_video == "stop" and problem.action == "set aside":
            raise UserError(_stopping(root / problem.file, problem.reason))
    out.mkdir(parents=True, exist_ok=True)
    tables: list[pd.DataFrame] = []
    with ThreadPoolExecutor(workers) as pool, _arrays(out, size) as (frames, masks):
        files = [Source(*row) for row in found.files.itertuples(index=False)]
        masked = any(source.masks for source in files)
        read = partial(load, root, Sampling(size, rate_hz, max_frames))
        for result in shown(in_order(pool, read, files, workers * LOOK_AHEAD), len(files), dataset):
            problems += _remarks(result, dataset, root, stop=on_bad_video == "stop")
            if isinstance(result, Loaded):
                frames.append(result.clip.frames)
                if masked:
                    masks.append(result.masks)
                tables.append(_rows(dataset, result))
        if not tables:
            raise UserError(f"no usable video or image is left in {root}: the log names each file's problem")
    _write_tables(out, dataset, tables, problems, found)


def load(root: Path, sampling: Sampling, source: Source) -> Loaded | Rejected:
    """Hashes, decodes and scales one file, with its masks."""
    path, size = root / source.file, sampling.size
    try:
        with path.open("rb") as file:  # read once from the disk: the decoder finds it in the system's cache
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if source.kind == "image":
            image = read_image(path)
            clip = Clip(fit_image(image, size)[None], np.zeros(1, np.int64), np.zeros(1), "")
            masks = read_masks([root / mask for mask in source.masks], image.shape, size)[None]
        else:
            clip = decode(path, *sampling)
            masks = np.zeros_like(clip.frames)
    except BadMedia as error:
        return Rejected(source, str(error))
    except OSError as error:
        return Rejected(source, f"cannot be read: {error.strerror}")
    return Loaded(source, clip, masks, digest, [hashlib.sha256(frame).hexdigest() for frame in clip.frames])


def _check(size: int, rate_hz: float | None, max_frames: int | None, on_bad_video: str, workers: int) -> None:
    least = {"size": size, "rate_hz": rate_hz, "max_frames": max_frames, "workers": workers}
    for name, value in least.items():
        if value is not None and not value > 0:
            raise UserError(f"extraction: {name} is {value}; it must be above 0")
    if on_bad_video not in ("stop", "skip"):
        raise UserError(f"extraction: on_bad_video is {on_bad_video!r}; it must be stop or skip")


@contextmanager
def _arrays(out: Path, size: int) -> Iterator[tuple[ArrayWriter, ArrayWriter]]:
    """Writers of frames.npy and masks.npy; both appear when the block ends well."""
    with new_array(out / "frames.npy", size) as frames, new_array(out / "masks.npy", size) as masks:
        yield frames, masks
        (out / "manifest.csv").unlink(missing_ok=True)  # never an old manifest with new frames


def _remarks(result: Loaded | Rejected, dataset: str, root: Path, stop: bool) -> list[Problem]:
    """What is to be said of a file. Raises UserError for a bad file where bad files are to stop the run."""
    file = result.source.file
    if isinstance(result, Loaded):
        remarks = [Problem(file, "kept", result.clip.note)] if result.clip.note else []
    elif stop:
        raise UserError(_stopping(root / file, result.reason))
    else:
        remarks = [Problem(file, "set aside", result.reason)]
    for remark in remarks:
        _warn(dataset, remark)
    return remarks


def _stopping(path: Path, reason: str) -> str:
    return f"{path} cannot be used: {reason}; replace it, or set on_bad_video: skip"


def _warn(dataset: str, problem: Problem) -> None:
    log.warning("%s: %s %s: %s", dataset, problem.action, problem.file, problem.reason)


def _rows(dataset: str, loaded: Loaded) -> pd.DataFrame:
    """The manifest rows of one file, but for their position and the simulator's truth."""
    source, numbers = loaded.source, loaded.clip.number
    image = source.kind == "image"
    return pd.DataFrame(
        {
            "case": [source.video if image else f"{source.video}#{number}" for number in numbers],
            "dataset": dataset,
            "video": source.video,
            "group": source.group,
            "label": source.label,
            "frame": numbers,
            "time_s": loaded.clip.time_s.round(6),
            "file": source.file,
            "source_sha256": loaded.source_sha256,
            "sha256": loaded.sha256,
        }
    )


def _write_tables(out: Path, dataset: str, tables: list[pd.DataFrame], problems: list[Problem], found: Sources) -> None:
    """problems.csv, and last of all manifest.csv, which makes the store complete."""
    remarks = pd.DataFrame(sorted(problems), columns=list(Problem._fields), dtype="str")
    remarks.insert(0, "dataset", pd.Series(dataset, index=remarks.index, dtype="str"))
    write_table(remarks, PROBLEMS, out / "problems.csv")
    manifest = pd.concat(tables, ignore_index=True)
    manifest.insert(0, "row", np.arange(len(manifest)))
    if found.truth is None:
        manifest = manifest.assign(organ="", event="")
    else:
        manifest = manifest.merge(found.truth, on=["file", "frame"], how="left", validate="many_to_one")
        manifest = manifest.fillna({"organ": "", "event": ""})
    write_table(manifest, MANIFEST, out / "manifest.csv")
    log.info("%s: %d frames of %d files", dataset, len(manifest), len(tables))

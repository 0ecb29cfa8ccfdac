"""Turn the files of a data set into a frame store: decode, scale, hash, write, and name each bad file."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.progress import shown
from uscl.base.text import counted
from uscl.data import readers
from uscl.data.decode.colour import DOPPLER
from uscl.data.decode.in_order import in_order
from uscl.data.decode.load import Loaded, Rejected, Sampling
from uscl.data.decode.pool import Decoders
from uscl.data.expected_counts import check_counts
from uscl.data.manifest import MANIFEST, MANIFEST_FILE, OLD_FILE, PROBLEMS, write_manifest, write_table
from uscl.data.native_masks import write_native_masks
from uscl.data.picture_box import Box, picture_box
from uscl.data.readers.shared.listing import Problem, Sources
from uscl.data.regions import with_crops, without_excluded
from uscl.data.remarks import Remarks, one_verdict
from uscl.data.source import Source
from uscl.data.store import ArrayWriter, new_array

TURNED_GREY = "turned grey (`doppler: leave_out` leaves them out)"
LOOK_AHEAD = 2  # decoded files per worker that wait for the writer; this bounds the memory

log = logging.getLogger(__name__)

Columns = dict[str, list[Any]]


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
    options: Mapping[str, Any] | None = None,
    expected: Mapping[str, Any] | None = None,
    exclude: Sequence[str] | str | None = None,
    crop: Sequence[float] | str | None = None,
    doppler: str = "keep",
) -> None:
    """Write the frame store `out` (uscl.data.store) and out/problems.csv.

    The result does not depend on the number of workers, each a separate process (uscl.data.decode.pool). Raises
    UserError: unknown reader, wrong folder, impossible sampling, no frame left, a killed decoder, or, if on_bad_video
    is "stop", the first bad file; if it is "skip", bad files are listed in problems.csv.
    `options` are the reader's own (for a user's own data), `expected` the counts that a public set must have. `exclude`
    and `crop` are those of uscl.data.regions; `doppler` is "leave_out" to leave out frames with colour Doppler.
    """
    sampling, stop = Sampling(size, rate_hz, max_frames), on_bad_video == "stop"
    if any(value is not None and value <= 0 for value in sampling) or on_bad_video not in ("stop", "skip"):
        raise UserError(f"{sampling} must be above 0, and on_bad_video={on_bad_video!r} must be stop or skip.")
    found = readers.reader(reader)(root, **(options or {}))
    if expected:
        check_counts(dataset, root, found, expected)
    found = with_crops(root, without_excluded(root, found, exclude), crop)
    files = [Source(*row) for row in found.files.itertuples(index=False)]
    remarks = Remarks(dataset, root, stop=stop)
    try:
        remarks.add(Problem(*row) for row in found.problems.itertuples(index=False))
        parts, flow = write_frames(root, out, files, sampling, workers, doppler == "leave_out", remarks)
    finally:
        remarks.log()
    write_tables(out, dataset, parts, one_verdict(remarks.found + flow), found)


def write_frames(
    root: Path, out: Path, files: list[Source], sampling: Sampling, workers: int, grey_only: bool, remarks: Remarks
) -> tuple[list[Columns], list[Problem]]:
    """Write the arrays and masks; returns the manifest's columns for each usable file, and the files with Doppler.

    Adds other problems to `remarks`.
    """
    parts: list[Columns] = []
    flow: list[tuple[str, int, int]] = []
    empty: list[str] = []
    native: list[bytes] = []
    masked = any(source.masks for source in files)
    with (
        ThreadPoolExecutor(workers) as pool,  # its threads only wait for the decoders, which are processes
        Decoders(root, sampling) as decoders,
        store_arrays(out, sampling.size) as (frames, masks),
    ):
        results = in_order(pool, decoders.load, files, workers * LOOK_AHEAD)
        for result in shown(results, len(files), remarks.dataset):
            remarks.add(problems_of(result))
            if isinstance(result, Rejected):
                continue
            if count := doppler_frames(result):
                flow.append((result.source.file, count, len(result.clip.frames)))
            kept = without_doppler(result) if count and grey_only else result
            if not len(kept.clip.frames):
                continue
            frames.append(kept.clip.frames)
            if masked:
                masks.append(kept.masks)
                empty += [kept.source.file] if not kept.masks.any() else []
            native += [kept.clip.source_mask] * len(kept.clip.frames)
            parts.append(manifest_columns(remarks.dataset, kept))
        if not parts:
            lost = [problem for problem in remarks.found if problem.action == "set aside"]
            lost += doppler_problems(flow, grey_only)
            first = f" ({lost[0].file}: {lost[0].reason})" if lost else ""
            raise UserError(f"No usable video or image is left in {root}{first}: the log names each file's problem.")
        write_native_masks(out, native)
    warn_of(remarks.dataset, len(parts), empty, flow, grey_only)
    return parts, doppler_problems(flow, grey_only)


@contextmanager
def store_arrays(out: Path, size: int) -> Iterator[tuple[ArrayWriter, ArrayWriter]]:
    """Writers of frames.npy and masks.npy; both files appear only if the block succeeds."""
    with new_array(out / "frames.npy", size) as frames, new_array(out / "masks.npy", size) as masks:
        yield frames, masks
        for name in (MANIFEST_FILE, OLD_FILE):
            (out / name).unlink(missing_ok=True)  # never an old manifest with new frames


def problems_of(result: Loaded | Rejected) -> list[Problem]:
    """The problem of a file that was read or rejected, if there is one."""
    if isinstance(result, Rejected):
        return [Problem(result.source.file, "set aside", result.reason)]
    return [Problem(result.source.file, "kept", result.clip.note)] if result.clip.note else []


def doppler_frames(loaded: Loaded) -> int:
    """The number of frames with colour Doppler."""
    return sum(share >= DOPPLER for share in loaded.clip.colour)


def doppler_problems(flow: Sequence[tuple[str, int, int]], grey_only: bool) -> list[Problem]:
    """The problem of each file with colour Doppler, with how many of its frames have it."""
    end = "left out" if grey_only else TURNED_GREY
    return [
        Problem(
            file,
            "left out" if grey_only and count == frames else "kept",
            f"{count} of {frames} frames show colour Doppler: {end}",
        )
        for file, count, frames in flow
    ]


def warn_of(
    dataset: str, files: int, empty: Sequence[str], flow: Sequence[tuple[str, int, int]], grey_only: bool
) -> None:
    """Warn of empty masks and of colour Doppler, each in one line."""
    if empty:
        log.warning(
            "%s: %d of %d images have an empty mask, such as %s: a segmentation task leaves them out",
            *(dataset, len(empty), files, empty[0]),
        )
    if flow:
        frames = counted(sum(count for _, count, _ in flow), "frame")
        places = f"in {counted(len(flow), 'file')}, such as {flow[0][0]}"
        log.warning(
            "%s: %s with colour Doppler %s: %s", dataset, frames, places, "left out" if grey_only else TURNED_GREY
        )


def without_doppler(loaded: Loaded) -> Loaded:
    """A file without its frames with colour Doppler; perhaps none is left."""
    keep = np.array(loaded.clip.colour) < DOPPLER
    clip = loaded.clip
    arrays = {name: getattr(clip, name)[keep] for name in ("frames", "number", "time_s", "picture")}
    colour = [share for share in clip.colour if share < DOPPLER]
    hashes = [digest for digest, kept in zip(loaded.sha256, keep, strict=True) if kept]
    return loaded._replace(clip=clip._replace(**arrays, colour=colour), masks=loaded.masks[keep], sha256=hashes)


def manifest_columns(dataset: str, loaded: Loaded) -> Columns:
    """The manifest's columns for the frames of one file, without their position and the simulator's truth."""
    source, clip, numbers = loaded.source, loaded.clip, loaded.clip.number.tolist()
    image = source.kind == "image"
    pictures = [Box(*picture) for picture in clip.picture.tolist()]
    boxes = [picture_box(picture.height, picture.width, clip.frames.shape[1]) for picture in pictures]
    of_file = {
        "dataset": dataset,
        "video": source.video,
        "patient": source.patient,
        "group": source.group,
        "unit": source.unit,
        "label": source.label,
        "part": source.part,
        "source": source.origin,
        "mm_per_pixel": clip.mm_per_pixel if np.isnan(source.mm_per_pixel) else source.mm_per_pixel,
        "file": source.file,
        "source_sha256": loaded.source_sha256,
    }
    return {
        "case": [source.video if image else f"{source.video}#{number}" for number in numbers],
        "frame": numbers,
        "time_s": clip.time_s.round(6).tolist(),
        **{side: [getattr(picture, side) for picture in pictures] for side in Box._fields},
        "colour": list(clip.colour) or [0.0] * len(numbers),
        **{f"box_{side}": [getattr(box, side) for box in boxes] for side in Box._fields},
        "sha256": list(loaded.sha256),
        **{name: [value] * len(numbers) for name, value in of_file.items()},
    }


def write_tables(out: Path, dataset: str, parts: list[Columns], problems: list[Problem], found: Sources) -> None:
    """Write problems.csv, and finally the manifest, which makes the store complete."""
    remarks = pd.DataFrame(problems, columns=list(Problem._fields), dtype="str")
    remarks.insert(0, "dataset", pd.Series(dataset, index=remarks.index, dtype="str"))
    write_table(remarks, PROBLEMS, out / "problems.csv")
    # One table of all files: a table per file would take longer to build than its frames to decode.
    manifest = pd.DataFrame({name: list(chain.from_iterable(part[name] for part in parts)) for name in parts[0]})
    manifest.insert(0, "row", np.arange(len(manifest)))
    if found.truth is None:
        manifest = manifest.assign(organ="", event="", state=np.nan, second_state=np.nan)
    else:
        manifest = manifest.merge(found.truth, on=["file", "frame"], how="left", validate="many_to_one")
        manifest = manifest.fillna({"organ": "", "event": ""})
    write_manifest(manifest[list(MANIFEST.columns)], out)
    log.info("%s: %d frames of %d files", dataset, len(manifest), len(parts))

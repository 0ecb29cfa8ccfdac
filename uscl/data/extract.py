"""Turn the files of a data set into a frame store: decode, scale, hash, write, and name each bad file."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.progress import shown
from uscl.data import readers
from uscl.data.decode.colour import DOPPLER
from uscl.data.decode.in_order import in_order
from uscl.data.decode.load import Loaded, Rejected, Sampling
from uscl.data.decode.pool import Decoders
from uscl.data.expected_counts import check_counts
from uscl.data.manifest import MANIFEST_FILE, OLD_FILE, PROBLEMS, write_manifest, write_table
from uscl.data.picture_box import Box, picture_box
from uscl.data.readers.shared.listing import Problem, Sources
from uscl.data.regions import with_crops, without_excluded
from uscl.data.source import Source
from uscl.data.store import ArrayWriter, new_array

ACTIONS = ("set aside", "left out", "kept")  # the most serious first
LOOK_AHEAD = 2  # decoded files per worker that wait for the writer; this bounds the memory

log = logging.getLogger(__name__)


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
    problems = [Problem(*row) for row in found.problems.itertuples(index=False)]
    for problem in problems:
        report(dataset, root, problem, stop)
    files = [Source(*row) for row in found.files.itertuples(index=False)]
    tables, remarks = write_frames(dataset, root, out, files, sampling, stop, workers, doppler == "leave_out")
    write_tables(out, dataset, tables, one_verdict(problems + remarks), found)


def report(dataset: str, root: Path, problem: Problem, stop: bool) -> None:
    """Log a problem. With `stop`, raises UserError for a file that is set aside."""
    if stop and problem.action == "set aside":
        path = root / problem.file
        raise UserError(f"{path} cannot be used: {problem.reason}. Replace it, or set on_bad_video: skip.")
    level = logging.INFO if problem.action == "left out" else logging.WARNING
    log.log(level, "%s: %s %s: %s", dataset, problem.action, problem.file, problem.reason)


def write_frames(
    dataset: str,
    root: Path,
    out: Path,
    files: list[Source],
    sampling: Sampling,
    stop: bool,
    workers: int,
    grey_only: bool,
) -> tuple[list[pd.DataFrame], list[Problem]]:
    """Write frames.npy and masks.npy; returns the manifest rows of all usable files, and the problems."""
    tables: list[pd.DataFrame] = []
    problems: list[Problem] = []
    masked = any(source.masks for source in files)
    empty: list[str] = []
    with (
        ThreadPoolExecutor(workers) as pool,  # its threads only wait for the decoders, which are processes
        Decoders(root, sampling) as decoders,
        store_arrays(out, sampling.size) as (frames, masks),
    ):
        results = in_order(pool, decoders.load, files, workers * LOOK_AHEAD)
        for given in shown(results, len(files), dataset):
            result = without_doppler(given) if grey_only and isinstance(given, Loaded) else given
            for problem in problems_of(given, grey_only):
                report(dataset, root, problem, stop)
                problems.append(problem)
            if isinstance(result, Loaded) and len(result.clip.frames):
                frames.append(result.clip.frames)
                if masked:
                    masks.append(result.masks)
                    empty += [result.source.file] if result.source.masks and not result.masks.any() else []
                tables.append(manifest_rows(dataset, result))
        if not tables:
            first = f" ({problems[0].file}: {problems[0].reason})" if problems else ""
            raise UserError(f"No usable video or image is left in {root}{first}: the log names each file's problem.")
    if empty:
        log.warning("%s: %d of %d images have an empty mask, such as %s", dataset, len(empty), len(tables), empty[0])
    return tables, problems


@contextmanager
def store_arrays(out: Path, size: int) -> Iterator[tuple[ArrayWriter, ArrayWriter]]:
    """Writers of frames.npy and masks.npy; both files appear only if the block succeeds."""
    with new_array(out / "frames.npy", size) as frames, new_array(out / "masks.npy", size) as masks:
        yield frames, masks
        for name in (MANIFEST_FILE, OLD_FILE):
            (out / name).unlink(missing_ok=True)  # never an old manifest with new frames


def problems_of(result: Loaded | Rejected, grey_only: bool) -> list[Problem]:
    """The problems of a file that was read; `grey_only`: its frames with colour Doppler are left out."""
    if isinstance(result, Rejected):
        return [Problem(result.source.file, "set aside", result.reason)]
    file, clip = result.source.file, result.clip
    problems = [Problem(file, "kept", clip.note)] if clip.note else []
    if count := sum(share >= DOPPLER for share in clip.colour):
        end = "left out" if grey_only else "turned grey (`doppler: leave_out` leaves them out)"
        reason = f"{count} of {len(clip.frames)} frames show colour Doppler: {end}"
        problems.append(Problem(file, "left out" if grey_only and count == len(clip.frames) else "kept", reason))
    return problems


def without_doppler(loaded: Loaded) -> Loaded:
    """A file without its frames with colour Doppler; perhaps none is left."""
    keep = np.array([share < DOPPLER for share in loaded.clip.colour] or np.ones(len(loaded.clip.frames)), bool)
    clip = loaded.clip
    arrays = {name: getattr(clip, name)[keep] for name in ("frames", "number", "time_s", "picture")}
    colour = [share for share in clip.colour if share < DOPPLER]
    hashes = [digest for digest, kept in zip(loaded.sha256, keep, strict=True) if kept]
    return loaded._replace(clip=clip._replace(**arrays, colour=colour), masks=loaded.masks[keep], sha256=hashes)


def one_verdict(problems: list[Problem]) -> list[Problem]:
    """One problem per file, sorted: its most serious action, with all reasons for that action."""
    by_file: dict[str, list[Problem]] = {}
    for problem in problems:
        by_file.setdefault(problem.file, []).append(problem)
    verdicts = []
    for file, found in by_file.items():
        action = min((problem.action for problem in found), key=ACTIONS.index)
        verdicts.append(Problem(file, action, "; ".join(p.reason for p in found if p.action == action)))
    return sorted(verdicts)


def manifest_rows(dataset: str, loaded: Loaded) -> pd.DataFrame:
    """The manifest rows of one file, without their position and the simulator's truth."""
    source, clip, numbers = loaded.source, loaded.clip, loaded.clip.number
    image = source.kind == "image"
    pictures = [Box(*picture) for picture in clip.picture.tolist()]
    boxes = [picture_box(picture.height, picture.width, clip.frames.shape[1]) for picture in pictures]
    return pd.DataFrame(
        {
            "case": [source.video if image else f"{source.video}#{number}" for number in numbers],
            "dataset": dataset,
            "video": source.video,
            "patient": source.patient,
            "group": source.group,
            "unit": source.unit,
            "label": source.label,
            "part": source.part,
            "source": source.origin,
            "frame": numbers,
            "time_s": clip.time_s.round(6),
            **{side: [getattr(picture, side) for picture in pictures] for side in Box._fields},
            "mm_per_pixel": clip.mm_per_pixel if np.isnan(source.mm_per_pixel) else source.mm_per_pixel,
            "colour": clip.colour or 0.0,
            **{f"box_{side}": [getattr(box, side) for box in boxes] for side in Box._fields},
            "file": source.file,
            "source_sha256": loaded.source_sha256,
            "sha256": loaded.sha256,
        }
    )


def write_tables(out: Path, dataset: str, tables: list[pd.DataFrame], problems: list[Problem], found: Sources) -> None:
    """Write problems.csv, and finally the manifest, which makes the store complete."""
    remarks = pd.DataFrame(problems, columns=list(Problem._fields), dtype="str")
    remarks.insert(0, "dataset", pd.Series(dataset, index=remarks.index, dtype="str"))
    write_table(remarks, PROBLEMS, out / "problems.csv")
    manifest = pd.concat(tables, ignore_index=True)
    manifest.insert(0, "row", np.arange(len(manifest)))
    if found.truth is None:
        manifest = manifest.assign(organ="", event="", state=np.nan, second_state=np.nan)
    else:
        manifest = manifest.merge(found.truth, on=["file", "frame"], how="left", validate="many_to_one")
        manifest = manifest.fillna({"organ": "", "event": ""})
    write_manifest(manifest, out)
    log.info("%s: %d frames of %d files", dataset, len(manifest), len(tables))

"""Pictures to predict: files and folders, read as the readers and decoders of a study read them."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from uscl.base.errors import UserError
from uscl.data.decode.colour import DOPPLER
from uscl.data.decode.in_order import in_order
from uscl.data.decode.load import Loaded, Rejected, Sampling
from uscl.data.decode.pool import Decoders
from uscl.data.manifest import MANIFEST_FILE
from uscl.data.picture_box import Box, boxes_of, picture_box
from uscl.data.readers.video_folder import read as read_folder
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, has_ending, kind_of
from uscl.data.store import FrameStore
from uscl.evaluate.features import BATCH

MOST_WORKERS = 4
FILES_PER_WORKER = 500  # a decoder takes as long to start as it takes to decode so many small images
LOOK_AHEAD = 8  # decoded files per worker that wait for the model


class Picture(NamedTuple):
    """One frame to predict: its grey levels [size, size], where its picture lies in it, and where it comes from.

    `case` is its name as a study's manifest writes it; height and width are those of the picture in its source.
    """

    frame: NDArray[np.uint8]
    box: Box
    case: str
    file: str
    number: int
    time_s: float
    height: int
    width: int
    colour: bool


class Problem(NamedTuple):
    """A file that was not read, with the reason."""

    file: str
    reason: str


class Listed(NamedTuple):
    """What a path holds: sources below a folder, or a frame store; `named` if the path itself is the one source."""

    root: Path
    sources: list[Source]
    store: FrameStore | None = None
    named: bool = False


def listed(paths: Sequence[Path]) -> tuple[list[Listed], list[Problem]]:
    """What the paths hold, and the media below them that can't be read. Raises UserError for a path without media.

    The name of a video is its path within its folder; if there are several paths, with the path in front.
    """
    found, problems = [], []
    for path in paths:
        front = "" if len(paths) == 1 else f"{path.as_posix()}/"
        if not path.exists():
            raise UserError(f"There is no {path}: name an image, a video, a DICOM file, or a folder of these.")
        if path.is_file():
            found.append(Listed(path.parent, [single(path, front and path.as_posix())], named=True))
        elif (path / MANIFEST_FILE).is_file():
            found.append(Listed(path, [], FrameStore.open(path)))
        else:
            content = read_folder(path)
            sources = [Source(*row) for row in content.files.itertuples(index=False)]
            found.append(Listed(path, [one._replace(video=f"{front}{one.video}") for one in sources]))
            lost = content.problems[content.problems["action"] == "set aside"]
            problems += [Problem(f"{front}{row.file}", row.reason) for row in lost.itertuples()]
    return found, problems


def single(path: Path, name: str) -> Source:
    """The source of one file. Raises UserError if its name says that it is something else than a picture."""
    if has_ending(path.name) and path.suffix.lower() not in (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES):
        raise UserError(f"{path} is no image, video or DICOM file: its ending {path.suffix} is none of these.")
    return Source(name or path.name, path.name, kind_of(path), group="", label="")


def count(found: Iterable[Listed]) -> int:
    """The number of files, or of stored frames."""
    return sum(len(one.sources) if one.store is None else len(one.store.frames) for one in found)


def pictures(
    found: Iterable[Listed],
    size: int,
    rate_hz: float | None,
    crop: Sequence[float],
    problems: list[Problem],
    done: Callable[[int], None],
) -> Iterator[Picture]:
    """All frames, file by file; a file below a folder that can't be read is added to `problems`.

    `done` gets the number of files, or of stored frames, that were finished since the last time. Raises UserError for a
    path that can't be read itself, or for a store of frames of another size.
    """
    for one in found:
        if one.store is not None:
            yield from stored(one, size, done)
            continue
        cropped = [source._replace(crop=tuple(crop)) for source in one.sources]
        workers = min(MOST_WORKERS, os.cpu_count() or 1, 1 + len(cropped) // FILES_PER_WORKER)
        with ThreadPoolExecutor(workers) as pool, Decoders(one.root, Sampling(size, rate_hz, None)) as decoders:
            for result in in_order(pool, decoders.load, cropped, workers * LOOK_AHEAD):
                if isinstance(result, Rejected):
                    if one.named:
                        raise UserError(f"{one.root / result.source.file} can't be used: {result.reason}.")
                    problems.append(Problem(result.source.video, result.reason))
                else:
                    yield from of_file(result)
                done(1)


def batches(source: Iterator[Picture]) -> Iterator[tuple[list[Picture], NDArray[np.uint8]]]:
    """Pictures in batches as large as those of a study's features, with their frames, [batch, size, size]."""
    while batch := list(itertools.islice(source, BATCH)):
        yield batch, np.stack([picture.frame for picture in batch])


def nothing_read(problems: Sequence[Problem]) -> UserError:
    """The error if no picture at all could be read."""
    first = f" ({problems[0].file}: {problems[0].reason})" if problems else ""
    return UserError(f"No picture could be read{first}.")


def of_file(loaded: Loaded) -> Iterator[Picture]:
    """The frames of a file."""
    source, clip = loaded.source, loaded.clip
    for place, frame in enumerate(clip.frames):
        _, _, height, width = map(int, clip.picture[place])
        number = int(clip.number[place])
        yield Picture(
            frame,
            picture_box(height, width, frame.shape[0]),
            source.video if source.kind == "image" else f"{source.video}#{number}",
            source.video,
            number,
            round(float(clip.time_s[place]), 6),
            height,
            width,
            bool(clip.colour) and clip.colour[place] >= DOPPLER,
        )


def stored(listed: Listed, size: int, done: Callable[[int], None]) -> Iterator[Picture]:
    """The frames of a store. Raises UserError if they have another size."""
    store = listed.store
    assert store is not None
    if store.frames.shape[1] != size:
        raise UserError(
            f"{listed.root} holds frames of {store.frames.shape[1]} px, but the model takes {size} px: name the folder"
            " of the source files."
        )
    rows = store.manifest.itertuples(index=False)
    for frame, box, row in zip(store.frames, boxes_of(store.manifest), rows, strict=True):
        yield Picture(
            *(np.array(frame), box, row.case, row.video, row.frame, row.time_s, row.height, row.width),
            row.colour >= DOPPLER,
        )
        done(1)

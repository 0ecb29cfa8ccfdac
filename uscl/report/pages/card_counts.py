"""The counts of a data card: files, groups and frames before and after each filter, classes, and source sizes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import av
import pandas as pd
import PIL
import PIL.Image
import pydicom

from uscl.base.text import counted
from uscl.data.content import content
from uscl.data.decode.colour import DOPPLER
from uscl.data.decode.film import film_of
from uscl.data.remarks import shape
from uscl.data.source import DICOM_SUFFIXES, IMAGE_SUFFIXES


class Step(NamedTuple):
    """A line of the table of counts: what a filter keeps or removes; None if it is unknown."""

    what: str
    files: int | None
    groups: int | None
    frames: int | None


class Use(NamedTuple):
    """What a task, or pretraining, takes of a set: the manifest's rows before the audit, and what the others lack."""

    rows: pd.DataFrame
    lacking: str  # "" if it takes all rows


def steps(manifest: pd.DataFrame, problems: pd.DataFrame, units: pd.DataFrame, uses: Mapping[str, Use]) -> list[Step]:
    """From the files in the folder to the cases of each task, filter by filter; totals are sums of the lines above.

    All tables belong to one data set. A file here is a video (a folder of frames, a class of a pickled fold) or an
    image; masks count with their image.
    """
    unused = {action: by_reason(problems[problems["action"] == action]) for action in ("set aside", "left out")}
    aside = {f"{action}: {reason}": names for action, found in unused.items() for reason, names in found.items()}
    files, groups, frames = sizes_of(manifest)
    lines = [Step("found, or named by a table", files + sum(map(len, aside.values())), None, None)]
    lines += [Step(reason, -len(names), None, None) for reason, names in aside.items()]
    lines.append(Step("usable", files, groups, frames))
    kept = units[units["kept"]]
    left = left_of(manifest, kept)
    if len(kept) < len(units):
        less = (len(kept) - len(units), kept["group"].nunique() - groups, len(left) - frames)
        lines.append(Step("left out by the audit", *less))
    if joined := kept["audited_group"].nunique() - kept["group"].nunique():
        lines.append(Step("groups joined by the audit", None, joined, None))
    lines.append(Step("left", *sizes_of(left)))
    return lines + [step for name, use in uses.items() for step in steps_of(name, use, left, kept)]


def steps_of(name: str, use: Use, left: pd.DataFrame, kept: pd.DataFrame) -> list[Step]:
    """What leaves a task because it lacks a label or a lesion, and what is left for it."""
    taken = left_of(use.rows, kept)
    less = [there - here for there, here in zip(sizes_of(taken), sizes_of(left), strict=True)]
    lines = [Step(f"without {use.lacking}, not for {name}", *less)] if any(less) else []
    return [*lines, Step(f"left for {name}", *sizes_of(taken))]


def left_of(rows: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """The manifest's rows whose videos were kept, with the groups that the audit gave them."""
    audited = kept.set_index("video")["audited_group"]
    left = rows[rows["video"].isin(audited.index)]
    return left.assign(group=left["video"].map(audited))


def sizes_of(rows: pd.DataFrame) -> tuple[int, int, int]:
    """Files, groups and frames of some rows of a manifest."""
    return rows["video"].nunique(), rows["group"].nunique(), len(rows)


def by_reason(problems: pd.DataFrame) -> dict[str, list[str]]:
    """Reason -> files, the most frequent first; reasons of one shape (uscl.data.remarks) are merged."""
    alike = problems["reason"].map(shape)
    found = {}
    for common, part in problems.groupby(alike):
        reason = part["reason"].iloc[0] if part["reason"].nunique() == 1 else str(common)
        found[reason] = sorted(part["file"])
    return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def still_images(manifest: pd.DataFrame) -> pd.Series:
    """Whether a row is a still image; the cases of a video are named after their frames."""
    return manifest["case"] == manifest["video"]


def expected_and_found(expected: Mapping[str, Any], manifest: pd.DataFrame) -> list[tuple[str, int, int]]:
    """What is counted, its expected and its usable number; what the registry gives no number for is left out."""
    still = still_images(manifest)
    files = manifest.drop_duplicates("video")
    found = {
        "videos": manifest.loc[~still, "video"].nunique(),
        "images": int(still.sum()),
        "groups": manifest["group"].nunique(),
        "frames": len(manifest),
    }
    lines = [(name, expected[name], count) for name, count in found.items() if expected.get(name) is not None]
    classes = expected.get("classes") or {}
    return lines + [(f"files of {label}", n, int((files["label"] == label).sum())) for label, n in classes.items()]


def class_rows(manifest: pd.DataFrame) -> list[tuple[str, int, int, int]]:
    """Label ("" last, for the unlabelled), files, groups and frames."""
    rows = [(str(label), *sizes_of(part)) for label, part in manifest.groupby("label")]
    return sorted(rows, key=lambda row: (row[0] == "", row[0]))


def doppler_counts(manifest: pd.DataFrame) -> tuple[int, int]:
    """The number of frames with colour Doppler, and that of files with such a frame."""
    flow = manifest[manifest["colour"] >= DOPPLER]
    return len(flow), flow["video"].nunique()


def spread(numbers: pd.Series) -> str:
    """Smallest, median and largest of some counts.

    >>> spread(pd.Series([3, 1, 2])), spread(pd.Series([4, 4]))
    ('1 to 3 (median 2)', '4')
    """
    low, high = numbers.min(), numbers.max()
    return f"{low}" if low == high else f"{low} to {high} (median {numbers.median():g})"


def source_sizes(manifest: pd.DataFrame, root: Path) -> pd.DataFrame:
    """Columns file, width, height in pixels: the size of each source file's frames, from its header alone.

    A folder of frames has the size of its first frame. Files without such a header (pickled folds) are left out, and so
    are files that have disappeared since they were extracted.
    """
    rows = []
    for file in sorted(manifest["file"].unique()):
        try:
            size = size_of(root / file)
        except (OSError, ValueError, av.FFmpegError, pydicom.errors.InvalidDicomError):
            size = None
        if size:
            rows.append((file, *size))
    return pd.DataFrame(rows, columns=["file", "width", "height"])


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height in pixels from the file's header, or None if it doesn't give them."""
    if path.is_dir():
        images = sorted(file for file in path.glob("[!.]*") if file.suffix.lower() in IMAGE_SUFFIXES)
        return size_of(images[0]) if images else None
    suffix = path.suffix.lower()
    if suffix in IMAGE_SUFFIXES:
        with PIL.Image.open(path) as image:
            return image.size
    if suffix == ".pkl":
        return None
    if suffix in DICOM_SUFFIXES or content(path) == "DICOM":
        # Read only these two tags: the rest of the header is about the patient.
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Rows", "Columns"])
        return (int(header.Columns), int(header.Rows)) if "Rows" in header and "Columns" in header else None
    with path.open("rb") as file, av.open(file, "r", metadata_errors="replace") as container:
        film = film_of(container)
        return (film.width, film.height) if film else None


def size_rows(sizes: pd.DataFrame, most: int = 5) -> list[tuple[str, int]]:
    """Sizes in the source and number of files, the most frequent first; sizes beyond `most` are put together."""
    counted = sizes.groupby(["width", "height"]).size().reset_index(name="files")
    counted = counted.sort_values(["files", "width", "height"], ascending=[False, True, True], kind="stable")
    rows = [(f"{row.width} x {row.height}", int(row.files)) for row in counted.itertuples()]
    if len(rows) <= most:
        return rows
    return [*rows[:most], (f"{len(rows) - most} other sizes", sum(files for _, files in rows[most:]))]


def by_source(manifest: pd.DataFrame, most: int = 20) -> pd.DataFrame:
    """Files of each source (the index) and class; sources beyond the `most` frequent are put together.

    Empty if the set names no source.
    """
    named = manifest[manifest["source"] != ""]
    if named.empty:
        return pd.DataFrame()
    files = named.drop_duplicates("video").assign(label=lambda rows: rows["label"].replace("", "unlabelled"))
    counts = pd.crosstab(files["source"], files["label"])
    order = counts.assign(total=counts.sum(axis=1)).sort_values("total", ascending=False, kind="stable").index
    counts = counts.loc[order]
    if len(counts) <= most:
        return counts
    others = counts.iloc[most:].sum().to_frame(counted(len(counts) - most, "other source")).T
    return pd.concat([counts.iloc[:most], others])

"""Is the data there, and if not, where does it come from?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uscl.checks.doctor.amounts import Amount, media_files
from uscl.checks.doctor.page_lines import Line, counted, missing, note, ok, size

SOURCES = {
    "extracted": "extracted",
    "simulated": "will be simulated",
    "expected": "expected",
    "counted": "counted by names",
}


def data_lines(
    sets: Sequence[Mapping[str, Any]],
    registry: Mapping[str, Any],
    config: Mapping[str, Any],
    amounts: Mapping[str, Amount],
) -> list[Line]:
    """A line a data set; `sets` have name, folder, exists, fetchable, how_to_get."""
    width = max((len(given["name"]) for given in sets), default=0)
    lines = []
    for given in sets:
        settings = config["datasets"][given["name"]]
        line = set_line(given, registry.get(settings.get("reader", "")), settings, amounts[given["name"]])
        lines.append(line._replace(text=f"{given['name']:{width}}  {line.text}"))
    return lines


def set_line(
    given: Mapping[str, Any], entry: Mapping[str, Any] | None, settings: Mapping[str, Any], found: Amount
) -> Line:
    """Where one data set is, or will come from, and what it holds."""
    if found.source in ("extracted", "simulated"):
        where = "" if found.source == "simulated" or not given["exists"] else f" from {given['folder']}"
        return ok(f"{SOURCES[found.source]}{where}: {holds(found)}")
    if given["exists"]:
        files = sum(media_files(Path(given["folder"])))
        if not files and settings.get("reader") != "pocus_folds":
            return missing(f"{given['folder']} holds no video and no image: mend its data_root.")
        return ok(f"{given['folder']}: {counted(files, 'media file')}{brief(found)}")
    if given["fetchable"] and entry:
        return note(f"will be fetched to {given['folder']}: {download(entry)}{brief(found)}")
    return missing(given["how_to_get"])


def holds(found: Amount) -> str:
    """What a set holds, as far as known."""
    files = counted(found.videos, "file") if found.videos is not None else "?"
    frames = counted(found.frames, "frame") if found.frames is not None else "number of frames unknown"
    masked = f", {found.lesions:,} with a mask" if found.lesions else ""
    return f"{files}, {frames}{masked}"


def brief(found: Amount) -> str:
    """What a set is expected to hold, where that adds something to a count of files."""
    return f"; expected {holds(found)}" if found.source == "expected" else ""


def download(entry: Mapping[str, Any]) -> str:
    """How much has to be downloaded."""
    sizes = [file["size"] for file in entry["files"]]
    known = sum(count for count in sizes if count)
    if not known:
        return f"{counted(len(sizes), 'archive')}, size not known"
    return f"{size(known)}" + (" and more, not all sizes are known" if None in sizes else "")

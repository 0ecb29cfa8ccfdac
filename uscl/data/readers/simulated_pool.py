"""A pool of videos for pretraining: the simulated one of the embedded study, or any folder of videos.

Source: uscl.data.simulator, which writes it in this layout; licence and counts are those of the study.
`videos/` holds the files; `videos.csv` (file, patient, organ, probe, codec, fps, frames, event) and
`frames.csv` (file, frame, organ, event) say what they show. Without these tables the videos are unlabelled.
Label: the organ. Group: the patient; a video that videos.csv does not list is a group of its own.
"""

import logging
from pathlib import Path

import pandas as pd

from uscl.data.readers import VIDEO_SUFFIXES, Problem, Source, Sources, listing, relative, require, sources
from uscl.data.readers.tables import read_table, refuse_repeats, whole_numbers

LAYOUT = "videos/*.mp4 (or avi, mov, mpeg, gif), and videos.csv and frames.csv if there are any"

log = logging.getLogger(__name__)


def read(root: Path) -> Sources:
    """List the videos with the truth about their frames, if given. Raises UserError."""
    paths, problems = listing(root, require(root, "videos", LAYOUT), VIDEO_SUFFIXES)
    if not (root / "videos.csv").exists():
        files = [Source(path.name, relative(root, path), "video", path.name, "") for path in paths]
        problems.append(Problem("videos.csv", "kept", "file missing: the videos are unlabelled, each its own group"))
    else:
        files, remarks = listed_videos(root, paths)
        problems += remarks
    return sources(files, problems, frame_truth(root / "frames.csv", [source.file for source in files]))


def listed_videos(root: Path, paths: list[Path]) -> tuple[list[Source], list[Problem]]:
    """The videos with patient and organ from videos.csv, and what does not fit."""
    table = bare_names(read_table(root / "videos.csv", ["file", "patient", "organ"]))
    refuse_repeats(root / "videos.csv", table, ["file"])
    rows = table.set_index("file").to_dict("index")
    files, problems = [], []
    for path in paths:
        row = rows.pop(path.name, None)
        if row is None:
            problems.append(own_group(root, path, "not in videos.csv: unlabelled"))
        elif not row["patient"]:
            problems.append(own_group(root, path, "no patient in videos.csv"))
        group, label = (row["patient"] or path.name, row["organ"]) if row else (path.name, "")
        files.append(Source(path.name, relative(root, path), "video", group, label))
    problems += [Problem(f"videos/{name}", "set aside", "in videos.csv, but no such file") for name in rows]
    return files, problems


def own_group(root: Path, path: Path, reason: str) -> Problem:
    """The remark on a video whose patient is unknown."""
    return Problem(relative(root, path), "kept", f"{reason}, a group of its own")


def frame_truth(path: Path, files: list[str]) -> pd.DataFrame | None:
    """What each frame of `files` shows: columns file (as in Source.file), frame, organ, event."""
    if not path.exists():
        return None
    table = bare_names(read_table(path, ["file", "frame", "organ", "event"]))[["file", "frame", "organ", "event"]]
    table["file"] = "videos/" + table["file"]
    known = table["file"].isin(files)
    log.info("%s: %d rows, %d of them of files that are not there", path, len(table), (~known).sum())
    table = table[known]
    table = table.assign(frame=whole_numbers(path, table["frame"]))
    refuse_repeats(path, table, ["file", "frame"])
    return table


def bare_names(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its files by their bare name, however they are given."""
    return table.assign(file=table["file"].str.replace(r".*/", "", regex=True))

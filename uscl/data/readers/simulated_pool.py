"""A pool of videos for pretraining: the simulated one of the embedded study, or another in its layout.

Source: uscl.simulator, which writes it in this layout; licence and counts are those of the study.
`videos/` holds the files; `videos.csv` (file, patient, organ, probe, codec, fps, frames, event) and
`frames.csv` (file, frame, organ, event and, if known, state and second_state) say what they show. A state is the share
of a frame that shows what its video begins with, a second state the share that shows what the video changes to: 0 if
there is no such column. Without these tables the videos are unlabelled.
Label: the organ. Group: the patient; a video that is missing from videos.csv, or has no patient there, is a group of
its own.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from uscl.data.readers.shared.cells import nobody, one_spelling
from uscl.data.readers.shared.listing import TRUTH, Problem, Sources, listing, relative, require, sources
from uscl.data.readers.shared.tables import labels_as_written_first, read_table, refuse_repeats, shares, whole_numbers
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, kind_of
from uscl.data.units import unit_of_file

if TYPE_CHECKING:
    import pandas as pd

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = False
SIMULATES = "pool"

LAYOUT = "videos/*.mp4 (or avi, mov, mpeg, gif), and videos.csv and frames.csv if they exist"

log = logging.getLogger(__name__)


def read(root: Path) -> Sources:
    """List the videos with the truth about their frames, if given. Raises UserError."""
    paths, problems = listing(root, require(root, "videos", LAYOUT), VIDEO_SUFFIXES + IMAGE_SUFFIXES)
    if not (root / "videos.csv").exists():
        files = [source(root, path, "", "") for path in paths]
        problems.append(Problem("videos.csv", "kept", "file missing: the videos are unlabelled, each its own group"))
    else:
        files, remarks = listed_videos(root, paths)
        problems += remarks
    return sources(files, problems, frame_truth(root / "frames.csv", [source.file for source in files]))


def listed_videos(root: Path, paths: list[Path]) -> tuple[list[Source], list[Problem]]:
    """The videos with patient and organ from videos.csv, and the problems."""
    table = bare_names(read_table(root / "videos.csv", ["file", "patient", "organ"]))
    refuse_repeats(root / "videos.csv", table, ["file"])
    table["organ"] = labels_as_written_first(root / "videos.csv", table["organ"], None)
    table["patient"], _ = one_spelling(["" if nobody(patient) else patient for patient in table["patient"]])
    rows = table.set_index("file").to_dict("index")
    files, problems = [], []
    for path in paths:
        row = rows.pop(path.name, None)
        patient, organ = (row["patient"], row["organ"]) if row else ("", "")
        if not patient:
            reason = "no patient in videos.csv" if row else "not in videos.csv: unlabelled"
            problems.append(Problem(relative(root, path), "kept", f"{reason}, a group of its own"))
        files.append(source(root, path, patient, organ))
    problems += [Problem(f"videos/{name}", "set aside", "in videos.csv, but no such file") for name in rows]
    return files, problems


def source(root: Path, path: Path, patient: str, organ: str) -> Source:
    """A video; without a patient ("") it is a group of its own."""
    kind = kind_of(path)
    unit = "patient" if patient else unit_of_file(kind)
    return Source(path.name, relative(root, path), kind, patient or path.name, organ, unit=unit, patient=patient)


def frame_truth(path: Path, files: list[str]) -> pd.DataFrame | None:
    """The content of each frame of `files`: the columns `TRUTH`, with file as in Source.file."""
    if not path.exists():
        return None
    table = bare_names(read_table(path, ["file", "frame", "organ", "event"]))
    table = table.reindex(columns=TRUTH, fill_value="")
    table["file"] = "videos/" + table["file"]
    known = table["file"].isin(files)
    if not known.all():
        log.info("%s: ignored %d rows of files that are not in videos/", path, (~known).sum())
    table = table[known]
    states = {name: shares(path, table[name]) for name in ("state", "second_state")}
    states["second_state"] = states["second_state"].fillna(0).where(states["state"].notna())
    table = table.assign(frame=whole_numbers(path, table["frame"]), **states)
    refuse_repeats(path, table, ["file", "frame"])
    return table


def bare_names(table: pd.DataFrame) -> pd.DataFrame:
    """The table with its files reduced to their bare names."""
    return table.assign(file=table["file"].str.replace(r".*/", "", regex=True))

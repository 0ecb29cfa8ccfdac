"""A pool of videos for pretraining: the simulated one of the embedded study, or any folder of videos.

Source: uscl.data.simulator, which writes it in this layout; licence and counts are those of the study.
`videos/` holds the files; `videos.csv` (file, patient, organ, probe, codec, fps, frames, event) and
`frames.csv` (file, frame, organ, event) say what they show. Without these tables the videos are unlabelled.
Label: the organ. Group: the patient; a video that videos.csv does not list is a group of its own.
"""

from pathlib import Path

import pandas as pd

from uscl.data.readers import VIDEO_SUFFIXES, Problem, Source, Sources, listing, relative, require, sources
from uscl.errors import UserError

LAYOUT = "videos/*.mp4 (or avi, mov, mpeg, gif), and videos.csv and frames.csv if there are any"


def read(root: Path) -> Sources:
    """Lists the videos with the truth about their frames, if given. Raises UserError."""
    paths, problems = listing(root, require(root, "videos", LAYOUT), VIDEO_SUFFIXES)
    known = _table(root / "videos.csv", ["file", "patient", "organ"])
    listed = {} if known is None else known.set_index("file").to_dict("index")
    if known is None:
        problems.append(Problem("videos.csv", "kept", "file missing: the videos are unlabelled, each its own group"))
    files = []
    for path in paths:
        row = listed.pop(path.name, None)
        if row is None:
            files.append(Source(path.name, relative(root, path), "video", path.name, ""))
            if known is not None:
                reason = "not in videos.csv: unlabelled, a group of its own"
                problems.append(Problem(relative(root, path), "kept", reason))
        else:
            files.append(Source(path.name, relative(root, path), "video", row["patient"], row["organ"]))
    problems += [Problem(f"videos/{name}", "set aside", "in videos.csv, but no such file") for name in listed]
    return sources(files, problems, _truth(root / "frames.csv"))


def _truth(path: Path) -> pd.DataFrame | None:
    """What each frame shows: columns file (as in Source.file), frame, organ, event."""
    table = _table(path, ["file", "frame", "organ", "event"])
    if table is None:
        return None
    table["file"] = "videos/" + table["file"]
    return table.astype({"frame": "int64"})


def _table(path: Path, columns: list[str]) -> pd.DataFrame | None:
    """The columns of a table as text, files by their bare name; None if there is no such table."""
    if not path.exists():
        return None
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    if not set(columns) <= set(table.columns):
        raise UserError(f"{path} should have the columns {', '.join(columns)}: add them, or remove the file")
    return table[columns].assign(file=table["file"].str.replace(r".*/", "", regex=True))

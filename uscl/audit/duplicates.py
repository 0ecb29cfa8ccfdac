"""Videos that share a picture: found by their bytes, by their stored pixels, or by the search for similar pictures."""

from typing import Any, NamedTuple

import pandas as pd

from uscl.audit.findings import base, ends, table
from uscl.audit.hashes import Hashes
from uscl.audit.matches import Side, numbered


class Audited(NamedTuple):
    """A data set as the audit sees it: its name, its frame store's manifest, and the hashes of its frames."""

    dataset: str
    manifest: pd.DataFrame
    hashes: Hashes

    def side(self) -> Side:
        """The set in the form that the search takes: videos and groups by number."""
        return Side(self.hashes, numbered(self.manifest["video"]), numbered(self.manifest["group"]))

    def videos(self) -> pd.DataFrame:
        """One row per video in the order of their numbers: video, group, label, file, and its first row."""
        return self.manifest.drop_duplicates("video")[["video", "group", "label", "file", "row"]].reset_index(drop=True)


def duplicates(a: Audited, b: Audited, near: pd.DataFrame | None) -> pd.DataFrame:
    """Pairs of videos that share a picture: first those with equal bytes or pixels, then the `near` matches."""
    exact = equal_frames(a, b)
    rows = [pair_row("exact duplicate", a, b, *pair, distance=0.0, correlation=1.0) for pair in exact.values()]
    videos_a, videos_b = a.videos()["video"], b.videos()["video"]
    for match in [] if near is None else near.itertuples(index=False):
        names = (videos_a[match.video_a], videos_b[match.video_b])
        if names not in exact:
            measures = {name: getattr(match, name) for name in ("frames", "distance", "correlation", "mirrored")}
            rows.append(pair_row("near duplicate", a, b, match.row_a, match.row_b, **measures))
    return table(rows)


def equal_frames(a: Audited, b: Audited) -> dict[tuple[str, str], tuple[int, int, int]]:
    """Map videos of a and b with equal files, or equal non-blank frames, to the first pair's rows and number of pairs.

    Within one set each pair occurs once, with the earlier video first.
    """
    found: dict[tuple[str, str], tuple[int, int, int]] = {}
    for key in ("source_sha256", "sha256"):
        of_a, of_b = (distinct(part, key) for part in (a, b))
        for pair in of_a.merge(of_b, on=key, suffixes=("_a", "_b")).itertuples(index=False):
            names = (pair.video_a, pair.video_b)
            if a.dataset != b.dataset or (names[0] != names[1] and pair.row_a < pair.row_b and from_two_files(pair)):
                row_a, row_b, frames = found.get(names, (pair.row_a, pair.row_b, 0))
                found[names] = (row_a, row_b, frames + (key == "sha256"))
    return found


def from_two_files(pair: Any) -> bool:
    """Whether two videos of one set come from two files: the classes of a pickled fold are videos of one file."""
    return bool(pair.file_a != pair.file_b)


def distinct(audited: Audited, key: str) -> pd.DataFrame:
    """Each video's distinct frames by hash, or its file: key, video, file, row. Blank frames are left out."""
    shown = audited.manifest if key == "source_sha256" else audited.manifest[~audited.hashes.blank]
    return shown.drop_duplicates(["video", key])[[key, "video", "file", "row"]]


def pair_row(
    kind: str,
    a: Audited,
    b: Audited,
    row_a: int,
    row_b: int,
    frames: int,
    *,
    distance: float,
    correlation: float,
    mirrored: bool = False,
) -> dict[str, Any]:
    """A finding about two frames."""
    first, second = a.manifest.iloc[row_a], b.manifest.iloc[row_b]
    alike = "are the same picture" if kind == "exact duplicate" else "show the same picture"
    seen = ", one of them mirrored" if mirrored else ""
    measure = (
        "" if kind == "exact duplicate" else f" ({distance:.0f} of 256 bits differ, correlation {correlation:.3f})"
    )
    reason = f"{named(a.dataset, first['case'])} and {named(b.dataset, second['case'])} {alike}{seen}{measure}."
    sides = ends(a.dataset, first, b.dataset, second)
    measures = {"frames": max(1, frames), "distance": distance, "correlation": correlation, "mirrored": mirrored}
    return base(kind, reason) | sides | {"row_a": row_a, "row_b": row_b} | measures


def named(dataset: str, case: str) -> str:
    """A case with its data set."""
    return f"{dataset}: {case}"

"""Videos that share a picture: found by their bytes, their stored pixels, their hashes, or points of their pictures."""

from typing import Any, NamedTuple

import pandas as pd

from uscl.audit.changed_copies import copies_between, copies_within
from uscl.audit.findings import base, ends, table
from uscl.audit.hashes import Hashes
from uscl.audit.matches import Side, matches_between, matches_within, numbered
from uscl.audit.point_search import Pictures
from uscl.audit.points import Points

EQUAL = {"distance": 0.0, "correlation": 1.0, "mirrored": False}  # of equal pictures
MEASURES = ("row_a", "row_b", "frames", "distance", "correlation", "mirrored")  # of FINDINGS


class Audited(NamedTuple):
    """A data set as the audit sees it: its name, its store's manifest, its frames' hashes, its pictures' points."""

    dataset: str
    manifest: pd.DataFrame
    hashes: Hashes
    points: Points

    def side(self) -> Side:
        """The set in the form that the search for hashes takes: videos and groups by number."""
        return Side(self.hashes, numbered(self.manifest["video"]), numbered(self.manifest["group"]))

    def pictures(self) -> Pictures:
        """The set in the form that the search for points takes."""
        side = self.side()
        return Pictures(self.points, side.video[self.points.rows], side.group[self.points.rows])

    def videos(self) -> pd.DataFrame:
        """One row per video in the order of their numbers: video, group, unit, label, file, and its first row."""
        columns = ["video", "group", "unit", "label", "file", "row"]
        return self.manifest.drop_duplicates("video")[columns].reset_index(drop=True)


def duplicates_within(audited: Audited, *, search: bool) -> pd.DataFrame:
    """Pairs of videos of one set that share a picture; only those with equal bytes or pixels unless `search`."""
    if not search:
        return duplicates(audited, audited, [], [])
    near, copies = matches_within(audited.side()), copies_within(audited.pictures())
    return duplicates(audited, audited, near.to_dict("records"), copies.to_dict("records"))


def duplicates_between(a: Audited, b: Audited) -> pd.DataFrame:
    """Pairs of videos of two sets that share a picture."""
    near, copies = matches_between(a.side(), b.side()), copies_between(a.pictures(), b.pictures())
    return duplicates(a, b, near.to_dict("records"), copies.to_dict("records"))


def duplicates(a: Audited, b: Audited, near: list[dict[str, Any]], copies: list[dict[str, Any]]) -> pd.DataFrame:
    """Each pair of videos once: as equal bytes or pixels, else as a near match of hashes, else as a changed copy."""
    videos_a, videos_b = a.videos()["video"], b.videos()["video"]
    rows = {
        names: pair_row("exact duplicate", a, b, {"row_a": first, "row_b": second, "frames": frames} | EQUAL)
        for names, (first, second, frames) in equal_frames(a, b).items()
    }
    for kind, matches in (("near duplicate", near), ("changed copy", copies)):
        for match in matches:
            names = (videos_a[match["video_a"]], videos_b[match["video_b"]])
            if names not in rows:
                rows[names] = pair_row(kind, a, b, match)
    return table(rows.values())


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


def pair_row(kind: str, a: Audited, b: Audited, match: dict[str, Any]) -> dict[str, Any]:
    """A finding about two frames, given the best match of their videos."""
    first, second = a.manifest.iloc[match["row_a"]], b.manifest.iloc[match["row_b"]]
    reason = f"{named(a.dataset, first['case'])} and {named(b.dataset, second['case'])} {alike(kind, match)}."
    measures = {name: match[name] for name in MEASURES if name in match} | {"frames": max(1, match["frames"])}
    return base(kind, reason) | ends(a.dataset, first, b.dataset, second) | measures


def alike(kind: str, match: dict[str, Any]) -> str:
    """How two frames are alike, in words."""
    if kind == "exact duplicate":
        return "are the same picture"
    seen = "show the same picture" + (", one of them mirrored" if match["mirrored"] else "")
    if kind == "near duplicate":
        return f"{seen} ({match['distance']:.0f} of 256 bits differ, correlation {match['correlation']:.3f})"
    motion = f"zoom {match['zoom']:.2f}, rotated by {abs(match['degrees']):.0f} degrees"
    return f"{seen} ({match['points']} points agree, {motion}, correlation {match['correlation']:.3f})"


def named(dataset: str, case: str) -> str:
    """A case with its data set."""
    return f"{dataset}: {case}"

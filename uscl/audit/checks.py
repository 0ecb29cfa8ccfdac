"""The audit's checks of data sets: leaks between groups, overlap with the pool, and warnings."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from uscl.audit.duplicates import Audited, duplicates_between, duplicates_within, named
from uscl.audit.findings import base, ends, table
from uscl.audit.names import meaningful, plain, series_of
from uscl.data.readers.shared.cells import name_key


def within(audited: Audited, *, tested: bool) -> pd.DataFrame:
    """The findings about one set by itself (FINDINGS, every action still `reported`).

    In a set that a task is `tested` on, a picture in two groups is a leak. A set that is used only for pretraining has
    no folds: exact duplicates are warnings there, and other copies are not searched for.
    """
    pairs = duplicates_within(audited, search=tested)
    apart = pairs["group_a"] != pairs["group_b"]
    rows = pairs[apart].assign(level="leak" if tested else "warning").to_dict("records")
    conflicting = pairs[(pairs["label_a"] != pairs["label_b"]) & (pairs["label_a"] != "") & (pairs["label_b"] != "")]
    rows += [conflict(pair) for pair in conflicting.to_dict("records")]
    return table([*rows, *crossing_series(audited), *mixed_groups(audited)])


def across(pool: Audited, task: Audited, *, one_namespace: bool) -> pd.DataFrame:
    """The overlap of a task's set with the pool (FINDINGS, every action still `reported`): pictures, names, patients.

    The names of groups are compared only if they mean the same in both sets (`one_namespace`).
    """
    pairs = duplicates_between(pool, task)
    rows = pairs.assign(scope="pool and task", level="leak").to_dict("records")
    reported = {(row["video_a"], row["video_b"]) for row in rows}
    rows += [row for row in same_names(pool, task) if (row["video_a"], row["video_b"]) not in reported]
    return table(rows + (same_patients(pool, task) if one_namespace else []))


def conflict(pair: dict[str, Any]) -> dict[str, Any]:
    """The warning that a duplicate has two labels."""
    reason = (
        f"{named(pair['dataset_a'], pair['video_a'])} is {pair['label_a']}, and its duplicate"
        f" {named(pair['dataset_b'], pair['video_b'])} is {pair['label_b']}: one of them is wrong."
    )
    return pair | {"kind": "label conflict", "level": "warning", "reason": reason}


def crossing_series(audited: Audited) -> Iterable[dict[str, Any]]:
    """A warning for every numbered series whose files belong to several groups; none if every file is its own group."""
    videos = audited.videos()
    if videos["group"].is_unique:
        return
    stems = videos["file"].map(lambda file: plain(Path(file).stem))
    for series, part in videos.groupby(stems.map(series_of), sort=True):
        groups = sorted(part["group"].unique())
        if series and len(groups) > 1:
            first = part.drop_duplicates("group")
            reason = f"{audited.dataset}: the series {series} has files of {', '.join(groups)}: are these one patient?"
            sides = ends(audited.dataset, first.iloc[0], audited.dataset, first.iloc[1])
            rows = {"row_a": int(first["row"].iloc[0]), "row_b": int(first["row"].iloc[1])}
            yield base("same series", reason) | sides | rows


def mixed_groups(audited: Audited) -> Iterable[dict[str, Any]]:
    """A warning for every group with files of several classes."""
    labelled = audited.videos().query("label != ''")
    for group, part in labelled.groupby("group", sort=True):
        first = part.drop_duplicates("label")
        if len(first) > 1 and part["file"].nunique() > 1:  # a pickled fold has all classes in one file
            classes = " and ".join(sorted(first["label"]))
            reason = f"{audited.dataset}: group {group} has files of {classes}; it is never split."
            sides = ends(audited.dataset, first.iloc[0], audited.dataset, first.iloc[1])
            rows = {"row_a": int(first["row"].iloc[0]), "row_b": int(first["row"].iloc[1])}
            yield base("group in two classes", reason) | sides | rows


def same_names(pool: Audited, task: Audited) -> list[dict[str, Any]]:
    """Leaks by file name: names that are the same in pool and task apart from case and separators.

    An image that was taken from a video has the name of that file too.
    """
    by_name: dict[str, Any] = {}
    for video in pool.videos().to_dict("records"):
        for name in names_of(video):
            by_name.setdefault(name, video)
    rows = []
    for video in task.videos().to_dict("records"):
        other = next((by_name[name] for name in names_of(video) if meaningful(name) and name in by_name), None)
        if other:
            reason = f"{named(pool.dataset, other['video'])} and {named(task.dataset, video['video'])} have one name."
            rows.append(linked("same name", reason, pool, other, task, video))
    return rows


def names_of(video: dict[str, Any]) -> list[str]:
    """The plain names of a video's file, and of the file that its group is, if it is one."""
    files = [video["file"], *([video["group"]] if video["unit"] in ("video", "image") else [])]
    return [plain(Path(file).stem) for file in files]


def same_patients(pool: Audited, task: Audited) -> list[dict[str, Any]]:
    """Leaks by group name, in any spelling; call it only if group names mean the same in both sets."""
    first = {group_key(video): video for video in pool.videos().drop_duplicates("group").to_dict("records")}
    rows = []
    for video in task.videos().drop_duplicates("group").to_dict("records"):
        if other := first.get(group_key(video)):
            spelled = "" if other["group"] == video["group"] else f" as {video['group']}"
            reason = f"Group {other['group']} is in {pool.dataset} and in {task.dataset}{spelled}."
            rows.append(linked("same patient", reason, pool, other, task, video))
    return rows


def group_key(video: dict[str, Any]) -> str:
    """What is equal for all spellings of a video's group, except for one that is the video itself."""
    group: str = video["group"]
    return group if group == video["video"] else name_key(group)


def linked(kind: str, reason: str, pool: Audited, a: Any, task: Audited, b: Any) -> dict[str, Any]:
    """A leak between pool and task that is found by name, not by picture."""
    rows = {"row_a": int(a["row"]), "row_b": int(b["row"])}
    return (
        base(kind, reason) | ends(pool.dataset, a, task.dataset, b) | rows | {"scope": "pool and task", "level": "leak"}
    )

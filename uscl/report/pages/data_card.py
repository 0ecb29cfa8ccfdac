"""The card of a data set: what it is, where it comes from, how much of it is used, and what is wrong with it."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from uscl.base.text import counted
from uscl.data.units import counted_units
from uscl.report.pages.audit_page import kinds
from uscl.report.pages.card_counts import (
    Use,
    by_reason,
    by_source,
    class_rows,
    doppler_counts,
    expected_and_found,
    size_rows,
    spread,
    steps,
    still_images,
)
from uscl.report.pages.card_text import EXAMPLES, bullets, code, indented, origin, plain, shortened, some
from uscl.report.tables.writing import grid

TEXT = "burnt-in text"
LONGEST = 10  # lines of a list of reasons

OWN = "A data set of your own: its contents, origin and licence are not recorded in this project."


def data_card(
    name: str,
    entry: Mapping[str, Any] | None,
    manifest: pd.DataFrame,
    problems: pd.DataFrame,
    units: pd.DataFrame,
    findings: pd.DataFrame,
    uses: Mapping[str, Use],
    settings: Mapping[str, Any],
    sizes: pd.DataFrame,
) -> str:
    """The card in Markdown; equal arguments give equal text.

    `entry` is the registry's (config/datasets.yaml), None for a user's own set. `manifest` and `problems` are the frame
    store's. `units` and `findings` are the audit's; only those of this set are used. `uses` are those of the set by
    name. `settings` are the set's in the study's config, with folder (where its files are), frame_size, and if there
    are any record (of `uscl.data.sources.fetch`), sheet (the contact sheet's file) and empty_masks (the number of
    images without a lesion, if the set has masks). `sizes` is `card_counts.source_sizes`.
    """
    units = units[units["dataset"] == name]
    findings = findings[(findings["dataset_a"] == name) | (findings["dataset_b"] == name)]
    parts = [
        f"# Data card: {plain(name)}",
        summary(entry, manifest, settings),
        "## Origin",
        bullets(origin(entry, settings)),
        "## Counts",
        count_grid(manifest, problems, units, uses),
        "A file is a video (also a folder of frames, or one class of a pickled fold) or an image; masks count with"
        " their image.",
        *left_out(units),
        *remarks(problems),
        *expectation(entry, manifest, settings),
        "## Classes",
        class_grid(manifest),
        *source_grid(manifest),
        "## Groups and frames",
        bullets(measures(entry, manifest, settings)),
        "## Size in the source files",
        size_grid(sizes, manifest),
    ]
    if entry and entry["defects"]:
        parts += ["## Known defects", bullets(plain(defect) for defect in entry["defects"])]
    parts += ["## What the audit found", audit_lines(findings, manifest)]
    if settings.get("sheet"):
        parts += ["## What it looks like", f"![Frames of {plain(name)}, some of each class](<{settings['sheet']}>)"]
    return "\n\n".join(parts) + "\n"


def summary(entry: Mapping[str, Any] | None, manifest: pd.DataFrame, settings: Mapping[str, Any]) -> str:
    """What the set is, in two sentences."""
    still = still_images(manifest)
    files = {"video": manifest.loc[~still, "video"].nunique(), "image": int(still.sum())}
    contents = " and ".join(counted(count, kind) for kind, count in files.items() if count)
    groups, frames = counted_units(manifest), counted(len(manifest), "frame")
    if groups != contents:  # they are equal if every file is a group of its own
        contents = f"{contents} of {groups}"
    what = f"{plain(entry['title'])}." if entry else OWN
    size = settings["frame_size"]
    return f"{what} Usable here: {contents}, {frames} at {size} x {size} pixels."


def source_grid(manifest: pd.DataFrame) -> list[str]:
    """Files by source and class, if the set names sources: a class with a source of its own is recognised by it."""
    counts = by_source(manifest)
    if counts.empty:
        return []
    rows = [[plain(str(source)), *map(str, row)] for source, *row in counts.itertuples(name=None)]
    return ["Files by source and class:", grid(["source", *map(plain, counts.columns)], rows)]


def count_grid(manifest: pd.DataFrame, problems: pd.DataFrame, units: pd.DataFrame, uses: Mapping[str, Use]) -> str:
    """Files, groups and frames before and after each filter."""
    rows = [
        [plain(step.what), *("" if count is None else f"{count}" for count in step[1:])]
        for step in steps(manifest, problems, units, uses)
    ]
    return grid(["", "files", "groups", "frames"], rows)


def left_out(units: pd.DataFrame) -> list[str]:
    """What the audit left out, each with its reason."""
    dropped = units[~units["kept"]].sort_values("video")
    lines = [f"{code(row.video)}: {plain(row.reason)}" for row in dropped.itertuples()]
    return ["Left out by the audit:", bullets(shortened(lines, LONGEST))] if lines else []


def remarks(problems: pd.DataFrame) -> list[str]:
    """The files that were set aside, left out or kept with a remark, by reason with examples."""
    parts = []
    for action, title in (("set aside", "Set aside"), ("left out", "Left out"), ("kept", "Kept, with a remark")):
        reasons = by_reason(problems[problems["action"] == action])
        lines = [f"{plain(reason)} ({len(files)}): {some(files)}" for reason, files in reasons.items()]
        if lines:
            parts += [f"{title}:", bullets(shortened(lines, LONGEST))]
    return parts


def expectation(entry: Mapping[str, Any] | None, manifest: pd.DataFrame, settings: Mapping[str, Any]) -> list[str]:
    """Expected counts next to the usable ones."""
    rows = expected_and_found(entry["expected"], manifest) if entry and entry["expected"] else []
    if not rows:
        return []
    parts = [
        "## Expected and usable",
        grid(["", "expected", "usable"], [[plain(name), f"{n}", f"{found}"] for name, n, found in rows]),
    ]
    if settings.get("rate_hz") or settings.get("max_frames"):
        parts.append("The study takes only some frames of each video, so there are fewer than in the files.")
    if settings.get("partial"):
        parts.append("The study declares its copy as partial (`partial: true`), so the counts were not enforced.")
    return parts


def class_grid(manifest: pd.DataFrame) -> str:
    """Files, groups and frames by class."""
    rows = [
        [plain(label) or "unlabelled", *(f"{count}" for count in counts)] for label, *counts in class_rows(manifest)
    ]
    return grid(["class", "files", "groups", "frames"], rows)


def measures(entry: Mapping[str, Any] | None, manifest: pd.DataFrame, settings: Mapping[str, Any]) -> list[str]:
    """What a group is and how large groups are, and how many frames are taken per video, at which rate."""
    by_group = manifest.groupby("group")
    lines = [
        f"Groups: {counted_units(manifest)}",
        f"Files per group: {spread(by_group['video'].nunique())}",
        f"Frames per group: {spread(by_group.size())}",
    ]
    if entry and entry["group"]:
        lines.insert(0, f"A group is: {plain(entry['group'])}")
    moving = manifest[~still_images(manifest)]
    if settings.get("empty_masks") is not None:
        lines.append(f"Empty masks: {settings['empty_masks']} of {counted(len(manifest), 'image')}")
    frames, files = doppler_counts(manifest)
    lines.append(f"Colour Doppler: {counted(frames, 'frame')} in {counted(files, 'file')}")
    if len(moving):
        lines.append(f"Frames taken per video: {spread(moving.groupby('video').size())}")
        rate, most = settings.get("rate_hz"), settings.get("max_frames")
        lines.append(f"Rate: {f'{rate:g} frames per second' if rate else 'every frame'}, {limit(most)}")
    return lines


def limit(most: int | None) -> str:
    """How many frames of a video are taken at most."""
    return f"at most the first {most} of each video" if most else "without a limit"


def size_grid(sizes: pd.DataFrame, manifest: pd.DataFrame) -> str:
    """Width and height of the frames as they were recorded, with the number of files."""
    files = manifest["file"].nunique()
    if sizes.empty:
        return "Unknown: the headers of the files don't give it."
    rows = [[size, f"{count}"] for size, count in size_rows(sizes)]
    ranges = f"In pixels: width {spread(sizes['width'])}, height {spread(sizes['height'])}."
    missing = f" Unknown for {files - len(sizes)} of {files} files." if len(sizes) < files else ""
    return f"{ranges}{missing}\n\n{grid(['width x height', 'files'], rows)}"


def audit_lines(findings: pd.DataFrame, manifest: pd.DataFrame) -> str:
    """The findings that name the set, by kind, with the action taken; burnt-in text as one line."""
    lines = []
    for kind in kinds(findings):
        part = findings[findings["kind"] == kind]
        if kind == TEXT:
            files = manifest["video"].nunique()
            lines.append(f"{kind}: suspected in {part['video_a'].nunique()} of {files} files, by a rough test")
            continue
        actions = ", ".join(f"{action} {count}" for action, count in part["action"].value_counts().sort_index().items())
        examples = [plain(reason) for reason in part["reason"].head(EXAMPLES)]
        lines.append(f"{plain(kind)}: {len(part)} ({plain(actions)}), such as:\n{indented(examples)}")
    return bullets(lines) if lines else "Nothing."

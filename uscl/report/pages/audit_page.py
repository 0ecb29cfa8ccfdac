"""The audit as a page for readers: the verdict, the number of findings of each kind, and each pair side by side.

The page is one HTML file that needs neither network nor scripts. All names come from the data and are escaped.
"""

import base64
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import jinja2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.audit.changed_copies import ALL_POINTS
from uscl.audit.policy import audited_groups
from uscl.data.store import FrameStore
from uscl.data.units import counted_units

SHOWN = 200  # pairs of one kind: more make the page too slow for a browser, and audit.csv lists them all
THUMBNAIL = 128  # pixels
TEMPLATE = Path(__file__).with_suffix(".html.j2")
RECALL = Path(__file__).with_name("audit_recall.csv")  # written by benchmarks/audit_recall.py

# In the order of the page; kinds of any other name come last.
KINDS = {
    "exact duplicate": "The same file, or the same stored pixels.",
    "near duplicate": "Pictures that match after scaling, compression, slight cropping, brightening or mirroring.",
    "changed copy": "Pictures whose points and pixels match after one rotation, zoom and shift, mirrored or not.",
    "group in two parts": "A group with files in two parts of a split that the data's provider gives.",
    "same patient": "The same group name in the pretraining pool and in a task's data set.",
    "same name": "The same file name in the pretraining pool and in a task's data set.",
    "label conflict": "Duplicates with different labels: it is unknown which label is right.",
    "group in two classes": "Files of one group with different labels.",
    "same series": "Numbered files of one series that belong to several groups.",
    "burnt-in text": "Areas that a rough test takes for writing: a network may read it instead of the tissue.",
}
ACTIONS = ("stop", "dropped", "grouped", "reported")  # the gravest first


class Side(NamedTuple):
    """One of the two files that match: texts for readers, and the picture as a data URI ("" if there is none)."""

    dataset: str
    video: str
    frame: str
    group: str
    label: str
    picture: str


class Pair(NamedTuple):
    """A finding as the page shows it; `b` is None if it concerns a single file."""

    level: str
    action: str
    scope: str
    a: Side
    b: Side | None
    measures: list[str]
    reason: str


class Section(NamedTuple):
    """All findings of one kind: how many there are, and the worst of them."""

    kind: str
    meaning: str
    total: int
    pairs: list[Pair]


def audit_page(
    findings: pd.DataFrame,
    units: pd.DataFrame,
    stores: Mapping[str, FrameStore],
    verdict: Mapping[str, Any],
    compared: Mapping[str, int],
) -> str:
    """The page as HTML; equal arguments give equal bytes.

    `findings` and `units` are the audit's tables, `stores` the frame stores by data set, for pictures of 128 pixels at
    most, `verdict` has passed (bool) and sentence, and `compared` is the number of pictures by the data sets that are
    compared. The page shows the worst `SHOWN` findings of each kind.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        verdict=verdict,
        actions=ACTIONS,
        counts=counts(findings),
        sets=set_rows(units),
        recall=recall_table(pd.read_csv(RECALL)),
        all_points=ALL_POINTS,
        large={sets: number for sets, number in compared.items() if number > ALL_POINTS},
        sections=list(sections(findings, stores)),
    )


def counts(findings: pd.DataFrame) -> dict[str, list[int]]:
    """Kind -> number of findings by action, in the order of `ACTIONS`, then in total; kinds in the page's order."""
    table = pd.crosstab(findings["kind"], findings["action"]).reindex(columns=list(ACTIONS), fill_value=0)
    return {kind: [*(int(n) for n in table.loc[kind]), int(table.loc[kind].sum())] for kind in kinds(findings)}


def kinds(findings: pd.DataFrame) -> list[str]:
    """The kinds that were found: those of `KINDS` in its order, then any others."""
    found = set(findings["kind"])
    return [*(kind for kind in KINDS if kind in found), *sorted(found - set(KINDS))]


def set_rows(units: pd.DataFrame) -> list[tuple[str, list[str]]]:
    """Per data set: number of videos, of those left out, and the groups as read and after the audit."""
    rows = []
    for dataset, part in units.groupby("dataset"):
        kept = int(part["kept"].sum())
        numbers = [f"{len(part)}", f"{len(part) - kept}"]
        rows.append((str(dataset), [*numbers, counted_units(part), counted_units(audited_groups(part))]))
    return rows


def recall_table(measured: pd.DataFrame) -> tuple[list[str], list[tuple[str, list[str]]]]:
    """Head and rows of the table of found copies: shares per way of changing them and number of pictures compared.

    `measured` is what benchmarks/audit_recall.py writes.
    """
    sums = measured.groupby(["copy", "among"], sort=False)[["pictures", "hashes", "both"]].sum()
    sizes = sorted(set(measured["among"]))
    head = ["copies", "found by hashes", *(f"and by points, among {size:,} pictures" for size in sizes)]
    rows = []
    for copy in dict.fromkeys(measured["copy"]):
        first = sums.loc[(copy, sizes[0])]
        both = [100 * sums.loc[(copy, size), "both"] / sums.loc[(copy, size), "pictures"] for size in sizes]
        cells = [100 * first["hashes"] / first["pictures"], *both]
        rows.append((str(copy), [str(first["pictures"]), *(f"{cell:.0f} %" for cell in cells)]))
    return head, rows


def sections(findings: pd.DataFrame, stores: Mapping[str, FrameStore]) -> Iterator[Section]:
    """One section per kind of finding."""
    for kind in kinds(findings):
        found = worst_first(findings[findings["kind"] == kind])
        shown = found.head(SHOWN).to_dict("records")
        pairs = [pair_of(row, stores) for row in shown]
        yield Section(kind, KINDS.get(kind, ""), len(found), pairs)


def worst_first(findings: pd.DataFrame) -> pd.DataFrame:
    """Leaks before warnings, then by action, then the most similar first; ties by name."""
    keys = findings.assign(
        leak=findings["level"] != "leak",
        grave=findings["action"].map({action: place for place, action in enumerate(ACTIONS)}),
        unlike=-findings["correlation"],
        fewer=-findings["frames"],
    )
    measures = ["leak", "grave", "distance", "unlike", "fewer"]
    names = ["dataset_a", "video_a", "dataset_b", "video_b", "row_a", "row_b"]
    return findings.loc[keys.sort_values([*measures, *names], kind="stable").index]


def pair_of(row: dict, stores: Mapping[str, FrameStore]) -> Pair:
    """One finding for the page."""
    a, b = (side_of(row, side, stores) for side in "ab")
    measures = []
    if not math.isnan(row["distance"]):
        measures.append(f"Hamming distance {row['distance']:g}")
    if not math.isnan(row["correlation"]):
        measures.append(f"correlation {row['correlation']:.3f}")
    if row["frames"] > 1:
        measures.append(f"{row['frames']} pairs of frames")
    if row["mirrored"]:
        measures.append("mirrored")
    return Pair(row["level"], row["action"], row["scope"], a, b if b.video else None, measures, row["reason"])


def side_of(row: dict, side: str, stores: Mapping[str, FrameStore]) -> Side:
    """Side "a" or "b" of a finding; row -1 means that there is no picture."""
    dataset, place = row[f"dataset_{side}"], int(row[f"row_{side}"])
    frame, picture = "", ""
    if place >= 0:
        store = stores[dataset]
        case, video, number = (store.manifest[column].iat[place] for column in ("case", "video", "frame"))
        frame = "" if case == video else f"frame {number}"
        picture = data_uri(store.frames[place])
    return Side(dataset, row[f"video_{side}"], frame, row[f"group_{side}"], row[f"label_{side}"], picture)


def data_uri(frame: NDArray[np.uint8]) -> str:
    """A grey frame [size, size] as a PNG of `THUMBNAIL` pixels at most, to embed in the page."""
    side = min(len(frame), THUMBNAIL)
    small = cv2.resize(np.asarray(frame), (side, side), interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".png", small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return f"data:image/png;base64,{base64.b64encode(data.tobytes()).decode('ascii')}"

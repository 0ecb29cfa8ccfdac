"""Leaks between the parts of a split that the provider of a data set gives."""

import itertools
from collections.abc import Iterator
from typing import Any

import pandas as pd

from uscl.audit.findings import base, ends, table
from uscl.data.given_splits import role_of

BETWEEN_PARTS = "between parts"  # the scope of these findings


def between_parts(
    findings: pd.DataFrame, units: pd.DataFrame, manifest: pd.DataFrame, *, on_leak: str, labelled: bool
) -> pd.DataFrame:
    """The findings of a set (as `uscl.audit.policy.decide` gives them) with the leaks between its given parts marked.

    A picture in two groups of different parts has the scope BETWEEN_PARTS and stops the study, or is reported
    (`on_leak`); so does a new finding for each group that is in two parts. Files that are left out are in no part, nor
    are those without a label if the set is `labelled`.
    """
    videos = manifest.drop_duplicates("video")
    kept = videos["video"].isin(units.loc[units["kept"], "video"]) & ((videos["label"] != "") | (not labelled))
    videos = videos[kept].assign(role=videos.loc[kept, "part"].map(role_of))
    action = {"stop": "stop", "report": "reported"}[on_leak]
    role = dict(zip(videos["video"], videos["role"], strict=True))
    sides = [findings[f"video_{side}"].map(role) for side in "ab"]
    apart = (findings["level"] == "leak") & sides[0].notna() & sides[1].notna() & (sides[0] != sides[1])
    marked = findings.assign(
        scope=findings["scope"].mask(apart, BETWEEN_PARTS), action=findings["action"].mask(apart, action)
    )
    rows = [{**row, "action": action} for row in divided_groups(videos)]
    return pd.concat([marked, table(rows)], ignore_index=True) if rows else marked


def leaky_splits(findings: pd.DataFrame) -> list[str]:
    """The data sets whose given split has leaks."""
    return sorted(set(findings.loc[findings["scope"] == BETWEEN_PARTS, "dataset_a"]))


def divided_groups(videos: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """A finding for each group and each two of the given parts that it is in."""
    for group, of_group in videos.groupby("group", sort=True):
        first = of_group.drop_duplicates("role").to_dict("records")
        for a, b in itertools.combinations(first, 2):
            reason = (
                f"{a['dataset']}: group {group} is in two given parts: {a['video']} in {a['part']}, {b['video']} in"
                f" {b['part']}."
            )
            finding = base("group in two parts", reason) | ends(a["dataset"], a, b["dataset"], b)
            yield finding | {"scope": BETWEEN_PARTS, "level": "leak", "row_a": int(a["row"]), "row_b": int(b["row"])}

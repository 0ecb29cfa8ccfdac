"""Consequences of the findings: groups are joined, files are left out, or the study stops."""

from pathlib import Path
from typing import Any

import pandas as pd

from uscl.audit.findings import DUPLICATES, read_written
from uscl.base.table_schema import Column, TableSchema, one_of
from uscl.data.units import NOUNS, unit_of_groups

SHOWN = 20  # pairs in a message
PLACES = {  # of a leak, by scope
    "within": "between groups",
    "between parts": "between the parts of the given split",
    "pool and task": "with the pool",
    "task and external": "between the task's set and an external set",
}

UNITS = TableSchema(
    {
        "dataset": Column("str"),
        "video": Column("str"),
        "group": Column("str"),  # as read from the data
        "unit": Column("str", one_of(*NOUNS)),  # what that group is
        "audited_group": Column("str"),  # the group used for drawing folds
        "kept": Column("bool"),
        "reason": Column("str"),  # why the video is left out, else ""
    },
)

LEFT_OUT = TableSchema({"video": Column("str"), "reason": Column("str")})


def decide(findings: pd.DataFrame, manifest: pd.DataFrame, policy: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The videos of one set as the study uses them (UNITS), and the set's findings with their actions.

    `policy`: "stop" changes nothing, and a leak stops the study; "group" joins all groups that leaks connect; "drop"
    keeps the videos of the first of several connected groups and leaves out the matching videos of the others, or, if
    the labels differ, all matching videos, since nobody knows which label is right.
    """
    videos = manifest.drop_duplicates("video")[["dataset", "video", "group", "unit", "label"]]
    leak = findings["level"] == "leak"
    units = videos.drop(columns="label").assign(audited_group=videos["group"], kept=True, reason="")
    action = {"stop": "stop", "group": "grouped", "drop": "dropped"}[policy]
    if policy != "stop":
        first = first_of_component(findings[leak])
        if policy == "group":
            units["audited_group"] = units["group"].map(lambda group: first.get(group, group))
        else:
            reasons = dropped(findings[leak], first)
            units["kept"] = ~units["video"].isin(reasons)
            units["reason"] = units["video"].map(lambda video: reasons.get(video, ""))
    return UNITS.validate(units.reset_index(drop=True)), findings.assign(action=findings["action"].where(~leak, action))


def first_of_component(leaks: pd.DataFrame) -> dict[str, str]:
    """Map each group that has a leak to the first, by name, of the groups that leaks connect it with."""
    groups = sorted({*leaks["group_a"], *leaks["group_b"]})
    if not groups:
        return {}
    from scipy.sparse import coo_array  # late: most sets have no leak, and training jobs import this module
    from scipy.sparse.csgraph import connected_components

    number = {group: place for place, group in enumerate(groups)}
    rows, columns = leaks["group_a"].map(number), leaks["group_b"].map(number)
    links = coo_array(([1] * len(leaks), (rows.astype(int), columns.astype(int))), shape=(len(groups), len(groups)))
    _, component = connected_components(links, directed=False)
    first: dict[int, str] = {}
    for group, part in zip(groups, component, strict=True):
        first.setdefault(part, group)
    return {group: first[part] for group, part in zip(groups, component, strict=True)}


def dropped(leaks: pd.DataFrame, first: dict[str, str]) -> dict[str, str]:
    """Map each video to leave out to the reason."""
    touched = pd.concat(
        [
            leaks[[f"{name}_{side}" for name in ("video", "group", "label")]].set_axis(
                ["video", "group", "label"], axis=1
            )
            for side in "ab"
        ]
    ).drop_duplicates()
    reasons = {}
    for kept, part in touched.groupby(touched["group"].map(first)):
        labels = sorted(set(part["label"]) - {""})
        for row in part.itertuples():
            if len(labels) > 1:
                reasons[row.video] = f"duplicates under the labels {', '.join(labels)}: nobody knows which is right"
            elif row.group != kept:
                reasons[row.video] = f"its picture is in group {kept} too"
    return reasons


def decide_pool(findings: pd.DataFrame, policy: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pool's videos to leave out (video, reason), and the findings between pool and tasks with their actions.

    Only "drop" can remove such a leak: joining groups of the pool would still train on their videos.
    """
    drop = policy == "drop"
    reasons = (
        findings.drop_duplicates("video_a")[["video_a", "reason"]] if drop else findings.head(0)[["video_a", "reason"]]
    )
    left_out = reasons.set_axis(["video", "reason"], axis=1).sort_values("video", ignore_index=True)
    return left_out, findings.assign(action="dropped" if drop else "stop")


def verdict(findings: pd.DataFrame) -> dict[str, Any]:
    """The verdict: `passed`, a `sentence`, and the `counts` of findings per kind and action."""
    counts = findings.groupby(["kind", "action"]).size()
    stopping = findings[findings["action"] == "stop"]
    leaks = findings[findings["level"] == "leak"]
    if len(stopping):
        sentence = (
            f"{plural(len(stopping), 'leak')} between training and test data must be fixed before anything is trained."
        )
    elif len(leaks):
        done = " and ".join(
            f"{count} {action}" for action, count in leaks["action"].value_counts().sort_index().items()
        )
        found = f"{plural(len(leaks), 'pair')} of videos ({done})"
        fixed = "found and fixed" if (leaks["action"] != "reported").all() else "found, and not all are fixed"
        sentence = f"Leaks between training and test data were {fixed}: {found}. No other was found."
    else:
        sentence = "No leak was found between training and test data."
    table = {
        kind: {action: int(counts[kind, action]) for action in counts[kind].index} for kind in counts.index.levels[0]
    }
    return {"passed": stopping.empty, "sentence": sentence, "counts": table}


def plural(count: int, noun: str) -> str:
    """A number with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def stop_message(findings: pd.DataFrame, page: str) -> str:
    """A message that lists the leaks that stop the study, one per line, and says what to do."""
    stopping = findings[findings["action"] == "stop"]
    lines = [f"  {row.kind}: {row.reason}" for row in stopping.head(SHOWN).itertuples()]
    if len(stopping) > SHOWN:
        lines.append(f"  and {len(stopping) - SHOWN} more")
    return (
        f"The audit found {plural(len(stopping), 'leak')} between training and test data:\n"
        + "\n".join(lines)
        + f"\nLook at {page}, then remove these files{ways_out(stopping)}."
    )


def ways_out(stopping: pd.DataFrame) -> str:
    """What to do about leaks that stop the study, other than removing the files, as the end of a sentence."""
    ways, scope = [], stopping["scope"]
    of_sets = stopping[scope.isin(["within", "pool and task"])]
    if len(of_sets):
        sets = ", ".join(f"datasets.{name}.on_leak" for name in sorted(set(of_sets["dataset_a"])))
        ways.append(f"or set {sets}: {'group or drop' if (scope == 'within').any() else 'drop'}")
    if (scope == "between parts").any():
        ways.append("or set `splits.on_leak: report` of the tasks with a given split, to go on with marked tables")
    if len(external := stopping[scope == "task and external"]):
        sets = ", ".join(f"datasets.{name}.exclude" for name in sorted(set(external["dataset_b"])))
        ways.append(f"or leave them out of the external set by {sets}")
    if (stopping["kind"] == "same patient").any():
        ways[-1] += (
            "; if two different patients share a name, rename one with the `patient` or `table` setting of its set"
        )
    return f", {', '.join(ways)}"


def summary(findings: pd.DataFrame, dataset: str) -> str:
    """What the audit found in a task's set, for the result table."""
    of_set = findings[(findings["dataset_a"] == dataset) | (findings["dataset_b"] == dataset)]
    leaks = of_set[of_set["level"] == "leak"]
    what = leaks["kind"].where(~leaks["kind"].isin(DUPLICATES), "duplicate")
    parts = []
    for (scope, kind, action), part in leaks.groupby(["scope", what, "action"]):
        where = PLACES[scope]
        parts.append(f"{plural(len(part), f'{kind} pair')} {where} {action}")
    conflicts = int((of_set["kind"] == "label conflict").sum())
    parts += [plural(conflicts, "label conflict")] if conflicts else []
    return "; ".join(parts) or "no leak found"


def audited_cases(cases: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """The cases of the kept videos, with the groups used for drawing folds and what these are."""
    owners = audited_groups(units).set_index("video")
    kept = cases[cases["video"].isin(owners.index)]
    return kept.assign(**{column: kept["video"].map(owners[column]) for column in ("group", "unit")})


def audited_groups(units: pd.DataFrame) -> pd.DataFrame:
    """One row per kept video: video, its group as used for drawing folds, and the unit of that group."""
    kept = units[units["kept"]]
    groups = kept[["video", "audited_group", "unit"]].set_axis(["video", "group", "unit"], axis=1)
    unit = groups["group"].map(unit_of_groups(groups))
    joined = kept.groupby("audited_group")["group"].transform("nunique") > 1
    return groups.assign(unit=unit.mask(joined & unit.isin(["video", "image"]), "duplicates"))


def without_left_out(units: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """The units of the pool, with the videos that leak into a task marked as left out."""
    reasons = dict(zip(left_out["video"], left_out["reason"], strict=True))
    reason = [reasons.get(video, own) for video, own in zip(units["video"], units["reason"], strict=True)]
    return units.assign(kept=units["kept"] & ~units["video"].isin(reasons), reason=reason)


def read_units(path: Path) -> pd.DataFrame:
    """Read units as they were written. Raises UserError if the file is missing or invalid."""
    return read_written(path, UNITS)


def read_left_out(path: Path) -> pd.DataFrame:
    """Read the pool's left-out videos with their reasons. Raises UserError if the file is missing or invalid."""
    return read_written(path, LEFT_OUT)

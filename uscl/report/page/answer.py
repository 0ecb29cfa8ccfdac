"""The question of a study, and its answer in three sentences: what is shown, what is not, and how far this goes."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from uscl.base.text import counted
from uscl.data.units import listed
from uscl.metrics.registry import title
from uscl.report.headline import shows_difference
from uscl.report.tables.claims import difference
from uscl.report.tables.verdicts import NO_CLAIM, NOT_SHOWN, fewest_trainings
from uscl.stats.level_names import place
from uscl.stats.planning import ENOUGH

NAMED = 3  # comparisons that a sentence names; the claims list all
NO_PRIMARY = "The study names no primary comparison, so it claims nothing about any method."


def question(tasks: Sequence[str], primary: Sequence[Mapping[str, Any]]) -> str:
    """What the study asks; the primary comparisons are those of its file.

    >>> question(["busi"], [{"arm": "a", "reference": "b", "task": "busi", "regime": "knn"}])
    'Which pretraining gives the better encoder for busi? Named beforehand: does a differ from b on busi (knn)?'
    """
    places: dict[tuple[str, str], list[str]] = {}
    for each in primary:
        found = places.setdefault((each["arm"], each["reference"]), [])
        found += [named for named in [place(each)] if named not in found]
    asked = [f"does {arm} differ from {other} on {listed(on)}" for (arm, other), on in places.items()]
    first = f"Which pretraining gives the better encoder for {listed(list(tasks))}?"
    return f"{first} Named beforehand: {'; '.join(shortened(asked))}?" if asked else first


def answer(claims: pd.DataFrame) -> list[str]:
    """The answer in three sentences, from the primary comparisons of `uscl.report.tables.claims` alone."""
    rows = claims[claims["primary"]].to_dict("records")
    if not rows:
        return [NO_PRIMARY]
    return [what_is_shown(rows), what_is_not(rows, len(claims) - len(rows)), how_far(rows)]


def what_is_shown(rows: Sequence[Mapping[str, Any]]) -> str:
    """How many primary comparisons show a difference, and which."""
    found = [row for row in rows if shows_difference(row["verdict"])]
    comparisons = f"{len(rows)} primary comparisons" if len(rows) > 1 else "primary comparison"
    if not found:
        return f"None of the {comparisons} shows a difference." if len(rows) > 1 else f"The {comparisons} shows none."
    number = f"{len(found)} of the" if len(rows) > 1 else "The"
    shows = "show" if len(found) > 1 else "shows"
    return f"{number} {comparisons} {shows} a difference: {listed(shortened([in_words(row) for row in found]))}."


def in_words(row: Mapping[str, Any]) -> str:
    """A difference that is shown."""
    sign = math.copysign(1, row["difference"])
    low, high = (difference(end, row["metric"], "") for end in sorted((sign * row["ci_low"], sign * row["ci_high"])))
    ends = "" if pd.isna(row["ci_low"]) else f" [{low}, {high}]"
    size = difference(abs(row["difference"]), row["metric"]).removeprefix("+")
    what = f"{size}{ends} in {title(row['metric'])}"
    return f"{row['arm']} is {row['verdict'].split(',')[0]} than {row['reference']} on {place(row)}, by {what}"


def what_is_not(rows: Sequence[Mapping[str, Any]], secondary: int) -> str:
    """The primary comparisons with any other verdict, by verdict; without one, what the others are."""
    others: dict[str, list[str]] = {}
    for row in rows:
        if not shows_difference(row["verdict"]):
            others.setdefault(row["verdict"], []).append(f"{row['arm']} against {row['reference']} on {place(row)}")
    words = {NOT_SHOWN: "no difference is shown", NO_CLAIM: "no claim can be made"}
    parts = [f"{words.get(verdict, verdict)} for {listed(shortened(found))}" for verdict, found in others.items()]
    if not parts:
        return f"All other comparisons ({secondary}) are secondary, so they have no verdict."
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def how_far(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the verdicts hold for, and whether they rest on enough trainings for a claim."""
    fewest = min((count for row in rows if (count := fewest_trainings(row)) is not None), default=ENOUGH)
    if fewest >= ENOUGH:
        return "This holds for other trainings of these methods and other patients like those of these data sets."
    trainings = counted(fewest, "training")
    return f"This is exploratory, because it rests on {trainings} of a method: a claim needs {ENOUGH} of each."


def shortened(parts: list[str]) -> list[str]:
    """The first parts, and the number of the others."""
    return parts if len(parts) <= NAMED else [*parts[:NAMED], f"{len(parts) - NAMED} more"]

"""The result of a study in a few lines, from its claims.csv.

Imports nothing heavy, since every `snakemake` call imports this.
"""

import csv
from collections.abc import Sequence
from pathlib import Path


def headline(claims: Path) -> list[str]:
    """The count of primary comparisons that show a difference, and a sentence for each; empty without a table."""
    try:
        with claims.open(encoding="utf-8", newline="") as file:
            primary = [row for row in csv.DictReader(file) if row["primary"] == "True"]
    except (OSError, KeyError):
        return []
    return [counted_verdicts([row["verdict"] for row in primary]), *(row["sentence"] for row in primary)]


def counted_verdicts(verdicts: Sequence[str]) -> str:
    """How many primary comparisons have a verdict that says something.

    >>> counted_verdicts(["better", "no claim"])
    'Of 2 primary comparisons, 1 shows a difference:'
    """
    if not verdicts:
        return "The study names no primary comparison (`primary` in its file), so nothing is claimed about any method."
    shown = sum(map(shows_difference, verdicts))
    nouns = "comparison" if len(verdicts) == 1 else "comparisons"
    return f"Of {len(verdicts)} primary {nouns}, {shown or 'none'} show{'s' if shown < 2 else ''} a difference:"


def shows_difference(verdict: str) -> bool:
    """Whether a verdict says that one arm is better.

    >>> shows_difference("better, by less than 10 points"), shows_difference("not shown")
    (True, False)
    """
    return verdict.startswith(("better", "worse"))

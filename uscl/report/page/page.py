"""The report of a study: one page that holds everything, and needs neither a network nor other files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from uscl.report.page.answer import answer, question
from uscl.report.page.grids import columns, details, heading, scores, used
from uscl.report.page.rendering import render
from uscl.report.tables.absences import absences
from uscl.report.tables.names import CHANCE_MARK, MARK

SIMULATED = "Machinery, not medicine: the data are simulated, so these numbers say nothing about any patient."

# The column of the table that says which arms have a mark, and what the mark means.
ARM_MARKS = {
    MARK: ("pool_labels", "sees class labels of the pretraining pool"),
    CHANCE_MARK: ("at_chance", "a pretraining has not learned to tell videos apart; see its remark"),
}


@dataclass(frozen=True)
class Asked:
    """What the study's file says: its name, tasks and primary comparisons, and whether the data are simulated."""

    study: str
    tasks: Sequence[str]
    primary: Sequence[Mapping[str, Any]]
    encoder: str
    frame_size: int
    seeds: Sequence[int]
    regimes: Mapping[str, str]  # titles
    simulated: bool


def head(asked: Asked, claims: pd.DataFrame) -> dict[str, Any]:
    """What every page begins with."""
    return {
        "asked": asked,
        "warning": SIMULATED if asked.simulated else "",
        "question": question(asked.tasks, asked.primary),
        "answer": answer(claims),
    }


def grid(table: pd.DataFrame, claims: pd.DataFrame) -> dict[str, Any]:
    """The table of arms x tasks, the details, and what explains them."""
    lines = scores(table, claims)
    found = {mark: set(table.loc[table[column].eq(True), "arm"]) for mark, (column, _) in ARM_MARKS.items()}
    return {
        "columns": [(column, heading(column.metric)) for column in columns(table, claims)],
        "lines": lines,
        "marks_of_arms": {arm: " ".join(mark for mark, arms in found.items() if arm in arms) for arm, *_ in lines},
        "legend": used(lines) | {mark: words for mark, (_, words) in ARM_MARKS.items() if found[mark]},
        "details": details(table, claims),
        "reference": next(iter(table["reference"].dropna()), ""),
        "absences": absences(table),
    }


def table_page(asked: Asked, table: pd.DataFrame, claims: pd.DataFrame) -> str:
    """The answer and the tables alone, as a page for other reports to show (`table.html`)."""
    return render("table.html.j2", **head(asked, claims), **grid(table, claims), opening=False)


def claims_page(asked: Asked, claims: pd.DataFrame, text: Markup) -> str:
    """The claims alone, as a page for other reports to show (`claims.html`); `text` is `claims.md` as HTML."""
    return render("claims.html.j2", **head(asked, claims), text=text)


def report_page(asked: Asked, table: pd.DataFrame, claims: pd.DataFrame, parts: Mapping[str, Any]) -> str:
    """The whole report (`report.html`); `parts` are its sections (`uscl.report.page.sections`)."""
    return render("report.html.j2", **head(asked, claims), **grid(table, claims), **parts, opening=True)

"""The tables of the report: arms x tasks with verdict marks, and every row of the result table for sorting."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from uscl.metrics.registry import PRIMARY, lower_is_better, metric_named, part_of, title
from uscl.report.headline import shows_difference
from uscl.report.tables.names import BETTER_MARK, WORSE_MARK
from uscl.report.tables.verdicts import NO_CLAIM, NOT_SHOWN
from uscl.report.tables.writing import BRACES, limits, mean_and_sd, number, p_value, points, shown
from uscl.stats.level_names import per
from uscl.stats.level_tables import with_level

EQUAL_MARK, RULED_OUT_MARK, NOT_SHOWN_MARK, NO_CLAIM_MARK = "≈", "⊘", "○", "?"
LEGEND = {
    BETTER_MARK: "shown to be better",
    WORSE_MARK: "shown to be worse",
    EQUAL_MARK: "equal within the margin",
    RULED_OUT_MARK: "an advantage of more than the margin is ruled out",
    NOT_SHOWN_MARK: "no difference is shown",
    NO_CLAIM_MARK: "no claim is possible",
}
KEY = ["arm", "task", "regime", "level", "metric"]
Key = tuple[str, ...]  # arm, task, regime, level, metric


class Mark(NamedTuple):
    """A verdict on an arm: its symbol, and the verdict in words."""

    symbol: str
    words: str


class Score(NamedTuple):
    """A cell of the table of arms x tasks.

    `opens` names the dialog with its figures and runs; `better` says whether it is shown to be better than another.
    """

    text: str
    interval: str
    marks: list[Mark]
    opens: str
    better: bool


class Column(NamedTuple):
    """What a column of that table is about."""

    task: str
    regime: str
    level: str
    metric: str
    size: str

    @property
    def place(self) -> str:
        """Regime and level, for readers."""
        return f"{self.regime.replace('_', ' ')}{per(self.level)}"


def marks(claims: pd.DataFrame) -> dict[Key, list[Mark]]:
    """The verdicts of the primary comparisons, by arm, task, regime, level and metric; a difference marks both arms."""
    found: dict[Key, list[Mark]] = {}
    for row in claims[claims["primary"]].to_dict("records"):
        arm, other, verdict = row["arm"], row["reference"], row["verdict"]
        place = (row["task"], row["regime"], row["level"], row["metric"])
        if shows_difference(verdict):
            winner, loser = (arm, other) if verdict.startswith("better") else (other, arm)
            found.setdefault((winner, *place), []).append(Mark(BETTER_MARK, f"better than {loser}"))
            found.setdefault((loser, *place), []).append(Mark(WORSE_MARK, f"worse than {winner}"))
        else:
            found.setdefault((arm, *place), []).append(undecided(verdict, other))
    return found


def undecided(verdict: str, other: str) -> Mark:
    """The mark of a verdict that shows no difference."""
    if verdict == NOT_SHOWN:
        return Mark(NOT_SHOWN_MARK, f"no difference to {other} is shown")
    if verdict == NO_CLAIM:
        return Mark(NO_CLAIM_MARK, f"no claim against {other} is possible")
    if verdict.startswith("equal"):
        return Mark(EQUAL_MARK, f"{verdict.replace('equal', f'equal to {other}')}")
    return Mark(RULED_OUT_MARK, verdict.replace("an advantage", f"an advantage over {other}"))


def columns(table: pd.DataFrame, claims: pd.DataFrame) -> list[Column]:
    """One column per task, regime and primary metric at the main level, and per other that a primary comparison names.

    The main level is the first of an evaluation in the table.
    """
    key = ["task", "regime", "level", "metric"]
    named = set(claims.loc[claims["primary"], key].itertuples(index=False, name=None))
    scored = with_level(table).dropna(subset="metric")
    main = scored.groupby(["task", "regime"])["level"].first()
    found = []
    for place, rows in scored.groupby(key, sort=False):
        task, regime, level, metric = place
        if (metric in PRIMARY and level == main[task, regime]) or place in named:
            cases, groups = rows["n_cases"].max(), rows["groups"].dropna()
            size = f"{int(cases)} cases of {groups.iloc[0]}" if len(groups) else ""
            found.append(Column(task, regime, level, metric, size))
    return found


def scores(table: pd.DataFrame, claims: pd.DataFrame) -> list[tuple[str, str, list[Score | None]]]:
    """Arm, its remarks, and one score per column of `columns`; None where there is none."""
    known = {tuple(row[key] for key in KEY): row for row in with_level(table).to_dict("records")}
    verdicts, named, found = marks(claims), columns(table, claims), []
    for arm, rows in table.groupby("arm", sort=False):
        line = [score(known.get((str(arm), *column[:4])), verdicts) for column in named]
        remarks = rows["remarks"].dropna()
        found.append((str(arm), str(remarks.iloc[0]) if len(remarks) else "", line))
    return found


def score(row: Mapping[str, Any] | None, verdicts: Mapping[Key, list[Mark]]) -> Score | None:
    """Mean, sd and interval of a row of the table with its marks."""
    if row is None or pd.isna(row["mean"]):
        return None
    interval = limits(row["ci_low"], row["ci_high"], row["metric"])
    of_models = limits(row["models_ci_low"], row["models_ci_high"], row["metric"]).translate(BRACES)
    key = tuple(row[name] for name in KEY)
    return Score(
        mean_and_sd(row["mean"], row["sd"], row["metric"]),
        interval or of_models,
        verdicts.get(key, []),
        dialog_of(*key[:3]),
        any(mark.symbol == BETTER_MARK for mark in verdicts.get(key, [])),
    )


def dialog_of(arm: str, task: str, regime: str) -> str:
    """The id of the dialog of an arm's cell; names of arms and tasks have no space."""
    return f"cell--{task}--{regime}--{arm}"


def heading(metric: str) -> str:
    """A metric's name with its unit and direction.

    >>> heading("macro_f1"), heading("hd95")
    ('macro-F1 (%)', 'frame-size HD95 (pixels) ↓')
    """
    unit = " (%)" if metric_named(metric).percent else ""
    return f"{title(metric)}{unit}{' ↓' if lower_is_better(metric) else ''}"


class Value(NamedTuple):
    """A cell of the table of details: the text, and the number to sort by ("" for text and for nothing)."""

    text: str
    number: str = ""


def details(table: pd.DataFrame, claims: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per arm, task, regime, level and metric: names, values to sort by, marks, the dialog that it opens."""
    verdicts = marks(claims)
    return [detail(row, verdicts) for row in with_level(table).dropna(subset=["metric"]).to_dict("records")]


def detail(row: Mapping[str, Any], verdicts: Mapping[Key, list[Mark]]) -> dict[str, Any]:
    """A row of the details."""
    metric = row["metric"]
    share = metric_named(metric).percent
    names = {key: row[key] for key in ("arm", "task", "regime")}
    far = "" if pd.isna(row["difference"]) else (points if share else number)(row["difference"], "+")
    values = [value(row[key], metric) for key in ("mean", "sd", "ci_low", "ci_high")]
    values += [
        Value("" if pd.isna(row["rank"]) else f"{row['rank']:g}", to_sort_by(row["rank"])),
        Value(far, to_sort_by(row["difference"])),
        Value("" if pd.isna(row["p"]) else p_value(row["p"]), to_sort_by(row["p"])),
    ]
    more = {"metric": title(metric), "main": not part_of(metric), "values": values}
    more |= {"level": row["level"], "marks": verdicts.get(tuple(row[name] for name in KEY), [])}
    return names | more | {"opens": dialog_of(**names)}


def value(of: float, metric: str) -> Value:
    """A score of a metric."""
    return Value("", "") if pd.isna(of) else Value(shown(of, metric), to_sort_by(of))


def to_sort_by(of: float) -> str:
    """A number to sort by.

    >>> to_sort_by(0.25), to_sort_by(float("nan"))
    ('0.25', '')
    """
    return "" if pd.isna(of) else f"{of:.6g}"


def used(lines: Sequence[tuple[str, str, list[Score | None]]]) -> dict[str, str]:
    """The marks that a table uses, with their meaning."""
    present = {mark.symbol for _, _, line in lines for each in line if each for mark in each.marks}
    return {symbol: words for symbol, words in LEGEND.items() if symbol in present}

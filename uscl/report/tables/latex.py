r"""The result table for a paper: LaTeX that needs no package but booktabs (\usepackage{booktabs})."""

import re
from typing import Any

import pandas as pd

from uscl.metrics.registry import MAIN, PRIMARY, lower_is_better, title
from uscl.report.tables.absences import absences
from uscl.report.tables.markdown import of_frames
from uscl.report.tables.names import CHANCE_MARK, MARK
from uscl.report.tables.writing import BRACES, limits, mean_and_sd
from uscl.stats.level_names import FRAME, place
from uscl.stats.level_tables import level_by_level

SPECIAL = {character: f"\\{character}" for character in "&%$#_{}"}
SPECIAL |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}
SPECIAL |= {
    "<": "$<$",
    ">": "$>$",
    "|": "$|$",
    "±": r"$\pm$",
    "↓": r"$\downarrow$",
    MARK: r"$\dagger$",
    CHANCE_MARK: r"$\ddagger$",
}


def latex(table: pd.DataFrame, study: str) -> str:
    """`table.tex`: one table environment per task, regime and level, with the main metrics of `result_table`.

    Every arm has two lines: mean and standard deviation, and below them the confidence interval. Exactly the rows that
    with a `better_than` are bold. A paragraph after the tables lists what is missing or undefined.
    """
    parts = [
        environment(of_level, study, level)
        for _, rows in table.groupby(["task", "regime"], sort=False)
        for level, of_level in level_by_level(rows)
    ]
    if reasons := absences(table):
        parts.append(rf"\noindent Missing and undefined. {escaped(' '.join(reasons))}")
    return "\n\n".join([r"% Needs \usepackage{booktabs}.", *parts]) + "\n"


def escaped(text: str) -> str:
    r"""Text that LaTeX prints as it is.

    >>> print(escaped("meta_uscl & 95 %"))
    meta\_uscl \& 95 \%
    """
    return re.sub("|".join(map(re.escape, SPECIAL)), lambda found: SPECIAL[found[0]], text)


def environment(rows: pd.DataFrame, study: str, level: str) -> str:
    """The table environment of one task in one regime, at one level."""
    present = set(rows["metric"])
    metrics = [metric for metric in MAIN if metric in present]
    label = f"{rows['task'].iloc[0]}-{rows['regime'].iloc[0]}" + (f"-{level}" if level != FRAME else "")
    body = [arm_lines(of_arm, metrics) for _, of_arm in rows.groupby("arm", sort=False)]
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}\setlength{\belowcaptionskip}{6pt}",
            rf"\caption{{{caption(rows, study, level)}}}",
            rf"\label{{tab:{label}}}",
            rf"\begin{{tabular}}{{l{'c' * len(metrics)}r}}",
            r"\toprule",
            " & ".join(["arm", *map(heading, metrics), "rank"]) + r" \\",
            r"\midrule",
            "\n\\addlinespace\n".join(body),
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
    )


def heading(metric: str) -> str:
    """A metric's name, on two lines if it has two words, with an arrow down where lower is better."""
    first, *rest = title(metric).split(" ", 1)
    name = rf"{escaped(first)}\\{escaped(rest[0])}" if rest else escaped(first)
    return rf"\shortstack{{{name}{' ' + SPECIAL['↓'] if lower_is_better(metric) else ''}}}"


def arm_lines(of_arm: pd.DataFrame, metrics: list[str]) -> str:
    """The two lines of an arm: means and standard deviations with the rank, then the intervals."""
    known = {row["metric"]: row for row in of_arm.to_dict("records")}
    primary = next((known[metric] for metric in metrics if metric in PRIMARY and metric in known), None)
    rank = "--" if primary is None or pd.isna(primary["rank"]) else f"{primary['rank']:g}"
    name = escaped(of_arm["arm"].iloc[0]) + (rf"\,{SPECIAL[MARK]}" if of_arm["pool_labels"].any() else "")
    name += rf"\,{SPECIAL[CHANCE_MARK]}" if of_arm["at_chance"].any() else ""
    first = [name, *(score(known.get(metric)) for metric in metrics), rank]
    second = ["", *(interval(known.get(metric)) for metric in metrics), ""]
    return "\n".join(" & ".join(line) + r" \\" for line in (first, second))


def score(row: dict[str, Any] | None) -> str:
    """Mean and standard deviation, bold if the arm is shown to be better than another."""
    if row is None or pd.isna(row["mean"]):
        return "--"
    text = escaped(mean_and_sd(row["mean"], row["sd"], row["metric"]))
    return rf"\textbf{{{text}}}" if isinstance(row["better_than"], str) else text


def interval(row: dict[str, Any] | None) -> str:
    """The confidence interval, in small type; in braces if it is of these models alone."""
    text = "" if row is None else limits(row["ci_low"], row["ci_high"], row["metric"])
    if row is not None and not text:
        of_models = limits(row["models_ci_low"], row["models_ci_high"], row["metric"])
        text = escaped(of_models.translate(BRACES))
    return rf"{{\scriptsize {text}}}" if text else ""


def caption(rows: pd.DataFrame, study: str, level: str) -> str:
    """What the numbers are and what bold means."""
    where = place({"task": rows["task"].iloc[0], "regime": rows["regime"].iloc[0], "level": level})
    trainings, cases = (int(rows[column].max()) for column in ("trainings", "n_cases"))
    text = f"Study {study}, {where}: mean ± standard deviation over trainings ({trainings}), in percent unless"
    text += (
        " a unit is named, and 95 % confidence interval over trainings and patients; in braces, if there is none, of"
    )
    text += f" these models alone ({cases} test cases of {rows['groups'].dropna().iloc[0]})."
    text += " Bold: shown to be better than another arm in a primary comparison (method test, Holm p < 0.05)."
    text += of_frames(rows)
    primary = next(metric for metric in rows["metric"] if metric in PRIMARY)
    text += f" Rank: by {title(primary)}."
    if rows["pool_labels"].any():
        text += f" {MARK}: sees class labels of the pretraining pool."
    if rows["at_chance"].any():
        text += f" {CHANCE_MARK}: a pretraining of the arm has not learned to tell videos apart."
    return escaped(text)

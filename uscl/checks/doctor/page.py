"""The doctor's page: plain text, one screen or so."""

import textwrap

from uscl.checks.doctor.page_lines import Line, duration
from uscl.checks.doctor.report import Report

WIDTH = 120
LONGEST = 3  # lines that one finding may take


def page(report: Report) -> str:
    """The whole page; ends with what to do next."""
    parts = [f"Study '{report.study}': what it needs, and what is there", ""]
    for section in report.sections:
        parts.append(section.title)
        for line in section.lines:
            parts += shown(line)
    return "\n".join([*parts, "", *wrapped(f"Next: {advice(report)}", "", "")]) + "\n"


def shown(line: Line) -> list[str]:
    """A finding with its mark, on as many lines as it takes."""
    return wrapped(line.text, f"  {line.mark:9}", " " * 11) if line.mark else wrapped(line.text, "  ", "    ")


def wrapped(text: str, first: str, other: str) -> list[str]:
    """A text as lines that begin with `first`, then `other`; paths and addresses stay whole."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=other,
        max_lines=LONGEST,
        break_long_words=False,
        break_on_hyphens=False,
    )


def advice(report: Report) -> str:
    """One sentence on what to do next."""
    absent = [
        (section.title, line.text) for section in report.sections for line in section.lines if line.mark == "missing"
    ]
    if absent:
        title, text = absent[0]
        more = f" (and {len(absent) - 1} more marked missing)" if len(absent) > 1 else ""
        return f"mend what is missing under {title}{more}: {' '.join(text.split())}"
    if report.left_s == 0:
        return "every job has run: read table.md and claims.md in the results folder."
    took = "" if report.left_s is None else f", which should take about {duration(report.left_s)}"
    return f"nothing is missing: run the study with `snakemake --cores all`{took}."

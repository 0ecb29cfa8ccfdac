"""The doctor's page: plain text, one screen or so."""

import textwrap

from uscl.checks.doctor.findings import Finding
from uscl.checks.doctor.report import Report

WIDTH = 120
LONGEST = 8  # lines that one finding may take
UNBROKEN = "\N{NO-BREAK SPACE}"


def page(report: Report) -> str:
    """The whole page; ends with what to do next."""
    parts = [f"Study '{report.study}': what it needs, and what is there", ""]
    for section in report.sections:
        parts.append(section.title)
        for finding in section.findings:
            parts += shown(finding)
    whole = report._replace(command=report.command.replace(" ", UNBROKEN))  # a line to copy
    last = (line.replace(UNBROKEN, " ") for line in wrapped(f"Next: {advice(whole)}", "", ""))
    return "\n".join([*parts, "", *last]) + "\n"


def shown(finding: Finding) -> list[str]:
    """A finding with its mark, wrapped over several lines if necessary; a row of a table stays on one line."""
    if not finding.mark:
        return [f"  {finding.text}"]
    return wrapped(finding.text, f"  {finding.mark:9}", " " * 11)


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
    absent = [(section.title, f.text) for section in report.sections for f in section.findings if f.mark == "missing"]
    if absent:
        title, text = absent[0]
        more = f" (and {len(absent) - 1} more marked missing)" if len(absent) > 1 else ""
        return f"get or correct what is missing under {title}{more}: {' '.join(text.split())}"
    if report.finished:
        return "every job has run: read table.md and claims.md in the results folder."
    if report.downloads:
        return f"run the study with `{report.command}`, which first downloads {' and '.join(report.downloads)}."
    return f"nothing is missing: run the study with `{report.command}`."

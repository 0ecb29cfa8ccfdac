"""The page of the workflow's rules, from the files that declare them."""

import re
from pathlib import Path
from typing import NamedTuple

from docs_build.pages import MARK, table
from uscl.study.rules import AUTHORS, CELL, CELL_NAME, EVALUATION

HEAD = """# Rules

The workflow is a graph of rules; an arrow points from a rule to one that reads its files. Snakemake runs those whose
outputs are missing, or whose inputs, settings or code have changed. `<results>` is the folder that the study's file
names.

![The graph of the rules, from simulated or fetched data at the top to table, claims and figures below.](rules.svg)

*The graph that Snakemake plans for simulated data with all options, and for the public sets.*
"""
NAMES = {"CELL": CELL, "CELL_NAME": CELL_NAME, "EVALUATION": EVALUATION, "by.AUTHORS": AUTHORS}


class Rule(NamedTuple):
    """A rule: its name, what it does, and the files that it writes; a target writes none."""

    name: str
    message: str
    outputs: list[str]


def page(folder: Path) -> str:
    """The page: one table per file of rules."""
    parts = [HEAD]
    for file in sorted(folder.glob("*.smk")):
        rows = [
            [
                f"`{rule.name}`",
                rule.message or "a target: makes what its name says",
                "<br>".join(map(code, rule.outputs)),
            ]
            for rule in rules_of(file.read_text(encoding="utf-8"))
        ]
        parts.append(f"## {file.stem}\n\n{table(['rule', 'what it does', 'writes'], rows)}")
    return MARK.format("workflow/rules") + "\n".join(parts)


def rules_of(text: str) -> list[Rule]:
    """The rules that a file declares, in its order."""
    return [Rule(name, message(body), outputs(body)) for name, body in bodies(text).items()]


def bodies(text: str) -> dict[str, str]:
    """The text of each rule in a file, by its name."""
    parts = re.split(r"^rule (\w+):\n", text, flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


def block(body: str, name: str) -> str:
    """The lines of one directive of a rule."""
    found = re.search(rf"^    {name}:\n((?:        .*\n|\n)+)", body, re.MULTILINE)
    return found[1] if found else ""


def message(body: str) -> str:
    """What a rule says when it starts, with <names> for wildcards; of a target its docstring."""
    described = re.match(r'    """(.*)"""\n', body)
    text = described[1] if described else "".join(re.findall(r'"([^"]*)"', block(body, "message")))
    return re.sub(r"\{wildcards\.(\w+)\}", r"<\1>", text).replace("<", "&lt;")


def outputs(body: str) -> list[str]:
    """The files that a rule writes; those that only the study can name are left to the page of results."""
    return [expanded(path) for path in re.findall(r'"(<results>/[^"]*)"', block(body, "output"))]


def expanded(path: str) -> str:
    """A path with <names> for wildcards."""
    for name, value in NAMES.items():
        path = path.replace(f"{{{name}}}", value)
    return re.sub(r"\{+(\w+)\}+", r"<\1>", path)


def code(path: str) -> str:
    """A path as code."""
    return f"`{path}`"

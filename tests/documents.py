"""The pages that people read, and the commands in them."""

import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
GENERATED = {"config.md", "outputs.md", "benchmarks.md"}  # copies of the three files at the end of PAGES
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if page.name not in GENERATED),
    *(ROOT / folder / "README.md" for folder in ("config", "results", "benchmarks")),
]
PROGRAMS = (
    *("apptainer", "conda", "docker", "git", "make", "mlflow", "pip", "pytest", "python", "snakedeploy", "snakemake"),
    *("source", "uscl"),
)


def blocks(page, language):
    """The code blocks of a language in a page; a language without a name is that of indented blocks."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page):
    """All commands in a page, of its blocks and inside its lines; one command per line, without comments."""
    text = page.read_text(encoding="utf-8")
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    inside = re.findall(rf"`((?:{'|'.join(PROGRAMS)}) [^`]+)`", prose)
    indented = re.findall(rf"^    ((?:{'|'.join(PROGRAMS)}) .*)$", prose, re.MULTILINE)
    return [cleaned(line) for line in [*lines_of(page), *indented, *inside]]


def lines_of(page):
    """The commands of a page's blocks of bash; a backslash continues a line, a quote reaches over several."""
    for block in blocks(page, "bash"):
        line = ""
        for part in block.replace("\\\n", " ").splitlines():
            line = f"{line} {part.strip()}" if line else part.strip()
            if line.count("'") % 2 == 0:
                yield line
                line = ""


def cleaned(command):
    """A command without the folder of the environment, a comment and further blanks."""
    return " ".join(re.sub(r"\s+# .*", "", command).replace(".venv/bin/uscl", "uscl").split())


def listed():
    """What a test does with each command (tests/contract/documented_commands.yaml)."""
    return yaml.safe_load((ROOT / "tests/contract/documented_commands.yaml").read_text(encoding="utf-8"))

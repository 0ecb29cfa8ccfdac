"""The graph of the workflow's rules as a drawing, from Snakemake's own plans."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.sax.saxutils import escape

import networkx as nx

GIVEN = "{theirs: {method: features, file: f.parquet}, others: {method: predictions, folder: p}}"
OWN_SETS = "{own: {kind: image_csv, data_root: own}, other: {kind: image_csv, data_root: other}}"
OWN_TASK = "{t: {kind: classification, dataset: own, regimes: [linear], splits: {given: part}, external: [other]}}"
# Targets, a study's file, and further settings: a study with nearly all options on simulated data, one with arms from
# files, one with a split that is given and an external set, one with a mean over tasks, and the steps of fetched data.
PLANS: tuple[tuple[list[str], str, list[str]], ...] = (
    (["all", "label_fractions", "data"], "tests/integration/tiny.yaml", []),
    (["table"], "tests/integration/tiny.yaml", [f"methods={GIVEN}"]),
    (["table"], "tests/integration/tiny.yaml", [f"datasets={OWN_SETS}", f"tasks={OWN_TASK}"]),
    (["all"], "tests/integration/levels.yaml", []),
    (["data"], "config/public.yaml", []),
)
BOX_HEIGHT, GAP, ROW, LETTER, PAD = 26, 16, 64, 7.2, 12  # pixels
SWEEPS = 12


def of_workflow(project: Path) -> nx.DiGraph:
    """The rules and what reads what, without `all` and without arrows that others imply."""
    edges: set[tuple[str, str]] = set()
    with tempfile.TemporaryDirectory() as scratch:
        for targets, study, settings in PLANS:
            read = ["--configfile", study, "--config", f"results={scratch}/results", *settings]
            call = [sys.executable, "-m", "snakemake", *targets, *read, "--rulegraph"]
            done = subprocess.run(call, cwd=project, capture_output=True, text=True, check=True)
            edges |= edges_of(done.stdout)
    graph = nx.DiGraph(sorted(edge for edge in edges if "all" not in edge))
    return nx.transitive_reduction(graph)


def edges_of(dot: str) -> set[tuple[str, str]]:
    """The edges of Snakemake's graph in the language of Graphviz, by the rules' names."""
    names = dict(re.findall(r'^\s*(\d+)\s*\[\s*label\s*=\s*"(\w+)', dot, re.MULTILINE))
    return {(names[one], names[other]) for one, other in re.findall(r"^\s*(\d+)\s*->\s*(\d+)", dot, re.MULTILINE)}


def rows_of(graph: nx.DiGraph) -> list[list[str]]:
    """The rules in rows: each below all that it reads, and in a row near what it reads and what reads it."""
    rows = [sorted(row) for row in nx.topological_generations(graph)]
    for sweep in range(SWEEPS):
        place = {name: (k + 0.5) / len(row) for row in rows for k, name in enumerate(row)}
        neighbours = graph.predecessors if sweep % 2 == 0 else graph.successors
        for row in rows:
            row.sort(key=lambda name: (mean([place[other] for other in neighbours(name)], place[name]), name))
    return rows


def mean(values: list[float], otherwise: float) -> float:
    """The mean of some values, if there are any."""
    return sum(values) / len(values) if values else otherwise


def svg(graph: nx.DiGraph) -> str:
    """The drawing. Pure text, so that the same rules always give the same bytes."""
    rows = rows_of(graph)
    widths = {name: len(name) * LETTER + 2 * PAD for name in graph}
    total = max(sum(widths[name] + GAP for name in row) for row in rows) + GAP
    boxes: dict[str, tuple[float, float, float]] = {}  # left, top, width
    for number, row in enumerate(rows):
        free = total - sum(widths[name] for name in row)
        left = space = free / (len(row) + 1)
        for name in row:
            boxes[name] = (left, GAP + number * ROW, widths[name])
            left += widths[name] + space
    height = GAP + (len(rows) - 1) * ROW + BOX_HEIGHT + GAP
    shapes = [arrow(boxes[one], boxes[other]) for one, other in sorted(graph.edges)]
    shapes += [box(name, *boxes[name]) for name in sorted(boxes)]
    return "\n".join([head(total, height), *shapes, "</svg>"]) + "\n"


def head(width: float, height: float) -> str:
    """The start of the drawing: white ground, so that it is legible in the dark, and the head of an arrow."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" role="img"'
        ' font-family="sans-serif" font-size="13">\n<title>The graph of the rules</title>\n'
        '<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0,0 L8,4 L0,8 z" fill="#7a8794"/></marker></defs>\n'
        f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="#ffffff"/>'
    )


def box(name: str, left: float, top: float, width: float) -> str:
    """A rule."""
    return (
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BOX_HEIGHT}" rx="6" fill="#e8f1f8"'
        ' stroke="#0b5c8a"/>'
        f'<text x="{left + width / 2:.1f}" y="{top + 17}" text-anchor="middle" fill="#12303f">{escape(name)}</text>'
    )


def arrow(one: tuple[float, float, float], other: tuple[float, float, float]) -> str:
    """An arrow from the bottom of one rule to the top of another."""
    x, y = one[0] + one[2] / 2, one[1] + BOX_HEIGHT
    to_x, to_y = other[0] + other[2] / 2, other[1]
    bend = min(40.0, (to_y - y) / 2)
    path = f"M{x:.1f},{y} C{x:.1f},{y + bend:.1f} {to_x:.1f},{to_y - bend:.1f} {to_x:.1f},{to_y}"
    return f'<path d="{path}" fill="none" stroke="#9aa7b3" marker-end="url(#a)"/>'

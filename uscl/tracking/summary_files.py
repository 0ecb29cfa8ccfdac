"""The files that sum up several runs: those of the cells of the table, and of the runs of each cell.

Imports neither MLflow nor pandas: a call checks them every few seconds.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from uscl.tracking import plan as plans
from uscl.tracking.run_files import ALL_LABELS, Call, RunFiles, find_runs, fingerprint, place_of

GATHERED, SUMMARY = "gathered", "summary"  # the beginning of the keys
OF_STUDY = (
    *("table.csv", "table.provenance.json", "claims.csv", "claims.md"),
    *("costs.csv", "external.csv", "audit/audit.html"),
)
OVERVIEW = "figures/overview.png"


def find_all(results: Path, call: Call) -> list[RunFiles]:
    """Everything to log: the plan, the cells that gather runs, these runs themselves, and the cells of the table."""
    runs = find_runs(results, call)
    return [*of_plan(results), *gathered(results, runs), *runs, *summaries(results)]


def of_plan(results: Path) -> Iterator[RunFiles]:
    """The plan, from which the views are made."""
    path = results / plans.NAME
    if path.exists():
        yield RunFiles(plans.NAME, path, fingerprint(path))


def gathered(results: Path, runs: list[RunFiles]) -> Iterator[RunFiles]:
    """One entry per task x regime x labels x arm that has a run: `more` are the files with the records of its runs."""
    found: dict[str, list[Path]] = defaultdict(list)
    for run in runs:
        if run.attempt and "task" in run.attempt["tags"]:
            found[place_of(run.attempt).parent.as_posix()].append(run.file)
        elif run.key.startswith("cells/"):
            found[run.file.parent.parent.relative_to(results / "cells").as_posix()].append(run.file)
    for place, files in found.items():
        task, regime, labels, _ = place.split("/")
        marks = fingerprint(*files, *statistics(results, task, regime, labels))
        yield RunFiles(f"{GATHERED}/{place}", results / "cells" / place, marks, more=tuple(files))


def summaries(results: Path) -> Iterator[RunFiles]:
    """One entry per cell of the table of which a run has ended: `more` are the outcomes of these runs."""
    plan = plans.read_plan(results)
    if plan is None:
        return
    common = fingerprint(results / plans.NAME, *(results / name for name in (*OF_STUDY, OVERVIEW)))
    for task, regime in plan.evaluations:
        card = results / data_card(plan.tasks[task]["dataset"])
        evaluation = common + fingerprint(card, *statistics(results, task, regime, ALL_LABELS))
        for arm in (arm for *place, arm in plan.cells if place == [task, regime]):
            folder = results / "cells" / task / regime / ALL_LABELS / arm
            paths = [folder / f"seed{seed}" / "outcome.json" for seed in plan.seeds]
            if there := tuple(path for path in paths if path.exists()):
                marks = hashlib.sha256((evaluation + fingerprint(*paths)).encode()).hexdigest()[:16]
                yield RunFiles(f"{SUMMARY}/{task}/{regime}/{arm}", folder, marks, more=there)


def statistics(results: Path, task: str, regime: str, labels: str) -> list[Path]:
    """The files by which the statistics of an evaluation are known to be new."""
    folder = results / "statistics" / f"{task}-{regime}-{labels}"
    return [folder / "intervals.csv", folder / "cases.provenance.json"]


def data_card(dataset: str) -> str:
    """The path of the card of a data set in the results."""
    return f"data_cards/{dataset}.md"

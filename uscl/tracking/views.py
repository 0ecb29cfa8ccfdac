"""Saved views of MLflow's pages: which runs of an experiment they show, in which columns, order and charts.

MLflow keeps a saved view as a tag of its experiment. A link with the view's key opens it without a click.
"""

import base64
import json
import zlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from uscl.tracking.links import key_of, of_view
from uscl.tracking.plan import SIMULATED, Plan
from uscl.tracking.summary_files import SUMMARY

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

TAG = "mlflow.sharedViewState."
LATEST = "attributes.start_time"  # in this order alone, and without a condition, the page nests runs
NOTE = "mlflow.note.content"
PRETRAIN = "pretrain"
# What MLflow's page keeps too.
DEFAULTS = {
    "startTime": "ALL",
    "lifecycleFilter": "Active",
    "datasetsFilter": [],
    "modelVersionFilter": "All Runs",
    "runsHiddenMode": "FIRST_20_RUNS",
    "viewMaximized": False,
    "runListHidden": False,
    "isAccordionReordered": True,
    "useGroupedValuesInCharts": True,
    "hideEmptyCharts": True,
    "groupBy": None,
    "groupsExpanded": {},
    "autoRefreshEnabled": True,
}
SECTION = {"uuid": "main", "name": "Main", "display": True, "isReordered": False}
WIDTHS = {"tags.`verdict`": 240, "tags.`p`": 110, "tags.`state`": 210, "tags.`ci`": 210, "tags.`rank`": 70}
WIDTHS |= {"metrics.`mean`": 70, "metrics.`ci_low`": 70, "metrics.`ci_high`": 70}
TABLE = [
    *("tags.`rank`", "metrics.`mean`", "metrics.`ci_low`", "metrics.`ci_high`", "tags.`verdict`", "tags.`p`"),
    *("metrics.`difference`", "tags.`against`", "tags.`state`", "tags.`ci`", "metrics.`sd`", "metrics.`trainings`"),
]
RUNS = ["tags.`regime`", "tags.`arm`", "tags.`seed`", "tags.`trainings`"]
ENCODERS = ["tags.`arm`", "tags.`seed`", "tags.`learned`", "metrics.`train/loss`", "metrics.`val/loss`"]


class View(NamedTuple):
    """A saved view: its title, its columns and charts, the condition on runs, and what they are sorted by."""

    title: str
    columns: list[str]
    charts: list[str]
    condition: str = ""
    order: str = LATEST

    @property
    def state(self) -> dict[str, Any]:
        """The view as MLflow's page for runs keeps it."""
        return {
            **DEFAULTS,
            "searchFilter": self.condition,
            "orderByKey": self.order,
            "orderByAsc": self.order != LATEST,
            "selectedColumns": self.columns,
            "columnOrder": self.columns,
            "columnWidths": {name: WIDTHS.get(name, 100) for name in self.columns},
            # Without any, the page has a chart per metric, in a section per group.
            "compareRunCharts": [chart(name) for name in self.charts] or None,
            "compareRunSections": [SECTION] if self.charts else None,
        }

    @property
    def tag(self) -> str:
        """The tag's value; the same view always has the same."""
        packed = base64.b64encode(zlib.compress(json.dumps(self.state, sort_keys=True).encode())).decode()
        return json.dumps({"name": self.title, "createdAt": 0, "updatedAt": 0, "state": f"deflate;{packed}"})


def chart(metric: str) -> dict[str, Any]:
    """A bar chart of a metric, one bar per run."""
    known = {"type": "BAR", "uuid": f"bar-{metric}", "metricSectionId": SECTION["uuid"], "runsCountToCompare": 20}
    return known | {"metricKey": metric, "displayName": metric, "deleted": False, "isGenerated": False}


def views_of(plan: Plan) -> dict[str, dict[str, View]]:
    """All views of a study by experiment and key: one per task and per task x regime of the table, and of the runs."""
    order = "tags.`uscl.order`"
    of_table = {key_of(): View("all tasks", ["tags.`task`", *TABLE], ["mean", "rank"], "", "tags.`task`")}
    for task in plan.tasks:
        of_table[key_of(task)] = View(task, TABLE, ["mean", "rank"], f"tags.task = '{task}'", order)
    for task, regime in plan.evaluations:
        condition = f"tags.task = '{task}' and tags.regime = '{regime}'"
        of_table[key_of(task, regime)] = View(f"{task}, {regime}", TABLE, ["mean", "rank"], condition, order)
    runs = {task: {"runs": View(f"runs on {task}", [*RUNS, *scores(plan, task)], [])} for task in plan.tasks}
    return {SUMMARY: of_table, PRETRAIN: {"runs": View("encoders", ENCODERS, [])}, **runs}


def scores(plan: Plan, task: str) -> list[str]:
    """The columns of a task's scores."""
    from uscl.metrics.registry import primary

    main = primary(plan.tasks[task]["kind"])
    return [f"metrics.`test/{main}`", f"metrics.`test/{main}_sd`", "metrics.`val/loss`"]


def tags_of(plan: Plan, number: Callable[[str], str]) -> dict[str, dict[str, str]]:
    """The tags of every experiment: its views, and a note that links to them."""
    found = {}
    for name, views in views_of(plan).items():
        links = [f"- [{view.title}]({of_view(number(name), key)})" for key, view in views.items()]
        note = "\n".join([*([SIMULATED] if plan.simulated else []), about(name), "", *links])
        found[name] = {NOTE: note} | {f"{TAG}{key}": view.tag for key, view in views.items()}
    return found


def about(experiment: str) -> str:
    """What an experiment holds."""
    if experiment == SUMMARY:
        return (
            "One run per cell of the table (arm x task x regime), over folds and trainings: mean, interval, rank,"
            " verdict. What may be claimed: claims.md, an artifact of every run. Views:"
        )
    if experiment == PRETRAIN:
        return "One run per encoder and seed. Views:"
    return f"The runs on {experiment}: per cell of the table its trainings, and in each its folds. Views:"


def write_views(client: "MlflowClient", plan: Plan, number: Callable[[str], str]) -> bool:
    """Save the views of a study; `number` gives the number of an experiment. Returns whether any was missing.

    Runs of cells that the plan no longer has leave the summary.
    """
    changed = False
    for name, tags in tags_of(plan, number).items():
        there = client.get_experiment(number(name)).tags
        for key, value in tags.items():
            if there.get(key) != value:
                client.set_experiment_tag(number(name), key, value)
                changed = True
    expected = {f"{SUMMARY}/{'/'.join(cell)}" for cell in plan.cells}
    for run in client.search_runs([number(SUMMARY)]):
        if run.data.tags.get("uscl.key") not in expected:
            client.delete_run(run.info.run_id)
    return changed

"""The runs that sum up others: cells of the table in STUDY/summary, and cells with their trainings in STUDY/task."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from uscl.data.few_labels import labels_named
from uscl.jobs.outcome import read_outcome
from uscl.jobs.run_record import read_record
from uscl.report.tables import writing
from uscl.stats.level_tables import main_level
from uscl.tracking.cell_state import PENDING, CellState, state_of
from uscl.tracking.notes import cell_note, summary_note
from uscl.tracking.plan import Plan
from uscl.tracking.result_tables import ResultTables
from uscl.tracking.run import Run
from uscl.tracking.run_files import RunFiles
from uscl.tracking.summary_files import OVERVIEW, SUMMARY, data_card
from uscl.tracking.table_page import table_page

UNRANKED = 9999.0  # sorts cells without a rank after all others
DECIMALS = 4
NOT_COMPARED = "-"


def summary_run(results: Path, plan: Plan, files: RunFiles, tables: ResultTables) -> Run:
    """The run of a cell of the table, over its folds and trainings."""
    _, task, regime, arm = files.key.split("/")
    state = state_of(results, plan, (task, regime, arm), tables)
    table = tables.of_study("table.csv") if state.judged else None
    records = records_at(files.more)
    reason = "; ".join(f"seed {seed}: {why}" for seed, why in state.failed.items()) or None
    return Run(
        {
            "name": files.key,
            "title": f"{arm} ({regime})",
            "place": SUMMARY,
            "params": {"task": task, "regime": regime, "arm": arm, "seeds": plan.seeds},
            "tags": tags_of(plan, task, arm, state.metric) | {"runs": f"{task}/{regime}/{arm}"},
            **span(records),
        },
        metrics=metrics_of(state) | external_metrics(tables, (task, regime, arm)),
        artifacts=tuple(path for path in pages(results, plan, task) if path.exists()) if state.judged else (),
        texts={"table.html": table_page(table, plan, task, state.metric)} if table is not None else {},
        state=words_of(plan, (task, regime, arm), state),
        note=summary_note(plan, (task, regime, arm), state),
        reason=reason,
        gathered=records,
        provisional=not state.judged and not reason,
    )


def tags_of(plan: Plan, task: str, arm: str, metric: str) -> dict[str, str]:
    """The axes of the study that are not settings of the cell."""
    return {
        "arm": arm,
        "method": plan.arms[arm],
        "encoder": plan.encoders.get(arm, "not known"),
        "dataset": plan.tasks[task]["dataset"],
        "kind": plan.tasks[task]["kind"],
        "metric": metric,
        "study": plan.study,
        "data": "simulated: machinery, not medicine" if plan.simulated else "real",
    }


def metrics_of(state: CellState) -> dict[str, float]:
    """The numbers of the cell: those of the primary metric by their own names, the means of all, the costs."""
    numbers = state.numbers
    found: dict[str, float] = {}
    if numbers:
        low, high, _ = state.interval
        found = {"mean": numbers["mean"], "sd": numbers["sd"], "ci_low": low, "ci_high": high}
        found = {name: round(value, DECIMALS) for name, value in found.items()}  # as a table shows it
        found["trainings"] = numbers["trainings"]
    if state.rank is not None:
        found["rank"] = state.rank
    if state.claims:
        claim = state.claims[0]
        found |= {"difference": round(claim["difference"], DECIMALS), "p": claim["p"], "p_holm": claim["p_holm"]}
    if len(state.intervals):
        means = state.intervals[["metric", "mean"]].itertuples(index=False, name=None)
        found |= {f"test/{metric}": mean for metric, mean in means}
    if state.others is not None:
        found |= {f"test_{row['level']}/{row['metric']}": row["mean"] for row in state.others.to_dict("records")}
    found |= {f"cost/{name}": value for name, value in (state.costs or {}).items()}
    return {name: float(value) for name, value in found.items() if pd.notna(value)}


def external_metrics(tables: ResultTables, cell: tuple[str, str, str]) -> dict[str, float]:
    """The means of a cell on external sets, `external/SET/METRIC`, once the table of external tests is made."""
    table = tables.of_study("external.csv")
    if table is None:
        return {}
    rows = main_level(table[(table[["task", "regime", "arm"]] == list(cell)).all(axis=1)])
    means = rows[["test_set", "metric", "mean"]].itertuples(index=False, name=None)
    return {f"external/{dataset}/{metric}": float(mean) for dataset, metric, mean in means if pd.notna(mean)}


def words_of(plan: Plan, cell: tuple[str, str, str], state: CellState) -> dict[str, str]:
    """The tags that readers of the table look at: `pending` until all runs that a number rests on have ended."""
    task, regime, _ = cell
    order = plan.tasks[task]["regimes"].index(regime)
    words = {"uscl.order": f"{order:02d} {UNRANKED if state.rank is None else state.rank:06.1f}"}
    if state.failed:
        return words | {"state": "failed", "rank": NOT_COMPARED, "p": NOT_COMPARED, "verdict": "failed"}
    progress = f"{len(state.done)} of {len(plan.seeds)} trainings"
    known = "final" if state.judged else f"{'scored' if state.scored else 'provisional'}: {progress}"
    words |= {
        "state": known,
        "rank": f"{state.rank:g} of {state.ranked}" if state.rank is not None else PENDING,
        "ci": f"95 %, over {state.interval[2]}" if state.numbers else NOT_COMPARED,
    }
    if not state.judged:
        return words | {"p": PENDING, "verdict": f"{PENDING} ({known})", "against": PENDING}
    return words | words_of_claims(state.claims, is_reference=cell[-1] == plan.reference)


def words_of_claims(claims: Sequence[dict[str, Any]], *, is_reference: bool) -> dict[str, str]:
    """What the claims say of an arm: verdicts for primary comparisons, an unadjusted p without verdict for others."""
    if not claims:
        verdict = "the reference" if is_reference else "not compared"
        return {"p": NOT_COMPARED, "verdict": verdict, "against": NOT_COMPARED}
    against = ", ".join(claim["reference"] for claim in claims)
    if not claims[0]["primary"]:
        return {"p": p_value(claims[0]["p"]), "verdict": "secondary: no verdict", "against": against}
    verdicts = "; ".join(verdict_of(claim) for claim in claims)
    return {"p": f"{p_value(claims[0]['p_holm'])} (Holm)", "verdict": verdicts, "against": against}


def verdict_of(claim: dict[str, Any]) -> str:
    """The verdict of a primary comparison, short enough for a column.

    >>> verdict_of({"verdict": "better", "reference": "a"}), verdict_of({"verdict": "not shown", "reference": "a"})
    ('better than a', 'not shown (against a)')
    """
    short = claim["verdict"] in ("better", "worse")
    return (
        f"{claim['verdict']} than {claim['reference']}"
        if short
        else f"{claim['verdict']} (against {claim['reference']})"
    )


def p_value(p: float) -> str:
    """A p value as in the other tables.

    >>> p_value(0.0271), p_value(0.00002), p_value(float("nan"))
    ('0.027', '< 0.001', '-')
    """
    return NOT_COMPARED if pd.isna(p) else writing.p_value(p)


def pages(results: Path, plan: Plan, task: str) -> list[Path]:
    """The pages of the study that belong to every cell of a task."""
    names = ("claims.md", "external.md", OVERVIEW, data_card(plan.tasks[task]["dataset"]), "audit/audit.html")
    return [results / name for name in names]


def cell_run(results: Path, files: RunFiles, tables: ResultTables, seeds: int | None) -> Run:
    """The run in its task's experiment in which the trainings of a cell are nested.

    `seeds` is the number of trainings that the study plans; None if that is unknown.
    """
    _, task, regime, labels, arm = files.key.split("/")
    share = "" if labels == "labels100" else f"/{labels}"
    outcomes = [read_outcome(path) for path in files.more if path.name == "outcome.json"]
    failed = sum(not outcome.done for outcome in outcomes if outcome)
    records = records_at(files.more)
    intervals = tables.intervals(task, regime, labels)
    intervals = None if intervals is None else main_level(intervals)
    means = intervals[intervals["arm"] == arm] if intervals is not None and not failed else pd.DataFrame()
    rows = means[["metric", "mean", "sd"]].itertuples(index=False, name=None) if len(means) else ()
    metrics = {f"test/{name}{end}": value for name, *two in rows for end, value in zip(("", "_sd"), two, strict=True)}
    return Run(
        {
            "name": f"{task}/{regime}{share}/{arm}",
            "params": {"arm": arm, "task": task, "regime": regime, "labels": labels_named(labels)},
            "tags": {"stage": regime, "arm": arm, "task": task},
            **span(records),
        },
        metrics={name: float(value) for name, value in metrics.items() if pd.notna(value)},
        state={"trainings": f"{len(outcomes)}{f' of {seeds}' if seeds else ''}"},
        note=cell_note(task, regime, arm) if labels == "labels100" else "",
        reason=f"{failed} of its trainings failed" if failed else None,
        gathered=records,
        provisional=intervals is None and not failed,
    )


def records_at(files: Iterable[Path]) -> tuple[dict[str, Any], ...]:
    """The records of runs, given by their outcomes or attempts."""
    return tuple(map(record_at, files))


def span(records: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The first start and the last end among runs."""
    starts = [record["started"] for record in records]
    ends = [record.get("ended") or record["started"] for record in records]
    return {"started": min(starts), "ended": max(ends)}


def record_at(path: Path) -> dict[str, Any]:
    """The record of a run by its outcome or its attempt; only the times of one that failed before it had one."""
    content = json.loads(path.read_text(encoding="utf-8"))
    if path.name != "outcome.json":
        return dict(content)
    record = read_record(path.parent) if content["status"] == "done" else content.get("record")
    return record or {"params": {}, "tags": {}, "started": path.stat().st_mtime, "ended": path.stat().st_mtime}

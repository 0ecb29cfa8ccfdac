"""What is known of one cell of the table (arm x task x regime) while a study runs, and when it is done."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from uscl.jobs.outcome import read_outcome
from uscl.metrics.registry import lower_is_better, primary
from uscl.stats.level_names import FRAME
from uscl.stats.level_tables import main_level, with_level
from uscl.stats.levels import Asked, by_level
from uscl.tracking.plan import Plan
from uscl.tracking.result_tables import ResultTables
from uscl.tracking.run_files import ALL_LABELS

MOST_DRAWS = 1000  # of the bootstrap of provisional intervals, which should cost the study nothing
PENDING = "pending"


@dataclass(frozen=True)
class CellState:
    """The trainings of a cell that are done and failed, and its numbers as far as they are known.

    `intervals` has a row per metric at the task's main level (`uscl.stats.summary.intervals`), `others` those of the
    other levels; they are provisional until the evaluation is scored, which is when all its arms have finished or
    failed. `rank` waits for that, and `claim`, the row of
    claims.csv, for the study's whole family of comparisons: nobody sees a p before its time.
    """

    metric: str
    done: dict[int, Path]
    failed: dict[int, str]
    intervals: pd.DataFrame
    scored: bool
    judged: bool
    rank: float | None = None
    ranked: int = 0
    claims: tuple[dict[str, Any], ...] = ()
    costs: dict[str, float] | None = None
    others: pd.DataFrame | None = None

    @property
    def numbers(self) -> dict[str, Any]:
        """The row of the primary metric; empty without one."""
        rows = self.intervals[self.intervals["metric"] == self.metric] if len(self.intervals) else self.intervals
        return rows.iloc[0].to_dict() if len(rows) else {}

    @property
    def interval(self) -> tuple[float, float, str]:
        """The interval of the primary metric and what it is over; of these models if there is no other."""
        numbers = self.numbers
        if pd.notna(numbers["ci_low"]):
            return numbers["ci_low"], numbers["ci_high"], "trainings and patients"
        return numbers["models_ci_low"], numbers["models_ci_high"], "patients, for these models only"


def state_of(results: Path, plan: Plan, cell: tuple[str, str, str], tables: ResultTables) -> CellState:
    """What the result files say of a cell, given by task, regime and arm."""
    task, regime, arm = cell
    kind = plan.tasks[task]["kind"]
    folder = results / "cells" / task / regime / ALL_LABELS / arm
    outcomes = {seed: read_outcome(folder / f"seed{seed}" / "outcome.json") for seed in plan.seeds}
    done = {seed: folder / f"seed{seed}" for seed, outcome in outcomes.items() if outcome and outcome.done}
    failed = {seed: outcome.reason or "" for seed, outcome in outcomes.items() if outcome and not outcome.done}
    scored = tables.intervals(task, regime, ALL_LABELS)
    claims = tables.of_study("claims.csv")
    if scored is None:
        found = pd.DataFrame() if failed else provisional(list(done.values()), task, plan)
        return CellState(primary(kind), done, failed, found, scored=False, judged=False)
    main = main_level(scored)
    rank, ranked = rank_of(main, arm, primary(kind))
    level = str(with_level(main)["level"].iloc[0]) if len(main) else FRAME
    return CellState(
        primary(kind),
        done,
        failed,
        main[main["arm"] == arm],
        scored=True,
        judged=claims is not None,
        rank=rank,
        ranked=ranked,
        claims=() if claims is None else claims_of(claims, cell, plan, level),
        costs=None if claims is None else costs_of(tables, cell),
        others=scored[(scored["arm"] == arm) & ~scored.index.isin(main.index)],
    )


def provisional(folders: list[Path], task: str, plan: Plan) -> pd.DataFrame:
    """The means and intervals of the trainings of one arm that are done, at the task's main level."""
    from uscl.stats.evaluation import cases_of
    from uscl.stats.summary import intervals

    kind, asked = plan.tasks[task]["kind"], Asked(**plan.tasks[task].get("levels", {}))
    cases = next(iter(by_level(cases_of(folders, kind), kind, asked, task).values()))
    return intervals(cases, kind, draws=min(plan.draws, MOST_DRAWS), seed=plan.seeds[0])


def rank_of(intervals: pd.DataFrame, arm: str, metric: str) -> tuple[float | None, int]:
    """The rank of an arm's mean, 1 for the best, and the number of arms that have one; equal means share a rank."""
    means = intervals[intervals["metric"] == metric].set_index("arm")["mean"].dropna()
    ranks = means.rank(ascending=lower_is_better(metric))
    return (float(ranks[arm]) if arm in ranks else None), len(ranks)


def claims_of(claims: pd.DataFrame, cell: tuple[str, str, str], plan: Plan, level: str) -> tuple[dict[str, Any], ...]:
    """The arm's primary comparisons in the cell; without one, its comparison with the study's reference at a level."""
    task, regime, arm = cell
    own = claims[(claims["task"] == task) & (claims["regime"] == regime) & (claims["arm"] == arm)]
    of_level = own[with_level(own)["level"] == level]
    named = own[own["primary"]] if own["primary"].any() else of_level[of_level["reference"] == plan.reference]
    return tuple(named.to_dict("records"))


def costs_of(tables: ResultTables, cell: tuple[str, str, str]) -> dict[str, float] | None:
    """The costs of a cell by name."""
    costs = tables.of_study("costs.csv")
    if costs is None:
        return None
    task, regime, arm = cell
    rows = costs[(costs["task"] == task) & (costs["regime"] == regime) & (costs["arm"] == arm)]
    return rows.drop(columns=["arm", "task", "regime"]).iloc[0].to_dict() if len(rows) else None

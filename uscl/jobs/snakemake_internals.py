"""Inputs that only put jobs in order (`ancient`), as Snakemake means them.

Snakemake looks for a job's own changes (settings, code, inputs) only where no job before it has to run, and counts as
before it what an `ancient` input alone puts there (github.com/snakemake/snakemake/issues/4166). An edited setting would
be passed over without a word whenever the audit runs again, and the old result would stand in the table until the next
call.
"""

from collections.abc import Mapping
from typing import Any

from snakemake.dag import DAG


class NotByOrderAlone:
    """Which jobs depend on a job, without those for which every file between the two is `ancient`."""

    def __init__(self, depending: Mapping[Any, Mapping[Any, set]]) -> None:
        self._depending = depending

    def __getitem__(self, job: Any) -> dict[Any, set]:
        return {
            later: files
            for later, files in self._depending[job].items()
            if not files or not all(file.is_ancient for file in files)
        }


def respect_order_only() -> None:
    """Let jobs behind an `ancient` input be looked at for themselves, in this process."""
    if getattr(DAG.bfs, "respects_order_only", False):
        return
    search = DAG.bfs

    def bfs(self: DAG, direction: Any, *jobs: Any, **more: Any) -> Any:
        # Searches towards what depends on a job ask for what has to run because of it.
        return search(self, NotByOrderAlone(direction) if direction is self.depending else direction, *jobs, **more)

    bfs.respects_order_only = True  # type: ignore[attr-defined]
    DAG.bfs = bfs

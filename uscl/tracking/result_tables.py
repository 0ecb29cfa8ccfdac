"""The tables in a results folder, and whether they hold for the runs that are there now."""

import json
from functools import cache
from pathlib import Path

import pandas as pd

from uscl.base.files import file_sha256
from uscl.base.tables import read_csv
from uscl.jobs.recorded import checked


class ResultTables:
    """Reads each table once. A table of older runs is absent: its provenance names other files than there are."""

    def __init__(self, results: Path) -> None:
        self.results = results
        self.read = cache(lambda path: read_csv(checked(path)))
        self._sha256 = cache(file_sha256)
        self._current = cache(self._is_current)

    def of_study(self, name: str) -> pd.DataFrame | None:
        """A table of the whole study, such as claims.csv; None before it is made from the runs that are there."""
        return self.read(self.results / name) if self._current("table.provenance.json", name) else None

    def intervals(self, task: str, regime: str, labels: str) -> pd.DataFrame | None:
        """The means and intervals of all arms in an evaluation; None before they are computed from these runs."""
        folder = f"statistics/{task}-{regime}-{labels}"
        if not self._current(f"{folder}/cases.provenance.json", f"{folder}/intervals.csv"):
            return None
        return self.read(self.results / folder / "intervals.csv")

    def _is_current(self, provenance: str, output: str) -> bool:
        """Whether a job's output and the inputs in these results are still those that its provenance names."""
        try:
            job = json.loads((self.results / provenance).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return False
        # The names are relative to the folder of the call: what precedes the output in its name is the results folder.
        named = next((name for name in job["outputs"] if name.endswith(output)), output)
        root = named.removesuffix(output)
        expected = {name: digest for name, digest in job["inputs"].items() if name.startswith(root)}
        expected[named] = job["outputs"].get(named)
        there = expected[named] is not None  # the job may not have made such a table
        return there and all(self._digest(name.removeprefix(root)) == digest for name, digest in expected.items())

    def _digest(self, name: str) -> str | None:
        """The SHA-256 of a file in the results; None without the file."""
        path = self.results / name
        return self._sha256(path) if path.is_file() else None

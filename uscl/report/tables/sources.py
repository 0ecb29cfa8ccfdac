"""What the tables are made of: the files that cells and comparisons have written."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from uscl.base.tables import read_csv
from uscl.jobs.outcome import runs_of
from uscl.jobs.run_record import read_record
from uscl.stats.level_tables import with_level

EVALUATION = ["arm", "task", "regime"]


def records_of(
    outcomes: Sequence[str | Path], arms_of: Mapping[tuple[str, str], Sequence[str]], seeds: Sequence[int]
) -> tuple[list[dict[str, Any]], list[tuple[str, str, str, str]]]:
    """The records of the runs of all complete arms, and arm, task, regime and reason of the incomplete ones.

    `arms_of` has the arms of each evaluation; `outcomes` are the paths by evaluation, arm and seed, in this order.
    """
    records, missing, paths = [], [], iter(outcomes)
    for (task, regime), arms in arms_of.items():
        runs = runs_of(list(itertools.islice(paths, len(arms) * len(seeds))), arms, seeds)
        records += [read_record(folder) for folder in runs.done.values()]
        missing += [(arm, task, regime, reason) for arm, reason in runs.missing.items()]
    return records, missing


def by_evaluation(paths: Mapping[tuple[str, str], str | Path]) -> pd.DataFrame:
    """The tables of all tasks and regimes as one, with the columns task, regime and level."""
    tables = [with_level(read_csv(path)).assign(task=task, regime=regime) for (task, regime), path in paths.items()]
    return pd.concat(tables, ignore_index=True)


def provenance(records: Iterable[Mapping[str, Any]], leaks: Mapping[str, str]) -> pd.DataFrame:
    """Where the scores of each arm x task x regime come from, one row each.

    `records` are the cells' run records (`uscl.jobs.run_record`), `leaks` what the audit found, by task. Columns: arm,
    task, regime; run, the MLflow runs' name without the seed; seeds; commit, config_sha256, data_sha256, leaks, cpu and
    gpu. If seeds that were run separately differ in one of these, it lists all values in the seeds' order.
    """
    found: dict[tuple[str, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for record in records:
        found[tuple(record["params"][key] for key in EVALUATION)].append(record)
    rows = []
    for evaluation, of_seeds in found.items():
        row = dict(zip(EVALUATION, evaluation, strict=True))
        row["run"] = of_seeds[0]["name"].rpartition("/")[0]
        row["seeds"] = " ".join(str(record["params"]["seed"]) for record in of_seeds)
        for key in ("commit", "config_sha256", "data_sha256"):
            row[key] = distinct(record[key] for record in of_seeds)
        row["leaks"] = leaks[row["task"]]
        for key in ("cpu", "gpu"):
            row[key] = distinct(record["hardware"][key] for record in of_seeds)
        rows.append(row)
    return pd.DataFrame(rows)


def mixed_packages(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """The packages of which some runs used another version than others, each with all its versions.

    >>> mixed_packages([{"packages": {"av": "18", "torch": "2.12"}}, {"packages": {"av": "18", "torch": "2.13"}}])
    ['torch 2.12 / 2.13']
    """
    found = [record["packages"] for record in records]
    versions = {name: distinct(each.get(name, "none") for each in found) for each in found for name in each}
    return [f"{name} {text}" for name, text in sorted(versions.items()) if " / " in text]


def distinct(values: Iterable[str]) -> str:
    """The different values in the order of their first appearance."""
    return " / ".join(dict.fromkeys(values))

"""A study that the mirror follows from its first training to its claims, in one store."""

import logging
import sqlite3
from contextlib import closing

from tests.chaos.mlflow_content import content, other_runs
from tests.unit.tracking.conftest import put_store
from tests.unit.tracking.studies import (
    ARMS,
    PLAN,
    REGIME,
    TASK,
    judge,
    score_study,
    write_all,
    write_plan,
    write_training,
)
from uscl.tracking.logged import Logged
from uscl.tracking.mirror import Mirror, follow, sync
from uscl.tracking.run_files import Call

OVER = Call(since=0, over=True)
SUMMARY = f"summary/{TASK}/{REGIME}/simclr"
ABOVE = f"{TASK}/{REGIME}/simclr"


def address_of(results):
    return f"sqlite:///{results / 'mlflow.db'}"


def passes(results):
    """One pass of the mirror, as at the end of a call; what each run of the store looks like then."""
    address = address_of(results)
    follow(Mirror(results, address, "study", Logged(results, address).load()), OVER)
    return content(results / "mlflow.db")


def metrics(run):
    return {name: value for name, _, value, _ in run["metrics"]}


def rows(results):
    """How many rows each table of the store has."""
    with closing(sqlite3.connect(results / "mlflow.db")) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}  # noqa: S608


def test_numbers_come_as_provisional_and_end_as_those_of_a_store_made_at_once(results, empty_store, caplog):
    write_plan(results)
    write_training(results, "simclr", 0)
    first = passes(results)
    write_all(results)
    second = passes(results)
    score_study(results)
    third = passes(results)
    judge(results)
    last = passes(results)
    words = [step[SUMMARY]["tags"]["verdict"] for step in (first, second, third, last)]
    assert words == [
        "pending (provisional: 1 of 2 trainings)",
        "pending (provisional: 2 of 2 trainings)",
        "pending (scored: 2 of 2 trainings)",
        "worse than imagenet",
    ]
    assert [step[SUMMARY]["status"] for step in (first, last)] == ["SCHEDULED", "FINISHED"]
    assert {"mean", "ci_low", "ci_high"} <= metrics(first[SUMMARY]).keys()
    assert [("rank" in metrics(step[SUMMARY])) for step in (second, third, last)] == [False, True, True]
    trainings = [name for name in last if name.startswith(f"{ABOVE}/") and "fold" not in name]
    assert [last[name]["parent"] for name in trainings] == [ABOVE, ABOVE]
    before = rows(results)
    (results / "tracking/logged.json").unlink()
    passes(results)
    assert rows(results) == before  # nothing is written twice
    (results / "mlflow.db").rename(results / "followed.db")
    put_store(empty_store, results)
    assert "4 runs logged, 0 already there" in sync(results, None, "study")
    assert other_runs(results / "followed.db", results / "mlflow.db") == ""
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_cell_that_the_plan_no_longer_has_leaves_the_summary(results):
    write_plan(results)
    for arm in ARMS:
        write_training(results, arm, 0)
    assert sum(name.startswith("summary/") for name in passes(results)) == 2
    write_plan(results, PLAN._replace(arms={"simclr": "simclr"}))
    assert [name for name in passes(results) if name.startswith("summary/")] == [SUMMARY]

"""What `uscl ui` needs: a store that holds what the results hold, and the link that shows a task's table."""

import json
import platform
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from uscl.base.errors import UserError
from uscl.base.files import running
from uscl.base.text import nearest
from uscl.jobs.call import MARK
from uscl.tracking.address import database_of, is_own_store, local_store, store_address
from uscl.tracking.links import key_of, of_view
from uscl.tracking.logged import Logged
from uscl.tracking.plan import write_plan
from uscl.tracking.run_files import Call
from uscl.tracking.summary_files import SUMMARY, find_all

if TYPE_CHECKING:
    from uscl.study.study import Study

HERE = "http://127.0.0.1:5000"


def link(study: "Study", task: str | None = None, regime: str | None = None, *, base: str = HERE) -> str:
    """The address of MLflow's page with the table of a task, else of all tasks, in one regime or all of them.

    `base` is the address of the server of a store in a file; another server has its own. Before the first run is logged
    the address is that of the list of experiments. Raises UserError for an unknown task or regime.
    """
    for what, name, known in (
        ("task", task, list(study.settings.tasks)),
        ("regime", regime, list(study.settings.tasks[task].regimes) if task in study.settings.tasks else []),
    ):
        if name is not None and name not in known:
            raise UserError(f"The study has no {what} '{name}': take one of {', '.join(known)}{nearest(name, known)}")
    address = store_address(Path(study.results), study.settings.tracking_uri)
    number = number_of(address, f"{study.settings.study}/{SUMMARY}")
    server = base if database_of(address) else address.rstrip("/")
    return f"{server}/{of_view(number, key_of(task, regime))}" if number else f"{server}/#/experiments"


def number_of(address: str, experiment: str) -> str | None:
    """The number of an experiment in a store; None without it. Reads a file itself, since MLflow takes seconds."""
    database = database_of(address)
    if database is None:
        from uscl.tracking.store import opened

        with opened(address) as client:
            found = client.get_experiment_by_name(experiment)
            return str(found.experiment_id) if found else None
    query = "SELECT experiment_id FROM experiments WHERE name = ? AND lifecycle_stage = 'active'"
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=2)) as connection:
            row = connection.execute(query, (experiment,)).fetchone()
    except sqlite3.Error:
        return None
    return str(row[0]) if row else None


def check_and_sync(study: "Study") -> str:
    """Log to the store what it lacks, unless a call does so now; returns a sentence for the user.

    A store that is missing, damaged, or that was made in another folder is built again from the result files. Raises
    UserError if the store can't be used.
    """
    results, configured = Path(study.results), study.settings.tracking_uri
    if study.settings.tracking == "none":
        raise UserError("Config: tracking is none: set it to mlflow, and run `snakemake sync_tracking`.")
    if in_progress(results):
        return "A call works on these results: its runs appear while it runs."
    write_plan(study)
    address = store_address(results, configured)
    if is_own_store(results, configured) and not is_usable(local_store(results)):
        lacking = True
    else:
        lacking = bool(Logged(results, address).load().lacking(find_all(results, Call())))
    if not lacking:
        return "MLflow has all runs."
    from uscl.tracking.mirror import sync

    return sync(results, configured, study.settings.study)


def is_usable(database: Path) -> bool:
    """Whether the study's own store belongs to this folder and this version. Raises UserError if it is busy."""
    from uscl.tracking.store import BrokenStoreError, check

    try:
        check(database)
    except BrokenStoreError:
        return False
    return database.exists()


def in_progress(results: Path) -> bool:
    """Whether a call works on the results; a call on this machine that was killed doesn't."""
    try:
        call = json.loads((results / MARK).read_text(encoding="utf-8"))
        return bool(call["host"] != platform.node() or running(int(call["pid"])))
    except (OSError, ValueError, LookupError, TypeError):
        return False

"""MLflow as a view of the result files, which never decides: what can't be logged now is logged later.

Files are the truth: a run is trained and recorded without MLflow, and logged from its files afterwards. So the store
can be out of reach, switched off, lost and rebuilt without touching a result. Light until something is logged: every
`snakemake` call imports this.
"""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uscl.base.files import write_text
from uscl.tracking.address import store_address

if TYPE_CHECKING:
    from uscl.tracking.write_runs import Run

log = logging.getLogger("uscl")


def track(results: Path, configured: str | None, study: str, read: "Callable[[], Run]", out: Path) -> None:
    """Log the run that `read` finds in the result files; leave {"runs": {name: id}} or {"pending": reason} in `out`."""

    def logged() -> dict[str, Any]:
        from uscl.tracking.read_runs import experiment_name
        from uscl.tracking.store import experiment, opened
        from uscl.tracking.write_runs import log_once

        address, run = store_address(results, configured), read()
        with opened(address) as client:
            ids, _ = log_once(client, experiment(client, address, experiment_name(study, run)), run)
        return {"runs": ids}

    write_text(out, json.dumps(attempted(results, logged), indent=2) + "\n")


def make_store(results: Path, configured: str | None, experiments: list[str], ready: Path) -> None:
    """Make the store before anything is logged; leave its experiments, or why there are none, in `ready`."""

    def made() -> dict[str, Any]:
        from uscl.tracking.store import create_store

        create_store(store_address(results, configured), experiments)
        return {"experiments": experiments}

    write_text(ready, json.dumps(attempted(results, made), indent=2) + "\n")


def attempted(results: Path, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What a piece of work with the store returns, or {"pending": reason}: nothing that happens there is an error here.

    The first job of a call for which the store can't be had warns; the others find its mark and don't wait for the
    store again.
    """
    if known := unavailable(results):
        log.info("Not logged to MLflow: %s", known)
        return {"pending": known}
    quiet()
    try:
        return work()
    except Exception as error:  # MLflow, its packages, a server, a disk: whatever it is, the study goes on
        log.info("Not logged to MLflow.", exc_info=True)
        why = reason_of(error)
    if mark_unavailable(results, why):
        log.warning(
            "MLflow can't be had (%s): the study goes on, records are kept in files, and `snakemake sync_tracking`"
            " logs them later.",
            why,
        )
    return {"pending": why}


def reason_of(error: Exception) -> str:
    """Why the store can't be had; that MLflow itself can't be imported is a reason too."""
    if isinstance(error, ImportError):
        return f"the package can't be imported: {error}"
    from uscl.tracking.store import reason

    return reason(error)


def quiet() -> None:
    """Keep what MLflow and its packages say in the job's log: on the screen it would look like a fault of the study."""
    mlflows_own = logging.getLogger("mlflow")
    try:
        import mlflow  # noqa: F401  # it sets up a handler of its own when it's imported
    except ImportError:
        log.info("MLflow can't be imported.", exc_info=True)
    mlflows_own.handlers.clear()
    mlflows_own.propagate = True
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:
            handler.addFilter(logging.Filter("uscl"))


def marker(results: Path) -> Path:
    """The file that says that in this call the store couldn't be had."""
    return results / "tracking" / "unavailable.json"


def unavailable(results: Path) -> str | None:
    """Why the store couldn't be had when it was last tried in this call; None where it wasn't missed."""
    try:
        return str(json.loads(marker(results).read_text(encoding="utf-8"))["reason"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError):  # another job is just writing it
        return "another job couldn't have it"


def mark_unavailable(results: Path, why: str) -> bool:
    """Say to other jobs that the store can't be had; False where another has said so already."""
    marker(results).parent.mkdir(parents=True, exist_ok=True)
    try:
        with marker(results).open("x", encoding="utf-8") as file:
            json.dump({"reason": why}, file)
    except FileExistsError:
        return False
    return True


def forget_unavailable(results: Path) -> None:
    """Let the store be tried again."""
    marker(results).unlink(missing_ok=True)


def waiting(results: Path) -> int:
    """How many finished runs wait to be logged."""
    files = results.glob("tracking/*/*.json")
    return sum('"pending"' in path.read_text(encoding="utf-8") for path in files)

"""What users read about runs that can't be logged. Imports MLflow only if it was asked for something."""

import logging
from collections.abc import Mapping
from functools import cache

from uscl.base.redaction import redacted

log = logging.getLogger("uscl")


def refused(refusals: Mapping[str, str]) -> str:
    """A sentence about the runs that can't be logged although the store works, with the reason of the first."""
    first = next(f"{run}: {reason}" for run, reason in refusals.items())
    more = f" ({len(refusals)} such runs)" if len(refusals) > 1 else ""
    return f"Not in MLflow: {first}{more}; results/logs has the details, and the result files are unaffected."


def reason_of(error: Exception) -> str:
    """Why the store can't be used, which may also be a broken MLflow package."""
    if isinstance(error, ImportError):
        return f"the package can't be imported: {redacted(str(error))}"
    from uscl.tracking.store import reason

    return reason(error)


@cache
def quiet() -> None:
    """Keep messages of MLflow and its packages off the screen, where they would look like errors of the study."""
    mlflows_own = logging.getLogger("mlflow")
    try:
        import mlflow  # noqa: F401  # the import installs a log handler
    except ImportError:
        log.info("MLflow can't be imported.", exc_info=True)
    mlflows_own.handlers.clear()
    mlflows_own.propagate = True
    for handler in logging.getLogger().handlers:
        if type(handler) is logging.StreamHandler:
            handler.addFilter(logging.Filter("uscl"))

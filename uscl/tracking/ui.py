"""What `uscl ui` needs: a store that holds what the results hold, and the link that shows a task's table."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from uscl.study.study import Study

HERE = "http://127.0.0.1:5000"


def link(study: "Study", task: str | None = None, regime: str | None = None, *, base: str = HERE) -> str:
    """The address of MLflow's page of experiments."""
    return f"{base}/#/experiments?workflowType=machine_learning"


def check_and_sync(study: "Study") -> str:
    """A sentence for the user."""
    return "MLflow has all runs that were logged."

"""What a study will compare, in tracking/plan.json: the tracker and `uscl ui` need it before there is any result.

The file moves with the results, so a moved folder needs no study file. Imports nothing heavy.
"""

import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from uscl.base.errors import UserError
from uscl.base.files import write_text

if TYPE_CHECKING:
    from uscl.study.study import Study

log = logging.getLogger(__name__)

NAME = "tracking/plan.json"
SIMULATED = "The data are simulated: machinery, not medicine."


class Plan(NamedTuple):
    """The parts of a study that its table has.

    `arms` are the methods by arm; `tasks` have dataset, kind, regimes and levels by name; `titles` are those of the
    regimes;
    `primary` are the primary comparisons; `encoders` are the architectures by arm, of those that have an encoder;
    `absent` has arm, task and regime of the cells that the table can't have.
    """

    study: str
    arms: dict[str, str]
    seeds: list[int]
    tasks: dict[str, dict[str, Any]]
    titles: dict[str, str]
    reference: str
    primary: list[dict[str, Any]]
    encoders: dict[str, str]
    simulated: bool
    draws: int
    absent: list[list[str]] = []  # noqa: RUF012  (a plan is never changed)

    @property
    def evaluations(self) -> list[tuple[str, str]]:
        """Every task in each of its regimes."""
        return [(name, regime) for name, task in self.tasks.items() for regime in task["regimes"]]

    @property
    def cells(self) -> list[tuple[str, str, str]]:
        """Task, regime and arm of every cell of the table."""
        every = [(task, regime, arm) for task, regime in self.evaluations for arm in self.arms]
        return [(task, regime, arm) for task, regime, arm in every if [arm, task, regime] not in self.absent]


def plan_of(study: "Study") -> Plan:
    """The plan of a study."""
    settings = study.settings
    return Plan(
        study=settings.study,
        arms={arm: study.method(arm).name for arm in study.arms},
        seeds=list(study.seeds),
        tasks={
            name: {"dataset": task.dataset, "kind": task.kind, "regimes": list(task.regimes)}
            | {"levels": study.levels(name)}
            for name, task in settings.tasks.items()
        },
        titles=study.regime_titles,
        reference=study.reference,
        primary=study.primary,
        encoders={arm: study.architecture(arm) for arm in study.encoded},
        simulated=study.simulated,
        draws=settings.draws,
        absent=[[arm, task, regime] for arm, task, regime, _ in study.missing_evaluations() if arm],
    )


def write_plan(study: "Study") -> None:
    """Write the plan of a study into its results, unless it is there; never raises, since no result needs it."""
    results, plan = Path(study.results), plan_of(study)
    if read_plan(results) == plan:
        return
    try:
        write_text(results / NAME, json.dumps(plan._asdict(), indent=1) + "\n")
    except (OSError, UserError):
        log.info("The plan for MLflow is not written.", exc_info=True)


def read_plan(results: Path) -> Plan | None:
    """The plan of the study in a results folder; None if there is none, or if another version wrote it."""
    try:
        return Plan(**json.loads((results / NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None

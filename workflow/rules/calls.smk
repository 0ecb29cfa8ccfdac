# What a call does beside its jobs: at its start, and when some of them were killed.
from uscl.jobs.attempts import RUNNING, left_behind
from uscl.jobs.call import clear, take_call
from uscl.jobs.interruption import CALLER, end_once, name_caller


def tell_of_killed_jobs():
    """Say which jobs of this call were killed: they couldn't say it themselves."""
    for attempt in left_behind(Path(R, "logs")):
        if attempt["status"] == RUNNING and attempt.get("caller") == os.environ[CALLER]:
            logger.error(
                f"The job that logs to {attempt['log']} was killed from outside: with kill -9, or by the system because"
                " memory ran out. Call again, and it goes on; if memory is short, with fewer --cores or a smaller"
                " `batch_size`."
            )


if is_main_process(workflow):
    name_caller()
    end_once()
before_jobs(workflow, lambda: take_call(Path(R)))
on_unlock(workflow, lambda: clear(Path(R)))

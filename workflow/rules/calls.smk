# What a call does beside its jobs: at its start, and when some of them were killed.
from uscl.jobs.at_work import AtWork
from uscl.jobs.attempts import RUNNING, left_behind
from uscl.jobs.clock import bring_back
from uscl.jobs.interruption import CALLER, end_once, name_caller


def begin():
    """Mark the folder as one that a call works in, and put right what a killed call or a clock set back has left."""
    name_caller()
    end_once()
    try:
        killed = AT_WORK.begin()
    except OSError as error:
        raise WorkflowError(f"{Path.cwd()}/.snakemake can't be written to ({error.strerror}): mend its permissions.")
    if AT_WORK.other:
        logger.warning(
            f"Another call is at work in this folder ({AT_WORK.other}): if this one ends with a message about a lock,"
            " wait for that one instead of using --unlock."
        )
        return
    if killed:
        logger.warning("The last call in this folder was killed: its lock is removed, and this one goes on from there.")
    if count := bring_back([Path(R), ROOT / "uscl", ROOT / "workflow"]):
        logger.warning(f"The clock was set back: {count} files and folders were from the future, and are from now on.")


def tell_of_killed_jobs():
    """Say which jobs of this call were killed: they couldn't say it themselves."""
    for attempt in left_behind(Path(R, "logs")):
        if attempt["status"] == RUNNING and attempt.get("caller") == os.environ[CALLER]:
            logger.error(
                f"The job that logs to {attempt['log']} was killed from outside: with kill -9, or by the system because"
                " memory ran out. Call again, and it goes on; if memory is short, with fewer --cores or a smaller"
                " `batch_size`."
            )


AT_WORK = AtWork(Path.cwd())
# Jobs read this file again.
if workflow.is_main_process:
    begin()

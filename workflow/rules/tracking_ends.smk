# What a call does about MLflow at its start and its end: functions only.

from uscl.jobs.attempts import failed_runs
from uscl.tracking.track import forget_unavailable, waiting
from uscl.tracking.address import is_own_store

# Only whether there is another store than the study's own: its address may hold a password, and stays out of the rules.
OWN_STORE = is_own_store(Path(R), config.get("tracking_uri"))
FAILED_RUNS_S = 60  # for logging failed runs at the end of a call


def tracking_start():
    """Let the MLflow store be tried again: it may be back."""
    forget_unavailable(Path(R))


def tracking_end(failed=False):
    """Log the runs that failed, and say how many finished ones wait for the store; never an error."""
    if config["tracking"] == "none":
        return
    if failed and failed_runs(Path(R, "logs")):
        log_failed_runs()
    if count := waiting(Path(R)):
        logger.info(f"Waiting for MLflow: {count} finished runs; `snakemake sync_tracking` logs them.")


def log_failed_runs():
    """Log attempts at runs that didn't end well, in a process of its own: the store may hang."""
    words = [sys.executable, "-m", "uscl.tracking.sync", "--results", R, "--study", config["study"]]
    words += ["--address", config["tracking_uri"]] if config.get("tracking_uri") else []
    try:
        subprocess.run(words, timeout=FAILED_RUNS_S)
    except (OSError, subprocess.TimeoutExpired):
        logger.info("Failed runs are not in MLflow yet: `snakemake sync_tracking` logs them.")

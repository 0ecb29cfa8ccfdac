"""Whether many jobs that log to one SQLite store of MLflow at once lose or double runs, and how fast they are.

    python benchmarks/tracking_load.py [--processes 16] [--runs 200]

The store isn't there yet when the processes start. Each logs its share of the runs as a job does, with a history,
settings and a file, and every run once more, as a repeated job would. Ends with exit code 1 if
a run is lost or doubled.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the library of this checkout, installed or not

from uscl.tracking.store import experiment, opened
from uscl.tracking.write_runs import KEY, Run, log_once

EXPERIMENT = "load/pretrain"
EPOCHS = 30
HISTORY = pd.DataFrame({"epoch": range(EPOCHS)} | {f"metric{k}": [0.1 * k] * EPOCHS for k in range(5)})


def main() -> None:
    """Log, count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=16)
    parser.add_argument("--runs", type=int, default=200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        seconds, failed = load(Path(folder), given.processes, given.runs)
        found = stored(Path(folder))
    lost = given.runs - len(found)
    doubled = sum(found.values()) - len(found)
    print(
        f"{given.processes} processes, {given.runs} runs, each twice: {lost} lost, {doubled} doubled,"
        f" {failed} processes failed, {seconds:.1f} s, {given.runs / seconds:.1f} runs/s"
    )
    sys.exit(bool(lost or doubled or failed))


def address(folder: Path) -> str:
    """The store that all log to."""
    return f"sqlite:///{folder / 'mlflow.db'}"


def load(folder: Path, processes: int, runs: int) -> tuple[float, int]:
    """Log the runs in processes that start at the same time; returns seconds and the number of failed processes."""
    # Forked: a core that many importing processes share would give them their turns by itself.
    context = multiprocessing.get_context("fork")
    shares = [range(first, runs, processes) for first in range(processes)]
    workers = [context.Process(target=log_share, args=(folder, share)) for share in shares]
    started = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return time.perf_counter() - started, sum(worker.exitcode != 0 for worker in workers)


def log_share(folder: Path, numbers: range) -> None:
    """What one process does."""
    for number in numbers:
        artifact = folder / f"file{number}.txt"
        artifact.write_text(f"of run {number}", encoding="utf-8")
        for _ in range(2):
            with opened(address(folder)) as client:
                log_once(client, experiment(client, address(folder), EXPERIMENT), run(number, artifact))


def run(number: int, artifact: Path) -> Run:
    """A run as the jobs log it."""
    record = {
        "name": f"run{number}",
        "params": {"number": number, "nested": {"lr": 0.1}},
        "tags": {"stage": "pretrain"},
        "hardware": {"cpu": "one"},
        "started": 1000.0,
        "ended": 1010.0,
    }
    return Run(record | dict.fromkeys(("commit", "config_sha256", "data_sha256"), "x"), HISTORY, artifacts=(artifact,))


def stored(folder: Path) -> Counter[str]:
    """How many finished active runs the store has of each name."""
    with opened(address(folder)) as client:
        place = experiment(client, address(folder), EXPERIMENT)
        runs = client.search_runs([place], filter_string="attributes.status = 'FINISHED'", max_results=50_000)
    return Counter(run.data.tags[KEY] for run in runs)


if __name__ == "__main__":
    main()

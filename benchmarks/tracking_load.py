"""Whether the mirror keeps up with runs that finish quickly, and whether several mirrors lose or duplicate runs.

    python benchmarks/tracking_load.py [--cells 200] [--seconds 60] [--studies 1]

Cells with two folds each finish evenly over so many seconds, in one results folder or in several that share the store
of the first, which doesn't exist yet. Each results folder has a mirror process. Scores and figures come last, for all
at once. Then every mirror starts again and compares everything with the store. The exit code is 1 if a run is lost or
duplicated.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the library of this checkout, installed or not

from tests.unit.tracking.result_folders import draw, score, write_cell
from uscl.tracking.address import SQLITE
from uscl.tracking.logged import Logged
from uscl.tracking.run_files import Call, find_runs
from uscl.tracking.store import opened
from uscl.tracking.write_runs import KEY

FOLDS, EPOCHS = 2, 30
METRICS = tuple(f"metric{number}" for number in range(12))


def main() -> None:
    """Finish cells, wait for the mirrors, count and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--studies", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        studies = [Path(folder, f"study{number}/results") for number in range(given.studies)]
        database = studies[0] / "mlflow.db"
        cells = [("pocus", "finetune", 100, f"arm{number}", number % 3) for number in range(given.cells)]
        shares = {results: cells[first :: given.studies] for first, results in enumerate(studies)}
        failed = follow(shares, database, given.seconds)
        began = time.monotonic()
        failed += sum(code != 0 for code in run_again(studies, database))
        again = time.monotonic() - began
        found = stored(database)
    lost, doubled = given.cells * (1 + FOLDS) - len(found), sum(found.values()) - len(found)
    print(f"everything compared with the store again: {again:.1f} s")
    print(f"{len(found)} runs in the store, {lost} lost, {doubled} doubled, {failed} mirrors failed")
    sys.exit(bool(lost or doubled or failed))


def mirror(results: Path, database: Path) -> subprocess.Popen:
    """The mirror of a results folder."""
    results.mkdir(parents=True, exist_ok=True)
    words = ["--results", str(results), "--study", results.parent.name, "--address", f"{SQLITE}{database}"]
    return subprocess.Popen([sys.executable, "-m", "uscl.tracking.mirror", *words], stdin=subprocess.PIPE, cwd=ROOT)


def follow(shares: dict[Path, list[tuple]], database: Path, seconds: float) -> int:
    """Let cells finish while mirrors run, and print how long the mirrors take. Returns how many mirrors failed."""
    mirrors = [mirror(results, database) for results in shares]
    queue = [(results, cell) for results, cells in shares.items() for cell in cells]
    began = time.monotonic()
    for number, (results, cell) in enumerate(queue):
        time.sleep(max(0.0, began + seconds * number / len(queue) - time.monotonic()))
        write_cell(results, cell, FOLDS, EPOCHS)
    last = time.monotonic()
    wait(shares, database)
    print(f"{len(queue)} cells finished within {last - began:.1f} s; all in the store {since(last)} after the last")
    last = time.monotonic()
    for results, cells in shares.items():
        score(results, *cells, folds=FOLDS, metrics=METRICS)
        for cell in cells:
            draw(results, cell, FOLDS)
    wait(shares, database)
    print(f"all of them scored and drawn at once: in the store after {since(last)}")
    for process in mirrors:
        process.stdin.close()  # type: ignore[union-attr]
    codes = [process.wait() for process in mirrors]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    print(f"{len(mirrors)} mirrors: {used.ru_utime + used.ru_stime:.1f} CPU s, {used.ru_maxrss / 1024:.0f} MiB at most")
    return sum(code != 0 for code in codes)


def since(moment: float) -> str:
    """The time since a moment, in words."""
    return f"{time.monotonic() - moment:.1f} s"


def wait(results_folders: dict[Path, list[tuple]], database: Path) -> None:
    """Wait until the mirrors have logged all that the results folders hold."""
    for results in results_folders:
        while Logged(results, f"{SQLITE}{database}").load().lacking(find_runs(results, Call())):
            time.sleep(0.5)


def run_again(studies: list[Path], database: Path) -> list[int]:
    """Compare every run with the store again, in all results folders at once; return the exit codes."""
    for results in studies:
        (results / "tracking/logged.json").unlink()
    mirrors = [mirror(results, database) for results in studies]
    for process in mirrors:
        process.stdin.close()  # type: ignore[union-attr]
    return [process.wait() for process in mirrors]


def stored(database: Path) -> Counter[tuple[str, str]]:
    """How many finished active runs the store has of each name in each experiment."""
    with opened(f"{SQLITE}{database}") as client:
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = client.search_runs(experiments, filter_string="attributes.status = 'FINISHED'", max_results=50_000)
    return Counter((run.info.experiment_id, run.data.tags[KEY]) for run in runs)


if __name__ == "__main__":
    main()

"""The cost of planning: CPU seconds and memory of `snakemake -n` for a study of many seeds, none of which has run.

    python benchmarks/planning.py                    # about 5,000 jobs
    python benchmarks/planning.py --seeds 20

With `--study FILE` and `--results FOLDER` it plans that study `--runs` times; for a finished study, this is the cost of
a call with nothing to do.
"""

import argparse
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TINY = ROOT / "tests/integration/tiny.yaml"


def planned(study: Path, results: Path, *config: str) -> dict[str, float]:
    """Jobs, CPU seconds, wall seconds and peak memory in MiB of a dry run."""
    words = ["--dry-run", "--quiet", "rules", "--cores", "2", "--configfile", str(study)]
    command = [sys.executable, "-m", "snakemake", *words, "--config", f"results={results}", *config]
    started, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        sys.exit(run.stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    jobs = re.findall(r"^total\s+(\d+)", run.stdout, re.MULTILINE)
    return {
        "jobs": int(jobs[-1]) if jobs else 0,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "wall_s": time.monotonic() - started,
        "peak_mib": after.ru_maxrss / 1024,
    }


def main() -> None:
    """Print the cost of one plan or of several."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=101)
    parser.add_argument("--study", type=Path)
    parser.add_argument("--results", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        results = given.results or Path(scratch, "results")
        config = [] if given.study else [f"seeds={list(range(given.seeds))}"]
        for _ in range(given.runs):
            cost = planned(given.study or TINY, results, *config)
            print(
                f"{cost['jobs']:.0f} jobs: {cost['cpu_s']:.1f} CPU s ({1000 * cost['cpu_s'] / max(cost['jobs'], 1):.2f}"
                f" ms per job), {cost['wall_s']:.1f} s by the clock, {cost['peak_mib']:.0f} MiB"
            )


if __name__ == "__main__":
    main()

"""Check whether damaged files crash the readers: every format, damaged in many ways, read in child processes.

    python -m tests.fuzz [--cases 3000] [--seed 0] [--workers 2]        from the root of the checkout
    python -m tests.fuzz --only 1234 [--seed 0]                         one case again, in this process

Prints a table per format and one per mutation: how many files were read anyway, were refused with a reason, or caused a
crash, a hang (more than LIMIT_S) or an error that isn't the readers' own. The last three are listed with their case
number. Exits with 1 if there are any, or if the memory of a child grows from file to file. The same seed gives the same
files.
"""

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from av import logging as ffmpeg_logging
from rich.console import Console
from rich.table import Table

from tests.fuzz.cases import CRASH, FAULT, HANG, READ, REFUSED, Case, Result, drawn_case, tried, work
from tests.fuzz.seeds import write_seeds

LIMIT_S = 20.0  # for one file of a few kilobytes
LEAK = 30_000  # bytes per file by which a child may grow after its warm-up (a frame of a seed has 3,072)
WARM_SHARE = 0.4  # of a child's files; after that its allocator has handled every format
VERDICTS = (READ, REFUSED, CRASH, HANG, FAULT)
Tried = tuple[int, Case, Result]


def main() -> None:
    """Try the cases; exit 1 on any finding."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        seeds = write_seeds(folder)
        if arguments.only is not None:
            ffmpeg_logging.set_level(None)
            case = drawn_case(seeds, arguments.seed, arguments.only)
            sys.exit(f"{case.form}, {case.mutation}: {tried(case, folder)}")
        start = time.perf_counter()
        shares = [range(k, arguments.cases, arguments.workers) for k in range(arguments.workers)]
        with ThreadPoolExecutor(arguments.workers) as pool:
            runs = [pool.submit(lambda s: list(_share(s, seeds, arguments.seed, folder)), share) for share in shares]
            results = [run.result() for run in runs]
    everything = sorted(case for share in results for case in share)
    growth = max((_growth(share) for share in results), default=0.0)
    print(
        f"{len(everything)} files in {time.perf_counter() - start:.0f} s; a child grew by {growth:,.0f} bytes per file"
    )
    sys.exit(_report(everything) or growth > LEAK)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=2, help="child processes")
    parser.add_argument("--only", type=int, help="the number of one case")
    return parser.parse_args()


def _share(share: range, seeds: dict[str, Path], seed: int, folder: Path) -> Iterator[Tried]:
    """The results of a share of the cases, from one child; a new child replaces one that died or hangs."""
    context = multiprocessing.get_context("spawn")
    waiting = list(share)
    while waiting:
        own = Path(tempfile.mkdtemp(dir=folder))
        ours, theirs = context.Pipe()
        child = context.Process(target=work, args=(theirs, seeds, seed, own), daemon=True)
        child.start()
        theirs.close()
        while waiting:
            index = waiting.pop(0)
            ours.send(index)
            result = Result(HANG, f"more than {LIMIT_S:g} s", 0)
            try:
                if ours.poll(LIMIT_S):
                    result = ours.recv()
            except (EOFError, ConnectionResetError):
                child.join()
                result = Result(CRASH, f"exit code {child.exitcode}", 0)
            yield index, drawn_case(seeds, seed, index), result
            if result.verdict in (HANG, CRASH):
                break
        child.kill()
        child.join()


def _growth(share: list[Tried]) -> float:
    """Bytes per file by which the child grew after its warm-up."""
    memory = [result.memory for _, _, result in share if result.memory]
    late = memory[int(WARM_SHARE * len(memory)) :]
    return (late[-1] - late[0]) / len(late) if late else 0.0


def _report(everything: list[Tried]) -> bool:
    """Print tables and findings; returns whether there are any findings."""
    for title, kind in (("format", 0), ("mutation", 1)):
        table = Table(title, *VERDICTS)
        counts = Counter((case[kind], result.verdict) for _, case, result in everything)
        for name in sorted({case[kind] for _, case, _ in everything}):
            table.add_row(name, *(str(counts[name, verdict]) for verdict in VERDICTS))
        Console(width=100).print(table)
    findings = [one for one in everything if one[2].verdict not in (READ, REFUSED)]
    for index, case, result in findings[:50]:
        print(f"case {index} ({case.form}, {case.mutation}): {result.verdict}: {result.words.strip().splitlines()[-1]}")
    return bool(findings)


if __name__ == "__main__":
    main()

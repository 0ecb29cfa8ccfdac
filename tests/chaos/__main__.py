"""Inject faults and tell what happened: `make chaos`, or PYTHONPATH=tests python -m chaos [--short] [--topic T] ..."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from chaos.faults import Fault
from chaos.project import ROOT, SOURCE, WORK, checkout
from chaos.runner import Tried, tried
from chaos.table import RESULTS, STYLES, counts, markdown, on_screen, plain
from chaos.topics import TOPICS, faults_of


def arguments() -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m chaos", description="Inject faults and tell what happened.")
    parser.add_argument("--short", action="store_true", help="the shortened form: the most telling faults alone")
    parser.add_argument("--topic", nargs="+", choices=TOPICS, default=TOPICS, help="these topics alone")
    parser.add_argument("--only", metavar="TEXT", default="", help="only faults whose name holds this text")
    parser.add_argument("--kills", type=int, default=20, help="how often the random kill test kills the study")
    parser.add_argument("--study", type=Path, default=ROOT / "config/config.yaml", help="the study that it kills")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there too, as Markdown")
    return parser.parse_args()


def main() -> int:
    """Try all faults that are asked for, one after another; 1 where any failed."""
    asked = arguments()
    # Not a terminal: wide enough that a sentence stays on its line.
    console = Console(width=None if sys.stdout.isatty() else 180)
    faults = faults_of(asked.topic, short=asked.short, only=asked.only)
    WORK.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix="faults-", dir=WORK))
    # All faults meet the same code, whatever is edited meanwhile.
    source = checkout(work / "source")
    more = {SOURCE: str(source), "CHAOS_KILLS": str(asked.kills), "CHAOS_STUDY": str(asked.study.resolve())}
    os.environ["PYTHONPATH"] = str(ROOT / "tests")
    results = try_all(faults, work, more, console)
    console.print(on_screen(results), counts(results))
    if asked.out:
        asked.out.write_text(markdown(results), encoding="utf-8")
    failed = any(result.outcome.passed is False for result in results)
    if not failed:
        shutil.rmtree(work)
    return int(failed or not results)


def try_all(faults: list[Fault], work: Path, more: dict[str, str], console: Console) -> list[Tried]:
    """Try faults one after another and say of each at once what happened."""
    columns = (SpinnerColumn(), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
    results = []
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task("", total=len(faults))
        for number, fault in enumerate(faults, start=1):
            progress.update(task, description=f"{fault.topic}: {plain(fault.name)}")
            result = tried(fault, number, work, more)
            results.append(result)
            progress.advance(task)
            passed, happened = result.outcome
            verdict = f"[{STYLES[passed]}]{RESULTS[passed]}[/]"
            console.print(f"{verdict} {fault.topic}: {plain(fault.name)} ({result.seconds:.0f} s): {plain(happened)}")
    return results


if __name__ == "__main__":
    sys.exit(main())

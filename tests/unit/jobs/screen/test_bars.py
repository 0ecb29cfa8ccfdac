import io
from pathlib import Path

from rich.console import Console

from uscl.jobs.screen.bars import MOST, Running, bars


def drawn(running, now=100.0, width=110):
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(bars(running, "3 of 9 jobs", now))
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_each_running_job_has_a_line_with_its_message_progress_and_time(tmp_path):
    log = tmp_path / "job.log"
    log.write_text("2026-01-01 10:00:00,000 INFO pretraining: 3 of 12\n")
    lines = drawn(
        [
            Running("Pretraining: simclr, seed 0", log, 40.0),
            Running("Drawing folds: pocus, seed 1", Path("no.log"), 98.0),
        ]
    )
    assert lines[0] == "3 of 9 jobs"
    assert lines[1].startswith("  Pretraining: simclr, seed 0")
    assert "pretraining: 3 of 12" in lines[1]
    assert lines[1].endswith("60 s")
    assert lines[2].split() == ["Drawing", "folds:", "pocus,", "seed", "1", "2", "s"]


def test_more_jobs_than_lines_are_counted():
    lines = drawn([Running(f"Job {number}", None, 0.0) for number in range(MOST + 30)])
    assert len(lines) == MOST + 2
    assert lines[-1] == "  and 30 more"


def test_a_narrow_terminal_breaks_no_line():
    lines = drawn(
        [Running("Fine-tuning (finetune): meta_uscl on segmentation, seed 0, all folds", None, 0.0)], width=40
    )
    assert len(lines) == 2

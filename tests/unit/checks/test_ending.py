import csv
from pathlib import Path

import pytest

from uscl.base.text import LONGEST_LINE
from uscl.checks import ending
from uscl.jobs.screen.bars import Running
from uscl.jobs.screen.messages import Failed


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A finished study with six primary comparisons in ./results."""
    monkeypatch.chdir(tmp_path)
    folder = Path("results")
    folder.mkdir()
    with (folder / "claims.csv").open("w") as file:
        writer = csv.DictWriter(file, ["primary", "verdict", "sentence"])
        writer.writeheader()
        for number in range(6):
            sentence = f"meta_uscl against simclr on task{number}, macro-F1: {'+1.0 points, ' * 30}better."
            writer.writerow({"primary": True, "verdict": "better" if number < 2 else "not shown", "sentence": sentence})
        writer.writerow({"primary": False, "verdict": "", "sentence": "untrained against imagenet"})
    for name in ("table.md", "claims.md", "report.html"):
        (folder / name).touch()
    return folder


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    """The command `uscl` is on the search path."""
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")


def test_at_most_twelve_short_lines_say_what_was_found_where_it_is_and_what_to_do_next(results):
    lines = ending.finished(results, f": 156 jobs in {ending.spent(0.0, 1230.0)}", simulated=True, tracked=True)
    assert len(lines) <= 12
    assert max(map(len, lines)) <= LONGEST_LINE
    text = "\n".join(lines)
    assert "The study is finished: 156 jobs in 20 min, at " in text
    assert "Of 6 primary comparisons, 2 show a difference:" in text
    assert "  - meta_uscl against simclr on task0, macro-F1: +1.0" in text
    assert "and 3 more" in text
    assert "untrained" not in text
    assert "machinery, not medicine" in text
    for path in ("results/table.md", "results/claims.md", "results/report.html"):
        assert path in text
    assert lines[-1] == "Next: `uscl show` opens the report, `uscl ui` the runs in MLflow."


def test_a_study_without_tracking_or_with_another_folder_names_what_there_is(results):
    results.rename("other results")
    lines = ending.finished(Path("other results"), "", simulated=False, tracked=False)
    assert "uscl show 'other results'` opens" in lines[-1]
    assert "uscl ui" not in lines[-1]
    assert "medicine" not in "\n".join(lines)


def test_failed_jobs_are_named_with_their_logs_and_what_to_do():
    jobs = [Failed(Running(f"Pretraining: arm{number}", Path(f"{number}.log"), 0.0), False) for number in range(5)]
    lines = ending.stopped(jobs, "3 min")
    assert lines[1] == "The call failed after 3 min; finished work is kept. Failed: 5 jobs:"
    assert lines[2] == "  Pretraining: arm0 (log: 0.log)"
    assert lines[-2:] == ["  and 2 more", "Next: fix the cause and run the same command again."]


def test_an_interrupted_call_did_not_fail():
    _, head, last = ending.interrupted("3 min")
    assert head.startswith("The call was interrupted after 3 min; finished work")
    assert last == "Next: run the same command again to go on."


def test_after_a_killed_job_memory_is_the_advice():
    lines = ending.stopped([Failed(Running("Pretraining", Path("a.log"), 0.0), True)], "")
    assert lines[-1].endswith("If memory is short, lower --cores or `batch_size`.")


def test_the_command_is_named_by_its_place_if_it_is_not_on_the_search_path(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("sys.executable", str(tmp_path / ".venv/bin/python"))
    assert ending.uscl_command() is None
    assert ending.next_steps(None, Path("results"), tracked=True) == "open the report in a browser"
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/uscl").touch()
    assert ending.uscl_command() == str(tmp_path / ".venv/bin/uscl")
    monkeypatch.chdir(tmp_path)
    assert ending.uscl_command() == ".venv/bin/uscl"

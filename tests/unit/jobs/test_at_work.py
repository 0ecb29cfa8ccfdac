import subprocess
import sys

import pytest

from uscl.jobs.at_work import AtWork

HOLD = """
import sys, time
from pathlib import Path
from uscl.jobs.at_work import AtWork
mark = AtWork(Path(sys.argv[1]))
print(mark.begin(), flush=True)
time.sleep(30)
"""


def locks(folder):
    return sorted(path.name for path in (folder / ".snakemake/locks").glob("*"))


def lock_as_snakemake_does(folder):
    (folder / ".snakemake/locks").mkdir(parents=True)
    for name in ("0.input.lock", "0.output.lock"):
        (folder / ".snakemake/locks" / name).write_text("table.csv\n")


@pytest.fixture
def other(tmp_path):
    """Another process that is at work in the folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "0\n"
    yield process
    process.kill()
    process.communicate()


def test_a_lock_of_a_killed_call_is_removed(tmp_path, other):
    lock_as_snakemake_does(tmp_path)
    other.kill()
    other.wait()
    mark = AtWork(tmp_path)
    assert mark.begin() == 2
    assert mark.other is None
    assert locks(tmp_path) == []


def test_a_lock_of_a_call_that_is_at_work_stays_and_the_call_is_named(tmp_path, other):
    lock_as_snakemake_does(tmp_path)
    mark = AtWork(tmp_path)
    assert mark.begin() == 0
    assert mark.other.startswith(f"process {other.pid} on ")
    assert locks(tmp_path) == ["0.input.lock", "0.output.lock"]


def test_whoever_has_snakemakes_lock_makes_its_mark_once_the_other_is_gone(tmp_path, other):
    mark = AtWork(tmp_path)
    mark.begin()
    mark.insist(patience_s=0)  # still there
    other.kill()
    other.wait()
    mark.insist(patience_s=5)
    third = AtWork(tmp_path)
    assert third.begin() == 0
    assert third.other is not None

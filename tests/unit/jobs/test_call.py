import json
import os
import platform
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from uscl.base.errors import UserError
from uscl.jobs.call import MARK, clear, release, take_call

# Takes the folder once standard input ends, and keeps it until it is closed again.
TAKE = """
import sys
from pathlib import Path
from uscl.base.errors import UserError
from uscl.jobs.call import take_call
sys.stdin.readline()
try:
    take_call(Path(sys.argv[1]))
except UserError as error:
    print(error, flush=True)
else:
    print("taken", flush=True)
sys.stdin.readline()
"""
ROOT = Path(__file__).parents[3]


@pytest.fixture
def calls(tmp_path):
    """Starts processes that each want tmp_path/results, in a working folder of their own."""
    started = []

    def start(count=1):
        for number in range(count):
            folder = tmp_path / f"checkout{number}"
            folder.mkdir(exist_ok=True)
            started.append(
                subprocess.Popen(
                    [sys.executable, "-c", TAKE, str(tmp_path / "results")],
                    cwd=folder,
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
        return started[-count:]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def answer(process):
    go(process)
    return process.stdout.readline().strip()


def write_mark(results, **fields):
    results.mkdir(exist_ok=True)
    given = {"host": "elsewhere", "pid": 12, "start": "2026-05-04 03:02:01", "folder": "/study"} | fields
    (results / MARK).write_text(json.dumps(given))


def test_of_many_calls_at_once_exactly_one_takes_the_folder(calls):
    racing = calls(8)
    for process in racing:
        go(process)
    answers = [process.stdout.readline().strip() for process in racing]
    assert sorted(answers)[-1] == "taken"
    assert answers.count("taken") == 1


def test_the_second_call_names_the_holder_and_the_command_that_clears_its_mark(calls, tmp_path, monkeypatch):
    (first,) = calls()
    assert answer(first) == "taken"
    monkeypatch.setattr(sys, "argv", ["snakemake", "--configfile", "my study.yaml", "--cores", "2"])
    with pytest.raises(UserError) as error:
        take_call(tmp_path / "results")
    message = str(error.value)
    assert f"process {first.pid} on {platform.node()} since " in message
    assert str(tmp_path / "checkout0") in message
    assert "`snakemake --unlock --configfile 'my study.yaml' --cores 2`" in message
    assert "\n" not in message
    assert message.count(". ") == 0


def test_a_call_that_ends_gives_the_folder_back(calls, tmp_path):
    (first,) = calls()
    assert answer(first) == "taken"
    go(first)
    first.wait(20)
    assert not (tmp_path / "results" / MARK).exists()
    (second,) = calls()
    assert answer(second) == "taken"


def test_a_killed_calls_mark_stays_until_it_is_cleared(calls, tmp_path):
    (first,) = calls()
    assert answer(first) == "taken"
    first.kill()
    first.wait(20)
    second, third = calls(2)
    assert f"process {first.pid}" in answer(second)
    clear(tmp_path / "results")
    assert answer(third) == "taken"


def test_the_mark_of_another_host_counts(tmp_path):
    write_mark(tmp_path / "results")
    with pytest.raises(UserError, match="process 12 on elsewhere since 2026-05-04 03:02:01 in /study"):
        take_call(tmp_path / "results")


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', '{"pid": 1}'])
def test_an_unreadable_mark_counts_and_is_named(tmp_path, text):
    (tmp_path / MARK).write_text(text)
    with pytest.raises(UserError, match=f"{MARK} can't be read.*--unlock"):
        take_call(tmp_path)
    assert (tmp_path / MARK).read_text() == text


def test_a_call_releases_only_its_own_mark(tmp_path):
    mark = tmp_path / MARK
    write_mark(tmp_path)
    release(mark, "mine", os.getpid())
    assert mark.exists()
    release(mark, mark.read_text(), os.getpid() + 1)
    assert mark.exists()
    release(mark, mark.read_text(), os.getpid())
    assert not mark.exists()
    release(mark, "mine", os.getpid())


def test_a_path_that_is_not_a_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="isn't a folder"):
        take_call(tmp_path / "file")


def test_a_mark_that_cannot_be_written_whole_is_removed(tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(UserError, match=r"can't be written \(File too large\)"):
            take_call(tmp_path / "results")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list((tmp_path / "results").iterdir())


def test_clearing_without_a_mark_does_nothing(tmp_path):
    clear(tmp_path / "results")


def test_the_module_is_light():
    heavy = "import uscl.jobs.call, sys; assert not {'torch', 'pandas', 'numpy', 'mlflow', 'yaml'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", heavy], check=True, cwd=ROOT)

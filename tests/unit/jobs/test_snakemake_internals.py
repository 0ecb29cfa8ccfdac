"""Every Snakemake internal that the project uses behaves as the project assumes."""

import json
import os
import re
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import snakemake
from snakemake import benchmark
from snakemake.api import DAGApi
from snakemake.dag import DAG
from snakemake.workflow import Workflow

from uscl.base.errors import UserError
from uscl.jobs.snakemake_internals import SUPPORTED, check_snakemake, sample_seldom

ROOT = Path(__file__).parents[3]
# Writes one line per event.
SNAKEFILE = """
from pathlib import Path
from uscl.base.errors import UserError
from uscl.jobs.snakemake_internals import (
    before_jobs, coming_jobs, is_main_process, may_run, on_unlock, study_options
)

def note(*words):
    with Path("notes.txt").open("a") as file:
        print(*words, file=file)

def prepare():
    if Path("refuse").exists():
        raise UserError("The folder is in use.")
    note("before jobs")
    note("may train" if may_run(workflow, ["train", "pretrain"]) else "may not train")

if is_main_process(workflow):
    note("main", *study_options(workflow))
before_jobs(workflow, prepare)
on_unlock(workflow, lambda: note("unlock"))

onstart:
    note("coming", *sorted(job.rule.name for job in coming_jobs(workflow)))

rule all:
    input: "made.txt"

rule make:
    output: "made.txt"
    run:
        Path(output[0]).touch()
"""

# Shows a call's messages as the project does.
WITH_SCREEN = """
from uscl.jobs.screen.messages import Screen
from uscl.jobs.screen.output import Output
from uscl.jobs.screen.remaining import Remaining, kind_of
from uscl.jobs.snakemake_internals import all_rules, before_jobs, replace_screen, working_jobs

def prepare():
    global screen
    screen = replace_screen(logger, lambda colours: Screen(lambda bars: Output(bars, colours=colours)))

before_jobs(workflow, prepare)

onstart:
    if screen:
        kinds = [kind_of(job.rule.name, job.wildcards_dict) for job in working_jobs(workflow)]
        screen.remaining = Remaining(kinds, {}, screen.began)

onsuccess:
    logger.info("rules: " + " ".join(sorted(all_rules(workflow))))

rule all:
    input: "made.txt"

rule make:
    output: "made.txt"
    log: "make.log"
    message: "Making a file"
    script: "make.py"
"""

# Imports Snakemake once; each line that it reads is a folder and the words of a call, which a fork of it makes there.
CALLER = """
import json, os, sys
from snakemake.cli import get_argument_parser, main

get_argument_parser()  # imports all plugins

for line in sys.stdin:
    folder, words = json.loads(line)
    if os.fork() == 0:
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(os.open("output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
        os.dup2(1, 2)
        sys.exit(main(words))
    print(os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


@pytest.fixture(scope="module")
def caller():
    with subprocess.Popen(
        [sys.executable, "-c", CALLER],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.stdin.close()


@pytest.fixture
def call(tmp_path, caller):
    """Calls Snakemake with the given arguments; returns its exit code, its output, and the notes of this call."""
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    (tmp_path / "study.yaml").write_text("seeds: [0]\n")

    def snakemake(*words):
        notes = tmp_path / "notes.txt"
        notes.unlink(missing_ok=True)
        print(json.dumps([str(tmp_path), words]), file=caller.stdin, flush=True)
        code = int(caller.stdout.readline())
        said = (tmp_path / "output.txt").read_text()
        return code, said, notes.read_text().splitlines() if notes.exists() else []

    return snakemake


def test_a_working_call_prepares_before_its_jobs_and_its_jobs_do_not(call):
    code, output, notes = call("--cores", "1")
    assert code == 0, output
    # The job's own process reads the Snakefile too: it is not the main process.
    assert notes == ["main", "before jobs", "may train", "coming all make"]


@pytest.mark.parametrize(("rules", "told"), [(("make",), "may not train"), (("make", "train"), "may train")])
def test_a_call_may_be_limited_to_some_rules(call, rules, told):
    code, output, notes = call("--cores", "1", "made.txt", "--allowed-rules", *rules)
    assert code == 0, output
    assert notes == ["main", "before jobs", told, "coming make"]


@pytest.mark.parametrize(
    "words", [("-n",), ("--lint",), ("--list-rules",), ("--summary",), ("--dag",), ("--rulegraph",)]
)
def test_calls_that_run_no_jobs_do_not_prepare(call, words):
    assert call(*words)[2] == ["main"]


def test_unlock_clears_and_does_not_prepare(call):
    code, output, notes = call("--unlock")
    assert code == 0, output
    assert notes == ["main", "unlock"]


def test_an_error_while_preparing_ends_the_call_before_any_job(call, tmp_path):
    (tmp_path / "refuse").touch()
    code, output, notes = call("--cores", "1")
    assert code == 1
    assert output.splitlines()[-1] == "Error: The folder is in use."
    assert notes == ["main"]
    assert not (tmp_path / "made.txt").exists()


@pytest.fixture
def with_screen(call, tmp_path):
    """Calls Snakemake with our screen on a job whose script is given; returns its exit code and output."""

    def snakemake(script, *words):
        (tmp_path / "Snakefile").write_text(WITH_SCREEN)
        (tmp_path / "make.py").write_text(script)
        return call("--cores", "1", *words)[:2]

    return snakemake


MAKE = "from pathlib import Path\nPath(snakemake.output[0]).touch()\n"


def test_our_screen_takes_the_place_of_snakemakes(with_screen):
    code, output = with_screen(MAKE)
    assert code == 0, output
    lines = output.splitlines()
    assert [line[10:] for line in lines if "Making" in line and "start" in line] == ["start    Making a file"]
    assert [line[10:27] for line in lines if "1/1" in line] == ["1/1      Making a"]
    assert "rules: all make" in lines
    assert "Select jobs" not in output
    assert "Finished jobid" not in output


def test_a_failed_job_says_why_once_and_then_its_name_and_log(with_screen):
    code, output = with_screen("import sys; print('11:00:00  x ERROR No data.', file=sys.stderr); sys.exit(1)")
    assert code == 1
    lines = output.splitlines()
    why = lines.index("11:00:00  x ERROR No data.")
    assert lines[why + 1][10:] == "FAILED   Making a file (log: make.log)"
    assert output.count("No data.") == 1
    assert "CalledProcessError" not in output
    assert max(map(len, lines)) <= 200


@pytest.mark.parametrize("words", [("--quiet",), ("--verbose",)])
def test_a_user_who_asks_for_less_or_more_gets_snakemakes_own_display(with_screen, words):
    code, output = with_screen(MAKE, *words)
    assert code == 0, output
    assert "start    Making a file" not in output


def test_study_options_read_the_same_config_again(call):
    _, output, notes = call("-n", "--config", "one=1", "two=x", "--configfile", "study.yaml")
    assert notes == ["main --configfile study.yaml --config one=1 two=x"], output


@pytest.mark.parametrize(("seldom", "looks"), [(False, 3), (True, 1)])
def test_a_new_job_is_looked_at_once_and_not_every_half_second(monkeypatch, seldom, looks):
    seen = []
    monkeypatch.setattr(benchmark.BenchmarkTimer, "work", lambda timer: seen.append(timer))
    monkeypatch.setattr(benchmark, "BENCHMARK_INTERVAL_SHORT", 0.5)
    if seldom:
        sample_seldom()
    with benchmark.benchmarked():
        time.sleep(1.25)
    assert len(seen) == looks


def test_the_pinned_version_is_supported_and_is_that_of_pyproject():
    check_snakemake()
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    major, minor = map(int, SUPPORTED.split("."))
    assert f"snakemake>={SUPPORTED},<{major}.{minor + 1}" in dependencies
    assert re.search(rf'min_version\("{SUPPORTED}"\)', (ROOT / "workflow/Snakefile").read_text())


@pytest.mark.parametrize("version", ["9.26.0", "9.28.0", "9.270.1", "10.0.0"])
def test_another_version_stops_the_call(monkeypatch, version):
    monkeypatch.setattr(snakemake, "__version__", version)
    with pytest.raises(UserError, match=rf"doesn't work with Snakemake {version}: install"):
        check_snakemake()


@pytest.mark.parametrize(
    ("owner", "name"),
    [(Workflow, "is_main_process"), (Workflow, "execute"), (Workflow, "unlock"), (DAG, "needrun_jobs"), (DAG, "jobs")],
)
def test_a_name_that_is_gone_stops_the_call(monkeypatch, owner, name):
    monkeypatch.delattr(owner, name)
    with pytest.raises(UserError, match=rf"it has no {owner.__name__}\.{name}"):
        check_snakemake()


def test_a_replaced_method_that_nothing_calls_stops_the_call(monkeypatch):
    monkeypatch.setattr("uscl.jobs.snakemake_internals.REPLACED", {"execute": DAGApi.unlock})
    with pytest.raises(UserError, match=r"Workflow\.execute"):
        check_snakemake()

"""kill -9 at random moments, spread over the whole study: called again as often as needed, it gives the same bytes."""

import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.cut_off import last_lines, read, unlock
from tests.chaos.paths import BENCHMARKS, DATABASE
from tests.chaos.processes import jobs, script_of, send
from tests.chaos.project import MINUTE, ROOT, checkout, differences, finished, half_files, start

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
STUDY = Path(os.environ.get("CHAOS_STUDY", ROOT / "config/config.yaml"))
SEED = 0


def done(project: Path) -> int:
    """How many jobs are done: each leaves a benchmark file."""
    return sum(1 for _ in (project / BENCHMARKS).rglob("*.tsv"))


class Study:
    """A study that is called again whenever a kill has ended its call."""

    def __init__(self, project: Path, study: Path, log: Path) -> None:
        self._project, self._study, self._log = project, study, log
        self._call = self._start()
        self._hit = self._killed = False
        self.restarts = 0

    def _start(self) -> subprocess.Popen:
        return start(self._project, study=self._study, log=self._log)

    def over(self) -> bool:
        """Whether the study has ended well. Raises AssertionError where a call failed that nothing had hit."""
        code = self._call.poll()
        if code:
            assert self._hit, f"a call failed that nothing had hit ({code}): {last_lines(read(self._log))}"
            if self._killed:
                unlock(self._project, study=self._study)
            self._call = self._start()
            self._hit = self._killed = False
            self.restarts += 1
        return code == 0

    def run_until(self, count: int) -> bool:
        """Let it go on until so many jobs are done; False where it was over before."""
        while not (over := self.over()) and done(self._project) < count:
            time.sleep(0.05)
        return not over

    def run(self) -> None:
        """Let it go on to its end."""
        while not self.over():
            time.sleep(0.2)

    def kill(self, choice: random.Random) -> str | None:
        """Kill one of its processes, or all: which, in words; None where none was alive."""
        running = jobs(self._call.pid)
        names = {job: script_of(job) or "a job" for job in running}
        if self._call.poll() is not None:
            return None
        self._hit = True
        what = choice.choice(["job", "job", "main", "all"] if running else ["main"])
        if what == "job":
            job = choice.choice(running)
            return names[job] if send(job, signal.SIGKILL) else None
        self._killed = True
        if what == "main":
            self._call.kill()
        else:
            os.killpg(self._call.pid, signal.SIGKILL)
        self._call.wait()
        return f"{what} ({' and '.join(names.values()) or 'between jobs'})"


def killed(folder: Path, path: Path, count: int, longest_s: float) -> None:
    """Kill a study `count` times, each up to `longest_s` after its share of the jobs is done, and let it end."""
    choice, total = random.Random(SEED), done(finished(path))
    project = checkout(folder / "project")
    study, told = Study(project, path, folder / "calls.log"), []
    for number in range(count):
        if not study.run_until(int(total * (number + choice.random()) / count)):
            break
        time.sleep(choice.uniform(0, longest_s))
        for _ in range(100):  # a process may end on its own just before it's hit
            if study.over() or (hit := study.kill(choice)):
                told.append(hit)
                break
    study.run()
    assert len([hit for hit in told if hit]) == count, f"the study was over before the last kill: {told}"
    as_without_kills(project, path, f"{', '.join(told)}; {study.restarts} restarts")


def as_without_kills(project: Path, path: Path, kills: str) -> None:
    """A study that was killed and called again ends in the same bytes and runs."""
    assert not (other := differences(project, path)), f"{other} after {kills}"
    assert not (half := half_files(project)), f"{half} are left after {kills}"
    assert finished_runs(project) == finished_runs(finished(path)), f"finished runs in MLflow after {kills}"


def finished_runs(project: Path) -> int:
    """How many finished runs a project's MLflow store shows."""
    with closing(sqlite3.connect(project / DATABASE)) as store:
        query = "SELECT COUNT(*) FROM runs WHERE status = 'FINISHED' AND lifecycle_stage = 'active'"
        return int(store.execute(query).fetchone()[0])


@pytest.mark.chaos_short
def test_smallest(folder: Path) -> None:
    """Kill -9 of random processes at 3 random moments of the smallest study: called again as often as it takes, the
    study ends in the same bytes."""
    killed(folder, MINUTE, 3, 1.0)


@pytest.mark.timeout(10800)
def test_kill_9_of_random_processes_at_20_random_moments_of_config_yaml(folder: Path) -> None:
    """Called again as often as it takes, the study ends in the same bytes."""
    killed(folder, STUDY, KILLS, 3.0)

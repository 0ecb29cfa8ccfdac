"""kill -9 at random moments, spread over the whole study: called again as often as needed, it gives the same bytes."""

import os
import random
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

from chaos.cut_off import last_lines, read
from chaos.faults import Faults, Outcome
from chaos.processes import jobs, script_of, send
from chaos.project import MINUTE, ROOT, checkout, differences, finished, half_files, start

FAULTS = Faults("kills")
KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
STUDY = Path(os.environ.get("CHAOS_STUDY", ROOT / "config/config.yaml"))
SEED = 0


def done(project: Path) -> int:
    """How many jobs are done: each leaves a benchmark file."""
    return sum(1 for _ in (project / "results/benchmarks").rglob("*.tsv"))


class Study:
    """A study that is called again whenever a kill has ended its call."""

    def __init__(self, project: Path, study: Path, log: Path) -> None:
        self._project, self._study, self._log = project, study, log
        self._call = self._start()
        self._hit = False
        self.restarts = 0

    def _start(self) -> subprocess.Popen:
        return start(self._project, study=self._study, log=self._log)

    def over(self) -> bool:
        """Whether the study has ended well. Raises AssertionError where a call failed that nothing had hit."""
        code = self._call.poll()
        if code:
            assert self._hit, f"a call failed that nothing had hit ({code}): {last_lines(read(self._log))}"
            self._call, self._hit = self._start(), False
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
        if what == "main":
            self._call.kill()
        else:
            os.killpg(self._call.pid, signal.SIGKILL)
        self._call.wait()
        return f"{what} ({' and '.join(names.values()) or 'between jobs'})"


def killed(folder: Path, path: Path, count: int, longest_s: float) -> Outcome:
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
    return told_outcome(project, path, [hit for hit in told if hit], count, study.restarts)


def told_outcome(project: Path, path: Path, told: list[str], count: int, restarts: int) -> Outcome:
    """What came of a study that was killed."""
    happened = f"{len(told)} of {count} kills, {restarts} restarts: {', '.join(told)}"
    faults = [differences(project, path), *(f"{half} is left" for half in half_files(project))]
    if (found := finished_runs(project)) != (expected := finished_runs(finished(path))):
        faults.append(f"{found} finished runs in MLflow instead of {expected}")
    if len(told) < count:
        faults.append("the study was over before the last kill")
    faults = [fault for fault in faults if fault]
    return Outcome(not faults, f"{happened}; {'; '.join(faults) or 'the same table, predictions and encoders'}")


def finished_runs(project: Path) -> int:
    """How many finished runs a project's MLflow store shows."""
    with closing(sqlite3.connect(project / "results/mlflow.db")) as store:
        query = "SELECT COUNT(*) FROM runs WHERE status = 'FINISHED' AND lifecycle_stage = 'active'"
        return int(store.execute(query).fetchone()[0])


@FAULTS.fault(
    "kill -9 of random processes at 3 random moments of the smallest study",
    "called again as often as it takes, the study ends in the same bytes",
    short=True,
)
def smallest(folder: Path) -> Outcome:
    return killed(folder, MINUTE, 3, 1.0)


@FAULTS.fault(
    f"kill -9 of random processes at {KILLS} random moments of {STUDY.name}",
    "called again as often as it takes, the study ends in the same bytes",
    limit_s=3 * 3600,
)
def whole_study(folder: Path) -> Outcome:
    return killed(folder, STUDY, KILLS, 3.0)

"""Other users, other habits, little shared memory: it works, or one true sentence says why not."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.chaos.cut_off import EXTRACTION, TABLE_JOB, Job, last_lines, without
from tests.chaos.paths import RESULTS
from tests.chaos.project import UNTRACKED, checkout, differences, snakemake

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
RAW = f"{RESULTS}/raw/sim_lung"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as another user, or mount")
# Another user, who may read everything (the packages can be anywhere) and write to nothing but the own files.
USER = 65534
READS = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
ANOTHER = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *READS]
PRIVATE = ["sh", "-c", 'umask 077; exec "$@"', "sh"]
SMALL_SHM = [*("unshare", "--mount", "sh", "-c"), 'mount -t tmpfs -o size=64k tmpfs /dev/shm; exec "$@"', "sh"]


def ended_well(run: subprocess.CompletedProcess, project: Path) -> None:
    """Raise AssertionError unless a call ended well, in the same bytes as one without any fault."""
    assert run.returncode == 0, last_lines(run.stdout)
    assert "Traceback" not in run.stdout, "a traceback was shown"
    other = differences(project)
    assert not other, other


@AS_ROOT
def test_a_checkout_of_another_owner_that_can_only_be_read(folder: Path) -> None:
    """In it one sentence says what to do; so called, it works, if a home that can't be written to is named."""
    project, own = checkout(folder / "project"), folder / "own"
    own.mkdir()
    os.chown(own, USER, USER)
    for place in (folder.parent, folder.parents[1]):
        place.chmod(0o755)
    cache = {"HOME": "/nonexistent", "XDG_CACHE_HOME": str(own / "cache")}
    run = snakemake(project, "--config", f"results={own / RESULTS}", "--", str(own / RESULTS), by=ANOTHER, **cache)
    assert run.returncode != 0, "the call ended well"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    said = f"{project} can't be written to: call it from a folder of yours with --snakefile {project}/Snakefile"
    assert said in run.stdout, last_lines(run.stdout)
    run = snakemake(own, "--snakefile", str(project / "Snakefile"), *UNTRACKED, "--", RAW, by=ANOTHER, **cache)
    assert run.returncode == 0, last_lines(run.stdout)
    assert {path.stat().st_uid for path in (own / RESULTS).rglob("*")} == {USER}


@pytest.mark.parametrize("job", [TABLE_JOB, EXTRACTION], ids=["table", "extraction"])
def test_a_user_who_shares_nothing(folder: Path, job: Job) -> None:
    """With umask 077 the same bytes, in files that nobody else may read."""
    project = without(folder, job)
    ended_well(snakemake(project, *UNTRACKED, "--", f"{RESULTS}/{job.target}", by=PRIVATE), project)
    made = project / RESULTS / job.target
    assert made.stat().st_mode & 0o777 == 0o600
    assert (project / RESULTS / "logs" / job.log).stat().st_mode & 0o777 == 0o600


@AS_ROOT
def test_a_machine_with_64_kb_of_shared_memory(folder: Path) -> None:
    """Data are extracted to the same bytes."""
    project = without(folder, EXTRACTION)
    ended_well(snakemake(project, *UNTRACKED, "--", f"{RESULTS}/{EXTRACTION.target}", by=SMALL_SHM), project)

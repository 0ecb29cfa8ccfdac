"""MLflow out of reach, slow, locked, lost, spoilt or cut off: results are the same, and no run is lost or doubled."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from contextlib import AbstractContextManager, closing
from pathlib import Path

import psutil
import pytest
import yaml

from tests.chaos.cut_off import FINETUNING, last_lines, read, without
from tests.chaos.disks import read_only
from tests.chaos.mlflow_content import content, other_runs
from tests.chaos.mlflow_servers import free_port, hanging, refusing, working
from tests.chaos.paths import ARTIFACTS, DATABASE, FINETUNE, FRAMES, LOGGED, OUTCOME, TABLE
from tests.chaos.processes import wait_until
from tests.chaos.project import MINUTE, ROOT, copy_of_finished, differences, environment, finished, snakemake, start

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
# One job that makes no run is enough: the mirror of any call logs all runs that the store lacks.
ONE = ("--force", "--", TABLE)
MAKE_STORE = f"""
from uscl.tracking.store import experiment, opened
with opened("sqlite:///{DATABASE}") as client:
    experiment(client, "sqlite:///{DATABASE}", "empty")
"""
WARNING, KEPT = "MLflow can't be used", "`snakemake sync_tracking` logs them"
SECRET = "hunter22secret"


def without_store(run: subprocess.CompletedProcess, project: Path, why: str) -> None:
    """Raises AssertionError where a call whose store couldn't be had didn't end as it should."""
    assert run.returncode == 0, f"the call failed: {last_lines(run.stdout)}"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    lines = [line for line in run.stdout.splitlines() if WARNING in line]
    assert len(lines) == 1, f"{len(lines)} warnings"
    assert why in lines[0], f"the warning doesn't say why: {lines[0]}"
    assert KEPT in run.stdout, "how to log later isn't said"
    assert not differences(project), differences(project)


def logged_later(project: Path, *, store: Path | None = None, **more: str) -> None:
    """All runs are in the store after sync_tracking as in a study without any fault."""
    run = snakemake(project, "sync_tracking", **more)
    assert run.returncode == 0, f"sync_tracking failed: {last_lines(run.stdout)}"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    assert SECRET not in run.stdout, "the password was shown"
    other = other_runs(store or project / DATABASE, finished() / DATABASE) or differences(project)
    assert not other, other


def nothing_to_do(project: Path, **more: str) -> None:
    """Raises AssertionError where a further call would work again."""
    run = snakemake(project, **more)
    assert "Nothing to be done" in run.stdout, f"a further call works again: {last_lines(run.stdout)}"


def test_no_server_at_the_address_at_the_start_and_afterwards(folder: Path) -> None:
    """The call ends well with one warning and the same table; sync_tracking logs every run to the study's own store."""
    project, address = copy_of_finished(folder), f"http://127.0.0.1:{free_port()}"
    run = snakemake(project, *ONE, MLFLOW_TRACKING_URI=address)
    without_store(run, project, "the server can't be reached")
    still = snakemake(project, "sync_tracking", MLFLOW_TRACKING_URI=address)
    assert still.returncode == 1, "sync_tracking without a server ended well"
    assert "nothing is lost" in still.stdout, f"sync_tracking doesn't say it: {last_lines(still.stdout)}"
    assert "Traceback" not in still.stdout, "sync_tracking showed a traceback"
    logged_later(project)
    nothing_to_do(project)


@pytest.mark.chaos_short
def test_no_server_at_the_address_one_job(folder: Path) -> None:
    """The call ends well, with one warning."""
    project = copy_of_finished(folder)
    run = snakemake(project, *ONE, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")
    without_store(run, project, "the server can't be reached")


def server_of_no_use(folder: Path, server: AbstractContextManager[int], why: str) -> None:
    """A call whose store is a server, by its port, that can't be used."""
    project = copy_of_finished(folder)
    with server as port:
        run = snakemake(project, *ONE, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}")
    without_store(run, project, why)
    logged_later(project)


def test_a_server_that_never_answers(folder: Path) -> None:
    """The call ends well with one warning and the same table; sync_tracking logs every run."""
    server_of_no_use(folder, hanging(), "the server doesn't answer")


def test_a_server_that_answers_with_http_500(folder: Path) -> None:
    """The call ends well with one warning and the same table; sync_tracking logs every run."""
    server_of_no_use(folder, refusing(), "500")


@pytest.mark.timeout(1200)
def test_server_dies(folder: Path) -> None:
    """A server that dies in the middle of a run, with a password in its address: the call ends well with one warning
    and the same table; sync_tracking logs every run once the server is back, none twice; the password stands
    nowhere."""
    project, port = copy_of_finished(folder / "project"), free_port()
    address = f"http://me:{SECRET}@127.0.0.1:{port}"
    with working(folder / "server", port, requests=30) as server:
        run = snakemake(project, *ONE, MLFLOW_TRACKING_URI=address)
        assert server.poll() is not None, "the server was to die"
    without_store(run, project, "the server ")  # it broke off, or can't be reached
    with working(folder / "server", port):
        logged_later(project, store=folder / "server/server.db", MLFLOW_TRACKING_URI=address)
    nothing_to_do(project, MLFLOW_TRACKING_URI=address)
    places = [path for path in project.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not places, f"the password stands in {', '.join(str(path.relative_to(project)) for path in places[:3])}"
    assert SECRET not in run.stdout, "the password was shown"


@pytest.mark.chaos_short
def test_a_password_in_the_configs_tracking_uri(folder: Path) -> None:
    """One sentence that doesn't repeat it; no job runs."""
    project, study = copy_of_finished(folder / "project"), folder / "study.yaml"
    config = yaml.safe_load(MINUTE.read_text(encoding="utf-8")) | {"tracking_uri": f"http://me:{SECRET}@host"}
    study.write_text(yaml.safe_dump(config), encoding="utf-8")
    run = snakemake(project, study=study)
    assert run.returncode != 0, "the call ended well"
    assert SECRET not in run.stdout, "the password was shown"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    assert "MLFLOW_TRACKING_PASSWORD" in run.stdout, f"where to put it isn't said: {last_lines(run.stdout)}"
    places = [path for path in (project / ".snakemake").rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in path.read_bytes() for path in places), "the password stands in .snakemake"


def with_store(folder: Path) -> Path:
    """A finished project with a store in which nothing is logged yet."""
    project = copy_of_finished(folder)
    words = [sys.executable, "-c", MAKE_STORE]
    subprocess.run(words, cwd=project, env=environment(), check=True, capture_output=True)
    return project


def test_the_sqlite_store_is_locked_by_another_process(folder: Path) -> None:
    """The call ends well with one warning and the same table; sync_tracking logs every run."""
    project = with_store(folder)
    with closing(sqlite3.connect(project / DATABASE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        run = snakemake(project, *ONE)
    without_store(run, project, "database is locked")
    logged_later(project)


def test_the_sqlite_store_can_only_be_read(folder: Path) -> None:
    """The call ends well with one warning and the same table; sync_tracking logs every run."""
    project = with_store(folder)
    with read_only(project / DATABASE):
        run = snakemake(project, *ONE)
    without_store(run, project, "readonly database")
    logged_later(project)


def test_the_store_is_deleted_while_the_study_runs(folder: Path) -> None:
    """The call ends well; sync_tracking logs every run."""
    project = copy_of_finished(folder / "project")
    call = start(project, *ONE, log=folder / "call.log")
    wait_until((project / LOGGED).exists, "the first runs to be logged")
    (project / DATABASE).unlink()
    code, said = call.wait(), read(folder / "call.log")
    assert code == 0, f"the call failed: {last_lines(said)}"
    assert "Traceback" not in said, "a traceback was shown"
    logged_later(project)
    nothing_to_do(project)


def test_the_store_is_no_database(folder: Path) -> None:
    """The call ends well with one warning and the same table; sync_tracking logs every run to a new store; the old
    one is kept."""
    project = with_store(folder)
    (project / DATABASE).write_bytes(b"garbage" * 10_000)
    without_store(snakemake(project, *ONE), project, "file is not a database")
    logged_later(project)
    assert (project / f"{DATABASE}.unusable-1").read_bytes() == b"garbage" * 10_000, "the old one isn't kept"


def test_the_store_is_of_another_version_of_mlflow(folder: Path) -> None:
    """The call ends well with one warning and the same table; sync_tracking logs every run to a new store; the old
    one is kept."""
    project = with_store(folder)
    with closing(sqlite3.connect(project / DATABASE)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'abcdef012345'")
        connection.commit()
    without_store(snakemake(project, *ONE), project, "another MLflow version")
    logged_later(project)
    assert (project / f"{DATABASE}.unusable-1").exists(), "the old one isn't kept"


def test_the_package_mlflow_is_broken(folder: Path) -> None:
    """The call ends well with one warning and the same table; sync_tracking logs every run."""
    project = copy_of_finished(folder / "project")
    (folder / "broken").mkdir()
    (folder / "broken/mlflow.py").write_text("raise ImportError('broken for a test')\n")
    run = snakemake(project, *ONE, PYTHONPATH=str(folder / "broken"))
    without_store(run, project, "can't be imported")
    logged_later(project)


def test_kill_9_while_a_run_is_being_logged(folder: Path) -> None:
    """The next call logs it whole and only once."""
    project = with_store(folder / "project")
    call = start(project, *ONE, log=folder / "call.log", cores=1)
    wait_until(lambda: half_logged(project / DATABASE, "pocus/%"), "a half logged run", every=0.002)
    for process in psutil.Process(call.pid).children(recursive=True):
        if "uscl.tracking.mirror" in process.cmdline():
            process.send_signal(signal.SIGKILL)
    call.wait()
    half = half_logged(project / DATABASE, "pocus/%")
    assert half, "the run was logged before the kill"
    again = snakemake(project, *ONE)
    assert again.returncode == 0, f"the further call failed: {last_lines(again.stdout)}"
    other = other_runs(project / DATABASE, finished() / DATABASE) or differences(project)
    assert not other, other


def half_logged(database: Path, name: str) -> int:
    """How many runs of a name are begun and not finished."""
    query = "SELECT count(*) FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active' AND name LIKE ?"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute(query, (name,)).fetchone()[0])


def test_the_store_and_its_files_are_deleted(folder: Path) -> None:
    """Sync_tracking rebuilds the same runs; then nothing is to be done."""
    project = Path(shutil.copytree(finished(), folder, symlinks=True, dirs_exist_ok=True))
    (project / DATABASE).unlink()
    shutil.rmtree(project / ARTIFACTS)
    logged_later(project)
    nothing_to_do(project)


def test_a_call_whose_runs_are_all_logged_has_lost_its_note_of_them(folder: Path) -> None:
    """No run is doubled or logged again."""
    project = copy_of_finished(folder)
    ids = []
    for _ in range(2):
        (project / LOGGED).unlink(missing_ok=True)
        run = snakemake(project, *ONE)
        assert run.returncode == 0, last_lines(run.stdout)
        with closing(sqlite3.connect(project / DATABASE)) as connection:
            ids.append(sorted(connection.execute("SELECT run_uuid FROM runs")))
    assert ids[0] == ids[1], "runs were logged again"
    other = other_runs(project / DATABASE, finished() / DATABASE)
    assert not other, other


def test_a_fine_tuning_fails_and_works_when_its_cause_is_fixed(folder: Path) -> None:
    """A run with status FAILED, its reason and its log, once; then the finished run alone."""
    project, name = without(folder, FINETUNING), "pocus/finetune/meta_uscl/seed0"
    frames = project / f"results/{FRAMES}/frames.npy"
    whole, before = frames.read_bytes(), frames.stat()
    frames.with_suffix(".provenance.json").unlink()  # else the job would stop before its run begins
    frames.write_bytes(whole[: len(whole) // 2])
    os.utime(frames, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert snakemake(project, "--", f"results/{FINETUNING.target}").returncode != 0, "the call ended well"
    for _ in range(2):
        found = content(project / DATABASE)[name]
        assert found["status"] == "FAILED", f"its status is {found['status']}"
        assert found["tags"].get("uscl.reason"), "the reason isn't said"
        assert Path(FINETUNING.log).name in found["artifacts"], f"without its log: {list(found['artifacts'])}"
        snakemake(project, "sync_tracking")
    frames.write_bytes(whole)
    os.utime(frames, ns=(before.st_atime_ns, before.st_mtime_ns))
    (project / "results" / FINETUNE / OUTCOME).unlink()  # as the call says, since nothing else has changed
    run = snakemake(project)
    assert run.returncode == 0, f"the repaired call failed: {last_lines(run.stdout)}"
    assert content(project / DATABASE)[name]["status"] == "FINISHED", "the finished run isn't there"
    other = differences(project)
    assert not other, other


def load(studies: int, cells: int) -> None:
    """The mirrors of several studies that log to one store at once."""
    words = ["--studies", str(studies), "--cells", str(cells), "--seconds", "0"]
    run = subprocess.run(
        [sys.executable, ROOT / "benchmarks/tracking_load.py", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, last_lines(run.stdout or run.stderr, 1)


@pytest.mark.chaos_short
def test_4_mirrors_log_8_cells_to_one_new_store_at_once() -> None:
    """None is lost or doubled."""
    load(4, 8)


def test_16_mirrors_log_200_cells_to_one_new_store_at_once() -> None:
    """None is lost or doubled."""
    load(16, 200)

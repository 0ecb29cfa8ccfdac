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
import yaml

from chaos.cut_off import FINETUNING, last_lines, read, without
from chaos.disks import read_only
from chaos.faults import Faults, Outcome
from chaos.mlflow_content import content, other_runs
from chaos.mlflow_servers import free_port, hanging, refusing, working
from chaos.processes import wait_until
from chaos.project import MINUTE, copy_of_finished, differences, environment, finished, snakemake, start

FAULTS = Faults("tracking")
STORE = "results/mlflow.db"
# One job that makes no run is enough: the mirror of any call logs all runs that the store lacks.
ONE = ["--force", "--", "results/table.csv"]
MAKE_STORE = """
from uscl.tracking.store import experiment, opened
with opened("sqlite:///results/mlflow.db") as client:
    experiment(client, "sqlite:///results/mlflow.db", "empty")
"""
WARNING, KEPT = "MLflow can't be used", "`snakemake sync_tracking` logs them"
SECRET = "hunter22secret"
LATER = "the call ends well with one warning and the same table; sync_tracking logs every run"


def without_store(run: subprocess.CompletedProcess, project: Path, why: str) -> None:
    """Raises AssertionError where a call whose store couldn't be had didn't end as it should."""
    assert run.returncode == 0, f"the call failed: {last_lines(run.stdout)}"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    lines = [line for line in run.stdout.splitlines() if WARNING in line]
    assert len(lines) == 1, f"{len(lines)} warnings"
    assert why in lines[0], f"the warning doesn't say why: {lines[0]}"
    assert KEPT in run.stdout, "how to log later isn't said"
    assert not differences(project), differences(project)


def logged_later(project: Path, told: str, *, store: Path | None = None, **more: str) -> Outcome:
    """Are all runs in the store after sync_tracking as in a study without any fault?"""
    run = snakemake(project, "sync_tracking", **more)
    assert run.returncode == 0, f"sync_tracking failed: {last_lines(run.stdout)}"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    assert SECRET not in run.stdout, "the password was shown"
    other = other_runs(store or project / STORE, finished() / STORE) or differences(project)
    summary = next((line for line in run.stdout.splitlines() if line.startswith("MLflow: ")), "no summary")
    return Outcome(not other, f"{told}; {other or summary}")


def nothing_to_do(project: Path, **more: str) -> None:
    """Raises AssertionError where a further call would work again."""
    run = snakemake(project, **more)
    assert "Nothing to be done" in run.stdout, f"a further call works again: {last_lines(run.stdout)}"


@FAULTS.fault("no server at the address, at the start and afterwards", f"{LATER} to the study's own store")
def no_server(folder: Path) -> Outcome:
    project, address = copy_of_finished(folder), f"http://127.0.0.1:{free_port()}"
    run = snakemake(project, *ONE, MLFLOW_TRACKING_URI=address)
    without_store(run, project, "the server can't be reached")
    still = snakemake(project, "sync_tracking", MLFLOW_TRACKING_URI=address)
    assert still.returncode == 1, "sync_tracking without a server ended well"
    assert "nothing is lost" in still.stdout, f"sync_tracking doesn't say it: {last_lines(still.stdout)}"
    assert "Traceback" not in still.stdout, "sync_tracking showed a traceback"
    outcome = logged_later(project, "one warning; sync_tracking said that there still is no server")
    nothing_to_do(project)
    return outcome


@FAULTS.fault("no server at the address, one job", "the call ends well, with one warning", short=True)
def no_server_for_one_job(folder: Path) -> Outcome:
    project = copy_of_finished(folder)
    run = snakemake(project, *ONE, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{free_port()}")
    without_store(run, project, "the server can't be reached")
    return Outcome(True, "one warning, the same table")


def server_of_no_use(folder: Path, server: AbstractContextManager[int], why: str) -> Outcome:
    """A call whose store is a server, by its port, that can't be used."""
    project = copy_of_finished(folder)
    with server as port:
        run = snakemake(project, *ONE, MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}")
    without_store(run, project, why)
    return logged_later(project, "one warning")


@FAULTS.fault("a server that never answers", LATER)
def server_hangs(folder: Path) -> Outcome:
    return server_of_no_use(folder, hanging(), "the server doesn't answer")


@FAULTS.fault("a server that answers with HTTP 500", LATER)
def server_refuses(folder: Path) -> Outcome:
    return server_of_no_use(folder, refusing(), "500")


@FAULTS.fault(
    "a server that dies in the middle of a run, with a password in its address",
    f"{LATER} once the server is back, none twice; the password stands nowhere",
    limit_s=1200,
)
def server_dies(folder: Path) -> Outcome:
    project, port = copy_of_finished(folder / "project"), free_port()
    address = f"http://me:{SECRET}@127.0.0.1:{port}"
    with working(folder / "server", port, requests=30) as server:
        run = snakemake(project, *ONE, MLFLOW_TRACKING_URI=address)
        assert server.poll() is not None, "the server was to die"
    without_store(run, project, "the server ")  # it broke off, or can't be reached
    with working(folder / "server", port):
        outcome = logged_later(project, "one warning", store=folder / "server/server.db", MLFLOW_TRACKING_URI=address)
    nothing_to_do(project, MLFLOW_TRACKING_URI=address)
    places = [path for path in project.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()]
    assert not places, f"the password stands in {', '.join(str(path.relative_to(project)) for path in places[:3])}"
    assert SECRET not in run.stdout, "the password was shown"
    return outcome


@FAULTS.fault("a password in the config's tracking_uri", "one sentence that doesn't repeat it; no job runs", short=True)
def password_in_config(folder: Path) -> Outcome:
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
    return Outcome(True, "refused in one sentence")


def with_store(folder: Path) -> Path:
    """A finished project with a store in which nothing is logged yet."""
    project = copy_of_finished(folder)
    words = [sys.executable, "-c", MAKE_STORE]
    subprocess.run(words, cwd=project, env=environment(), check=True, capture_output=True)
    return project


@FAULTS.fault("the SQLite store is locked by another process", LATER)
def locked(folder: Path) -> Outcome:
    project = with_store(folder)
    with closing(sqlite3.connect(project / STORE, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        run = snakemake(project, *ONE)
    without_store(run, project, "database is locked")
    return logged_later(project, "one warning")


@FAULTS.fault("the SQLite store can only be read", LATER)
def only_read(folder: Path) -> Outcome:
    project = with_store(folder)
    with read_only(project / STORE):
        run = snakemake(project, *ONE)
    without_store(run, project, "readonly database")
    return logged_later(project, "one warning")


@FAULTS.fault("the store is deleted while the study runs", "the call ends well; sync_tracking logs every run")
def deleted_meanwhile(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    call = start(project, *ONE, log=folder / "call.log")
    wait_until((project / "results/tracking/logged.json").exists, "the first runs to be logged")
    (project / STORE).unlink()
    code, said = call.wait(), read(folder / "call.log")
    assert code == 0, f"the call failed: {last_lines(said)}"
    assert "Traceback" not in said, "a traceback was shown"
    outcome = logged_later(project, "the call ended well")
    nothing_to_do(project)
    return outcome


@FAULTS.fault("the store is no database", f"{LATER} to a new store; the old one is kept")
def garbage(folder: Path) -> Outcome:
    project = with_store(folder)
    (project / STORE).write_bytes(b"garbage" * 10_000)
    without_store(snakemake(project, *ONE), project, "file is not a database")
    outcome = logged_later(project, "one warning")
    assert (project / f"{STORE}.unusable-1").read_bytes() == b"garbage" * 10_000, "the old one isn't kept"
    return outcome


@FAULTS.fault("the store is of another version of MLflow", f"{LATER} to a new store; the old one is kept")
def other_version(folder: Path) -> Outcome:
    project = with_store(folder)
    with closing(sqlite3.connect(project / STORE)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'abcdef012345'")
        connection.commit()
    without_store(snakemake(project, *ONE), project, "another MLflow version")
    outcome = logged_later(project, "one warning")
    assert (project / f"{STORE}.unusable-1").exists(), "the old one isn't kept"
    return outcome


@FAULTS.fault("the package mlflow is broken", LATER)
def broken_package(folder: Path) -> Outcome:
    project = copy_of_finished(folder / "project")
    (folder / "broken").mkdir()
    (folder / "broken/mlflow.py").write_text("raise ImportError('broken for a test')\n")
    run = snakemake(project, *ONE, PYTHONPATH=str(folder / "broken"))
    without_store(run, project, "can't be imported")
    return logged_later(project, "one warning")


@FAULTS.fault("kill -9 while a run is being logged", "the next call logs it whole and only once")
def killed_while_logging(folder: Path) -> Outcome:
    project = with_store(folder / "project")
    call = start(project, *ONE, log=folder / "call.log", cores=1)
    wait_until(lambda: half_logged(project / STORE, "pocus/%"), "a half logged run", every=0.002)
    for process in psutil.Process(call.pid).children(recursive=True):
        if "uscl.tracking.mirror" in process.cmdline():
            process.send_signal(signal.SIGKILL)
    code = call.wait()
    half = half_logged(project / STORE, "pocus/%")
    assert half, "the run was logged before the kill"
    again = snakemake(project, *ONE)
    assert again.returncode == 0, f"the further call failed: {last_lines(again.stdout)}"
    other = other_runs(project / STORE, finished() / STORE) or differences(project)
    return Outcome(not other, f"exit code {code}, {half} half logged; {other or 'all runs once, as without the kill'}")


def half_logged(database: Path, name: str) -> int:
    """How many runs of a name are begun and not finished."""
    query = "SELECT count(*) FROM runs WHERE status = 'RUNNING' AND lifecycle_stage = 'active' AND name LIKE ?"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute(query, (name,)).fetchone()[0])


@FAULTS.fault("the store and its files are deleted", "sync_tracking rebuilds the same runs; then nothing is to be done")
def rebuilt(folder: Path) -> Outcome:
    project = Path(shutil.copytree(finished(), folder, symlinks=True, dirs_exist_ok=True))
    (project / STORE).unlink()
    shutil.rmtree(project / "results/mlartifacts")
    outcome = logged_later(project, "deleted")
    nothing_to_do(project)
    return outcome


@FAULTS.fault("a call whose runs are all logged, without its note of them", "no run is doubled or logged again")
def repeated(folder: Path) -> Outcome:
    project = copy_of_finished(folder)
    ids = []
    for _ in range(2):
        (project / "results/tracking/logged.json").unlink(missing_ok=True)
        run = snakemake(project, *ONE)
        assert run.returncode == 0, last_lines(run.stdout)
        with closing(sqlite3.connect(project / STORE)) as connection:
            ids.append(sorted(connection.execute("SELECT run_uuid FROM runs")))
    assert ids[0] == ids[1], "runs were logged again"
    other = other_runs(project / STORE, finished() / STORE)
    return Outcome(not other, other or f"{len(ids[0])} runs compared again, the same ids")


@FAULTS.fault(
    "a fine-tuning fails, and works when its cause is mended",
    "a run with status FAILED, its reason and its log, once; then the finished run alone",
)
def failed_run(folder: Path) -> Outcome:
    project, name = without(folder, FINETUNING), "pocus/finetune/meta_uscl/seed0"
    frames = project / "results/frames/sim_lung/frames.npy"
    whole, before = frames.read_bytes(), frames.stat()
    frames.write_bytes(whole[: len(whole) // 2])
    os.utime(frames, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert snakemake(project, "--", f"results/{FINETUNING.target}").returncode != 0, "the call ended well"
    for _ in range(2):
        found = content(project / STORE)[name]
        assert found["status"] == "FAILED", f"its status is {found['status']}"
        assert found["tags"].get("uscl.reason"), "the reason isn't said"
        assert Path(FINETUNING.log).name in found["artifacts"], f"without its log: {list(found['artifacts'])}"
        snakemake(project, "sync_tracking")
    frames.write_bytes(whole)
    os.utime(frames, ns=(before.st_atime_ns, before.st_mtime_ns))
    run = snakemake(project)
    assert run.returncode == 0, f"the mended call failed: {last_lines(run.stdout)}"
    assert content(project / STORE)[name]["status"] == "FINISHED", "the finished run isn't there"
    other = differences(project)
    return Outcome(not other, other or f"FAILED with its log ({found['tags']['uscl.reason'][:60]}), then FINISHED")


def load(studies: int, cells: int) -> Outcome:
    """The mirrors of several studies that log to one store at once."""
    words = ["--studies", str(studies), "--cells", str(cells), "--seconds", "0"]
    run = subprocess.run(
        [sys.executable, finished() / "benchmarks/tracking_load.py", *words],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return Outcome(run.returncode == 0, last_lines(run.stdout or run.stderr, 1))


@FAULTS.fault("4 mirrors log 8 cells to one new store at once", "none is lost or doubled", short=True)
def few_at_once(folder: Path) -> Outcome:
    return load(4, 8)


@FAULTS.fault("16 mirrors log 200 cells to one new store at once", "none is lost or doubled")
def many_at_once(folder: Path) -> Outcome:
    return load(16, 200)

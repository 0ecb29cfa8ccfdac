"""Logging a finished study to an MLflow server that keeps runs in PostgreSQL and passes artifacts on."""

import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.chaos.mlflow_servers import answers, free_port
from tests.chaos.processes import wait_until
from tests.integration.calls import succeeds

# Debian keeps the server's programs out of PATH.
FOLDERS = os.pathsep.join([os.environ["PATH"], *map(str, Path("/usr/lib/postgresql").glob("*/bin"))])
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(not shutil.which("initdb", path=FOLDERS), reason="PostgreSQL's server isn't installed"),
]


@pytest.fixture(scope="module")
def database():
    """The address of an empty database."""
    pytest.importorskip("psycopg2", reason="psycopg2-binary, which MLflow needs for PostgreSQL, isn't installed")
    root = os.getuid() == 0  # PostgreSQL refuses to run as root
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        if root:
            shutil.chown(folder, "postgres")

        def run(program, *words):
            command = [shutil.which(program, path=FOLDERS), *words]
            subprocess.run(command, cwd="/", user="postgres" if root else None, check=True, stdout=subprocess.DEVNULL)

        data = f"{folder}/data"
        run("initdb", "--pgdata", data, "--auth", "trust", "--username", "mlflow", "--no-sync")
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        run("pg_ctl", "--pgdata", data, "--log", f"{folder}/log", "--options", options, "--wait", "start")
        try:
            run("createdb", "--host", folder, "--port", str(port), "--username", "mlflow", "mlflow")
            yield f"postgresql://mlflow@127.0.0.1:{port}/mlflow"
        finally:
            run("pg_ctl", "--pgdata", data, "--mode", "immediate", "stop")


@contextmanager
def server(database, artifacts):
    """The address of MLflow's server for a database."""
    port = free_port()
    words = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri", database]
    command = [sys.executable, "-m", "mlflow", "server", *words, "--artifacts-destination", str(artifacts)]
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with subprocess.Popen(command, env=os.environ | quiet, stdout=subprocess.DEVNULL) as running:
        try:
            wait_until(lambda: answers(port), "MLflow's server", every=0.5)
            yield f"http://127.0.0.1:{port}"
        finally:
            running.terminate()


def summary(store):
    """The metrics of the runs of a study's summary, by name, and where their artifacts are."""
    from mlflow import MlflowClient

    client = MlflowClient(store)
    experiment = client.get_experiment_by_name("tiny/summary")
    runs = client.search_runs([experiment.experiment_id], "attributes.status = 'FINISHED'")
    return {run.info.run_name: run.data.metrics for run in runs}, experiment.artifact_location, client, runs


def test_a_study_is_logged_to_postgresql_with_artifacts_through_the_server(project, database, tmp_path):
    copy = shutil.copytree(project, tmp_path / "project", symlinks=True)
    with server(database, tmp_path / "artifacts") as address:
        succeeds(copy, "sync_tracking", "--config", f"tracking_uri={address}")
        metrics, location, client, runs = summary(address)
        expected, *_ = summary(f"sqlite:///{project}/results/mlflow.db")
        assert metrics == expected
        assert location.startswith("mlflow-artifacts:")
        (run,) = [run for run in runs if run.info.run_name == next(iter(metrics))]
        names = [file.path for file in client.list_artifacts(run.info.run_id)]
        assert names
        fetched = Path(client.download_artifacts(run.info.run_id, names[0], str(tmp_path)))
        assert fetched.exists()
        assert list((tmp_path / "artifacts").rglob(fetched.name))

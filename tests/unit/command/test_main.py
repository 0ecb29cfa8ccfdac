"""The command `uscl`, as a user calls it."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from uscl.command import mlflow_server
from uscl.command.main import main

ROOT = Path(__file__).parents[3]


@pytest.fixture
def opened(monkeypatch):
    """What would have been opened in a browser."""
    found = []
    monkeypatch.setattr("click.launch", lambda link: found.append(link) or 0)
    return found


def uscl(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def test_show_opens_the_report_and_prints_its_address(tmp_path, opened):
    (tmp_path / "report.html").touch()
    run = uscl("show", tmp_path)
    assert run.exit_code == 0
    assert run.output == f"{(tmp_path / 'report.html').as_uri()}\n"
    assert opened == [str(tmp_path / "report.html")]


def test_show_without_a_browser_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "report.html").touch()
    monkeypatch.setattr("click.launch", lambda link: 1)
    assert "No browser was found here." in uscl("show", tmp_path).output


def test_show_without_a_report_says_what_to_run(tmp_path, opened):
    run = uscl("show", tmp_path)
    assert run.exit_code == 1
    assert "report.html does not exist: run the study with `make results`" in run.output
    assert opened == []


def test_ui_without_a_store_says_what_to_run(tmp_path):
    run = uscl("ui", tmp_path)
    assert run.exit_code == 1
    assert "snakemake sync_tracking" in run.output


def test_ui_on_a_port_in_use_says_so(tmp_path):
    (tmp_path / "mlflow.db").touch()
    with socket.create_server((mlflow_server.HOST, 0)) as other:
        run = uscl("ui", tmp_path, "--port", other.getsockname()[1])
    assert run.exit_code == 1
    assert "is in use: choose another one with --port" in run.output


def free_port():
    with socket.create_server((mlflow_server.HOST, 0)) as probe:
        return probe.getsockname()[1]


# A stand-in for MLflow's server, which takes seconds to start: it answers `python -m mlflow ui ... --port PORT`.
SERVER = """
import http.server, socketserver, sys

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

assert sys.argv[1:3] == ["ui", "--backend-store-uri"] and sys.argv[4:6] == ["--host", "127.0.0.1"], sys.argv
socketserver.TCPServer(("127.0.0.1", int(sys.argv[-1])), Healthy).serve_forever()
"""


def test_ui_starts_mlflow_prints_the_link_and_ends_with_sigterm(tmp_path):
    (tmp_path / "mlflow.db").touch()
    (tmp_path / "fake/mlflow").mkdir(parents=True)
    (tmp_path / "fake/mlflow/__init__.py").touch()
    (tmp_path / "fake/mlflow/__main__.py").write_text(SERVER)
    port = free_port()
    words = ["ui", str(tmp_path), "--port", str(port), "--no-browser"]
    code = "import sys; from uscl.command.main import main; main(sys.argv[1:])"
    paths = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path / "fake"), str(ROOT)])}
    call = subprocess.Popen([sys.executable, "-c", code, *words], env=paths, stdout=subprocess.PIPE, text=True)
    try:
        assert call.stdout.readline() == "Starting MLflow ...\n"
        link = call.stdout.readline()
        assert link.startswith(f"http://127.0.0.1:{port}/#/experiments")
        assert link.endswith("workflowType=machine_learning\n")
        assert mlflow_server.taken(port)
    finally:
        call.send_signal(signal.SIGTERM)
    assert "MLflow has ended." in call.communicate(timeout=60)[0]
    assert not mlflow_server.taken(port)


def test_a_server_that_does_not_start_is_reported(tmp_path, monkeypatch):
    (tmp_path / "mlflow.db").touch()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "fake"))
    (tmp_path / "fake").write_text("#!/bin/sh\necho no such module\nexit 1\n")
    (tmp_path / "fake").chmod(0o755)
    run = uscl("ui", tmp_path, "--port", free_port())
    assert run.exit_code == 1
    assert "MLflow did not start: no such module" in run.output


def test_the_command_imports_nothing_heavy():
    heavy = "{'torch', 'pandas', 'numpy', 'mlflow', 'snakemake', 'pydantic', 'yaml'}"
    code = f"import sys, uscl.command.main; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_it_is_the_command_of_the_project():
    assert 'uscl = "uscl.command.main:main"' in (ROOT / "pyproject.toml").read_text()

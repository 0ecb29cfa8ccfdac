"""MLflow's web interface for the store of a results folder, on this machine only."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import webbrowser
from pathlib import Path
from typing import TextIO

import click

from uscl.base.errors import UserError
from uscl.command.recorded_study import study_of
from uscl.tracking.address import SQLITE, database_of, store_address
from uscl.tracking.ui import check_and_sync, link

HOST = "127.0.0.1"
LOOK_S = 0.2
# MLflow's queue of jobs, for language models, is seven processes that look for work all the time.
WITHOUT_JOBS = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}


def serve(
    results: Path, configfile: Path | None, view: tuple[str | None, str | None], port: int, browser: bool
) -> None:
    """Log what the store lacks, and open its page for a task and regime; a store in a file gets a server of its own.

    Returns at Ctrl-C. Raises UserError if the store or the study can't be used.
    """
    if not results.is_dir():
        raise UserError(f"There is no folder {results}: run the study with `make results`, or name its folder.")
    study = study_of(results, configfile)
    if port_taken(port):
        raise UserError(f"Port {port} of {HOST} is in use: choose another one with --port.")
    click.echo(check_and_sync(study))
    address, base = store_address(Path(study.results), study.settings.tracking_uri), f"http://{HOST}:{port}"
    page = link(study, *view, base=base)
    store = database_of(address)
    if store:
        run_server(store, port, page, browser)
    else:  # the page of another server
        show(page, browser)


def show(page: str, browser: bool) -> None:
    """Print the address of a page, and open it."""
    click.echo(page)
    if browser:
        webbrowser.open(page)


def run_server(store: Path, port: int, page: str, browser: bool) -> None:
    """Run MLflow's server until Ctrl-C or SIGTERM, and show a page once it answers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    place = ["--backend-store-uri", f"{SQLITE}{store}", "--host", HOST, "--port", str(port)]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        command = [sys.executable, "-m", "mlflow", "ui", *place]
        server = subprocess.Popen(command, stdout=said, stderr=subprocess.STDOUT, env=os.environ | WITHOUT_JOBS)
        click.echo("Starting MLflow ...")
        try:
            wait(server, port, said)
            show(page, browser)
            click.echo("Ctrl-C ends MLflow.")
            server.wait()
        except KeyboardInterrupt:
            click.echo("MLflow has ended.")
        finally:
            server.terminate()
            server.wait()


def port_taken(port: int) -> bool:
    """Whether another process listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def wait(server: "subprocess.Popen[bytes]", port: int, said: TextIO) -> None:
    """Wait until the server answers. Raises UserError if it ends before."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(LOOK_S)
    said.seek(0)
    lines = [line for line in said.read().splitlines() if line]
    raise UserError(f"MLflow did not start: {lines[-1] if lines else 'it gave no reason'}")

"""MLflow's web interface for the store of a results folder, on this machine only."""

import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TextIO

import click

from uscl.base.errors import UserError
from uscl.command.mlflow_view import view_of
from uscl.tracking.address import SQLITE, local_store

HOST = "127.0.0.1"
LOOK_S = 0.2


def serve(results: Path, task: str | None, port: int, *, browser: bool) -> None:
    """Start the server, print the link to the view of a task or of the summary, and wait for Ctrl-C."""
    store = local_store(results)
    if not store.is_file():
        raise click.ClickException(
            f"{store} does not exist: name the results folder of a study that logs to its own store, or fill the store"
            " with `snakemake sync_tracking`."
        )
    if taken(port):
        raise click.ClickException(f"Port {port} of {HOST} is in use: choose another one with --port.")
    try:
        link = f"http://{HOST}:{port}/{view_of(results, task)}"
    except UserError as error:
        raise click.ClickException(str(error)) from error
    run_server(store, port, link, browser=browser)


def run_server(store: Path, port: int, link: str, *, browser: bool) -> None:
    """Run the server until Ctrl-C or SIGTERM; print the link once it answers."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    place = ["--backend-store-uri", f"{SQLITE}{store}", "--host", HOST, "--port", str(port)]
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        server = subprocess.Popen([sys.executable, "-m", "mlflow", "ui", *place], stdout=said, stderr=subprocess.STDOUT)
        click.echo("Starting MLflow ...")
        try:
            wait(server, port, said)
            click.echo(f"{link}\nCtrl-C ends MLflow.")
            if browser:
                click.launch(link)
            server.wait()
        except KeyboardInterrupt:
            click.echo("MLflow has ended.")
        finally:
            server.terminate()
            server.wait()


def taken(port: int) -> bool:
    """Whether another process listens on a port of this machine."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def wait(server: "subprocess.Popen[bytes]", port: int, said: TextIO) -> None:
    """Wait until the server answers. Raises ClickException if it ends before."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://{HOST}:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(LOOK_S)
    said.seek(0)
    lines = [line for line in said.read().splitlines() if line]
    raise click.ClickException(f"MLflow did not start: {lines[-1] if lines else 'it gave no reason'}")

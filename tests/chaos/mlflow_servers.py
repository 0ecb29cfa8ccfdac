"""MLflow servers that work, die, hang or answer with errors.

As a module of its own: a server that works, and, if asked, dies after so many requests:

    python -m tests.chaos.mlflow_servers FOLDER PORT [REQUESTS]
"""

import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.chaos.processes import wait_until


@contextmanager
def working(folder: Path, port: int, requests: int | None = None) -> Iterator[subprocess.Popen]:
    """A server with its store in a folder; it dies at its `requests`-th request but one."""
    folder.mkdir(exist_ok=True)
    words = [
        sys.executable,
        "-m",
        "tests.chaos.mlflow_servers",
        str(folder),
        str(port),
        *([str(requests)] if requests else []),
    ]
    with (folder / "server.log").open("a") as log:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
        server = subprocess.Popen(words, stdout=log, stderr=log, env=environment)
    try:
        wait_until(lambda: answers(port), "the server", every=0.2)
        yield server
    finally:
        server.kill()
        server.wait()


def answers(port: int) -> bool:
    """Whether something answers at a port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
            return answer.status == 200
    except OSError:
        return False


def free_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def hanging() -> Iterator[int]:
    """The port of a server that takes connections and never answers."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(64)
        yield one.getsockname()[1]


class Refusing(BaseHTTPRequestHandler):
    """Answers all requests with an error."""

    def refuse(self) -> None:
        """HTTP 500."""
        self.send_error(500)

    do_GET = do_POST = do_PUT = do_PATCH = refuse  # noqa: N815  (names that the library asks for)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@contextmanager
def refusing() -> Iterator[int]:
    """The port of a server that answers with HTTP 500."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_port
    finally:
        server.shutdown()


def serve(folder: Path, port: int, requests: int | None) -> None:
    """MLflow's own application, without its launcher."""
    os.environ["_MLFLOW_SERVER_FILE_STORE"] = f"sqlite:///{folder / 'server.db'}"
    os.environ["_MLFLOW_SERVER_ARTIFACT_DESTINATION"] = str(folder / "artifacts")
    os.environ["_MLFLOW_SERVER_ARTIFACT_ROOT"] = "mlflow-artifacts:/"
    os.environ["_MLFLOW_SERVER_SERVE_ARTIFACTS"] = "true"
    from mlflow.server import app
    from werkzeug.serving import make_server

    left = [requests]

    def counted(environ: dict, start_response: object) -> object:
        if left[0] is not None and environ["PATH_INFO"] != "/health":
            left[0] -= 1
            if left[0] < 0:
                os._exit(1)
        return app(environ, start_response)

    make_server("127.0.0.1", port, counted, threaded=True).serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else None)

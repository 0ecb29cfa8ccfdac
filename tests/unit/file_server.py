"""A server on localhost that gives each address its list of answers in turn, and repeats the last one."""

import base64
import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class FileServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answers: dict[str, list[Answer]] = {}
        self.asked: list[tuple[str, str | None]] = []  # path and Range


class Handler(BaseHTTPRequestHandler):
    server: FileServer

    def do_GET(self):
        self.server.asked.append((self.path, self.headers["Range"]))
        answers = self.server.answers.get(self.path, [status(404)])
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving() -> Iterator[FileServer]:
    with FileServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield server
        server.shutdown()


def send(handler, code, headers=(), body=b""):
    handler.send_response(code)
    for name, value in dict(headers).items():
        handler.send_header(name, value)
    handler.end_headers()
    with contextlib.suppress(ConnectionError):
        handler.wfile.write(body)


def status(code, **headers) -> Answer:
    """A bare status; underscores of header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda handler: send(handler, code, {"Content-Length": "0", **named})


def whole(data, etag='"v1"', kind="application/zip") -> Answer:
    """The file, or the part that is asked for if it's of the same version."""

    def answer(handler):
        headers = {"Content-Type": kind} | ({"ETag": etag} if etag else {})
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers["Range"] or "")
        if not asked or handler.headers["If-Range"] not in (None, etag):
            send(handler, 200, headers | {"Content-Length": str(len(data))}, data)
        elif (start := int(asked[1])) >= len(data):
            send(handler, 416, {"Content-Length": "0"})
        else:
            content_range = {"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"}
            send(handler, 206, headers | content_range | {"Content-Length": str(len(data) - start)}, data[start:])

    return answer


def guarded(data, user, password) -> Answer:
    """The file, for whoever sends this user and password."""
    expected = f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"

    def answer(handler):
        (whole(data) if handler.headers["Authorization"] == expected else status(401))(handler)

    return answer


def cut(data, end, etag='"v1"') -> Answer:
    """The file with its full length announced, but the connection drops after `end` bytes."""
    return lambda handler: send(handler, 200, {"Content-Length": str(len(data)), "ETag": etag}, data[:end])


def rangeless(data) -> Answer:
    """The whole file, whatever part is asked for."""
    return lambda handler: send(handler, 200, {"Content-Length": str(len(data)), "ETag": '"v1"'}, data)


def silent(seconds) -> Answer:
    """Nothing for some time."""
    return lambda handler: threading.Event().wait(seconds) or handler.close_connection

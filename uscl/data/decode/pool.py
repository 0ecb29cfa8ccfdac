"""Decode in separate processes, since untrusted files meet decoders written in C, any of which may have a bug.

A file that crashes its decoder, or keeps it busy for LIMIT_S, is set aside by name; a new decoder takes the next file.
Compared with threads this costs the start of a decoder (0.4 s) and one copy of the frames: 312 videos of 40 frames took
0.92 of the threads' wall time and 1.04 of their CPU time (two cores).
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Self

import numpy as np

import uscl.data.decode.worker
from uscl.base.errors import UserError
from uscl.data.decode.load import Loaded, Rejected, Sampling
from uscl.data.decode.video import Clip
from uscl.data.source import Source

LIMIT_S = 1800.0  # per file; the largest permitted file (MAX_DECODED_PIXELS) takes about half of that
FROM_OUTSIDE = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGXCPU)
MODULE = uscl.data.decode.worker.__name__

log = logging.getLogger(__name__)


class Decoder:
    """A process that decodes one file at a time."""

    def __init__(self, module: str = MODULE) -> None:
        ours, theirs = socket.socketpair()
        path = os.pathsep.join(filter(None, [str(Path(uscl.__file__).parents[1]), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": path},
        )
        theirs.close()
        self._pipe = Connection(ours.detach())
        self._ready = False

    def ask(self, request: bytes, limit_s: float) -> dict | None:
        """The answer to a request; None if it takes too long. Raises EOFError or OSError if the process dies."""
        if not self._ready:
            self._pipe.recv_bytes()
            self._ready = True
        self._pipe.send_bytes(request)
        return json.loads(self._pipe.recv_bytes()) if self._pipe.poll(limit_s) else None

    def array(self, kind: type[np.generic], *shape: int) -> np.ndarray:
        """The next array after an answer. Raises EOFError or OSError if the process dies."""
        return np.frombuffer(self._pipe.recv_bytes(), kind).reshape(shape)

    def fault(self) -> str:
        """Why a dead process died; "" if its last file isn't at fault."""
        code = self._process.wait()
        if not self._ready or -code in FROM_OUTSIDE:
            return ""
        return f"its decoder crashed ({signal.Signals(-code).name if code < 0 else f'exit code {code}'})"

    def end(self) -> None:
        """Kill the process whatever it is doing; it only reads."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Kill the process and close its socket."""
        self.end()
        self._pipe.close()


class Decoders:
    """Decoders for the files below `root`, one per concurrent request."""

    def __init__(self, root: Path, sampling: Sampling, limit_s: float = LIMIT_S, module: str = MODULE) -> None:
        self._root, self._sampling, self._limit_s, self._module = root, sampling, limit_s, module
        self._idle: SimpleQueue[Decoder] = SimpleQueue()
        self._all: set[Decoder] = set()
        self._lock = Lock()
        self._closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        with self._lock:
            self._closed = True
            for decoder in self._all:
                decoder.end()  # wakes a thread that waits for it

    def load(self, source: Source) -> Loaded | Rejected:
        """Load one source; any thread may call this. Raises UserError if a decoder is killed or can't be started."""
        taken = self._taken()
        try:
            return self._asked(taken, source)
        except (EOFError, OSError) as error:
            fault = taken.fault()
            self._forgotten(taken)
            if not fault:
                raise UserError(
                    f"The process that decoded {self._root / source.file} was killed or could not start: nothing was"
                    " written. Most often memory ran out: give the rule extract_frames fewer threads, and run again."
                ) from error
            return Rejected(source, fault)

    def _asked(self, decoder: Decoder, source: Source) -> Loaded | Rejected:
        request = {"root": str(self._root), "sampling": self._sampling, "source": source._asdict()}
        answer = decoder.ask(json.dumps(request).encode(), self._limit_s)
        if answer is None:
            self._forgotten(decoder)
            return Rejected(source, f"decoding it took longer than {self._limit_s:g} s")
        result = rejected(source, answer) if "reason" in answer else received(decoder, source, answer, self._sampling)
        self._idle.put(decoder)
        return result

    def _taken(self) -> Decoder:
        with self._lock:
            if self._closed:
                raise UserError("Decoding was stopped.")
            try:
                return self._idle.get_nowait()
            except Empty:
                decoder = Decoder(self._module)
                self._all.add(decoder)
                return decoder

    def _forgotten(self, decoder: Decoder) -> None:
        with self._lock:
            self._all.discard(decoder)
            decoder.close()


def rejected(source: Source, answer: dict) -> Rejected:
    """The result for a file that a decoder can't read; the trace of an unexpected error goes to the log."""
    if answer["trace"]:
        log.info("%s: an unexpected error, at\n%s", source.file, answer["trace"])
    return Rejected(source, answer["reason"])


def received(decoder: Decoder, source: Source, answer: dict, sampling: Sampling) -> Loaded:
    """The result for a file that a decoder has read. Raises EOFError or OSError if the decoder dies."""
    count, size = answer["frames"], sampling.size
    frames = decoder.array(np.uint8, count, size, size)
    number, time_s = decoder.array(np.int64, count), decoder.array(np.float64, count)
    picture = decoder.array(np.int64, count, 4)
    clip = Clip(frames, number, time_s, picture, answer["note"], answer["mm_per_pixel"], answer["colour"])
    masks = np.zeros_like(frames)
    if source.masks:
        masks = decoder.array(np.uint8, count, size, size)
        clip = clip._replace(source_mask=decoder.array(np.uint8, -1).tobytes())
    return Loaded(source, clip, masks, answer["source_sha256"], answer["sha256"])

"""Interruption by SIGTERM, which clusters and systems low on memory send, and by Ctrl-C (SIGINT).

A job stops at once and cleans up. A training run finishes its current step and saves a checkpoint first. Jobs also stop
when the Snakemake call that started them is gone: nothing waits for them any more, and the next call starts them again.
"""

import os
import platform
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: a retry may succeed
CALLER = "USCL_CALLER"  # environment variable: process and host of the Snakemake call


class Interrupted(BaseException):  # not an Exception, so that `except Exception` does not catch it
    """A signal interrupted the process; the message names the signal and may say how much of the work is finished."""


class _Signal:
    """The signal that this process received, and whether the current block checks for it itself."""

    name: str | None = None
    deferred = False


def listen() -> None:
    """From now on SIGTERM and SIGINT raise Interrupted in the main thread; a `deferred` block only records them."""
    _Signal.name = None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _hear)


def _hear(number: int, frame: FrameType | None) -> None:
    # Ctrl-C reaches a job twice, from the terminal and from Snakemake: the second must not interrupt the clean-up.
    if _Signal.name is None:
        _Signal.name = signal.Signals(number).name
        if not _Signal.deferred:
            raise Interrupted(_Signal.name)


@contextmanager
def deferred() -> Iterator[None]:
    """In this block a signal only changes what `received` returns; the block checks it and stops by itself."""
    _Signal.deferred = True
    try:
        yield
    finally:
        _Signal.deferred = False


def received() -> str | None:
    """The name of the signal that this process received; None if it has received none."""
    return _Signal.name


def end_once() -> None:
    """Let the first Ctrl-C end this Snakemake call and ignore further ones, which would cut it off with a traceback.

    Child processes don't inherit this.
    """

    def hear(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, lambda *_: None)
        _Signal.name = signal.Signals(number).name
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, hear)


def name_caller() -> None:
    """Pass this process's identity to the jobs that it starts (see `end_with_caller`)."""
    os.environ[CALLER] = f"{os.getpid()}@{platform.node()}"


def end_with_caller() -> None:
    """Send this process SIGTERM when the Snakemake call that started it is gone.

    Does nothing if that call runs on another machine, as on a cluster, or if the system can't watch processes (only
    Linux can).
    """
    pid, _, host = os.environ.get(CALLER, "").partition("@")
    if host != platform.node() or not hasattr(os, "pidfd_open"):
        return
    try:
        handle = os.pidfd_open(int(pid))
    except ProcessLookupError:
        os.kill(os.getpid(), signal.SIGTERM)
        return

    def wait() -> None:
        select.select([handle], [], [])
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()

"""Being told to end: SIGTERM, as clusters end jobs and systems low on memory may, and Ctrl-C.

A job ends at once, in order. A training asks to be let to the end of its step, and writes a checkpoint first. Jobs also
end when the call of Snakemake that started them is gone: nobody waits for them any more, and the next call starts them
again.
"""

import os
import platform
import select
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

EXIT_CODE = 75  # EX_TEMPFAIL of sysexits.h: worth another try
CALLER = "USCL_CALLER"  # environment variable: host and process of the call of Snakemake


class Interrupted(BaseException):  # not an error, and not to be caught as one
    """The process was told to end; the message says by what, and what stands of the work."""


class _Told:
    """What this process was told: the signal's name, and whether whoever works now looks for it itself."""

    by: str | None = None
    deferred = False


def listen() -> None:
    """From now on SIGTERM and SIGINT raise Interrupted in the main thread, or are kept for a `deferred` block."""
    _Told.by = None
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _hear)


def _hear(number: int, frame: FrameType | None) -> None:
    # Ctrl-C reaches a job twice, from the terminal and from Snakemake: the second must not cut off the first's end.
    if _Told.by is None:
        _Told.by = signal.Signals(number).name
        if not _Told.deferred:
            raise Interrupted(_Told.by)


@contextmanager
def deferred() -> Iterator[None]:
    """In this block a signal only changes what `told` says: the block ends in order by itself."""
    _Told.deferred = True
    try:
        yield
    finally:
        _Told.deferred = False


def told() -> str | None:
    """The name of the signal that this process got; None before."""
    return _Told.by


def end_once() -> None:
    """Let Ctrl-C end this call of Snakemake in order: another one would cut that off with a traceback.

    Processes that it starts don't inherit this.
    """

    def hear(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, lambda *_: None)
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGINT, hear)


def name_caller() -> None:
    """Let the jobs that this process starts know whose they are (see `end_with_caller`)."""
    os.environ[CALLER] = f"{os.getpid()}@{platform.node()}"


def end_with_caller() -> None:
    """Have this process told to end (SIGTERM) when the call of Snakemake that it works for is gone.

    Where that call runs on another machine, as on a cluster, or the system can't watch processes (only Linux can),
    nothing happens.
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

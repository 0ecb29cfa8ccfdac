"""A process that decodes files one by one for another process, so that a bad file can harm only this one.

    python -m uscl.data.decode.worker HANDLE

HANDLE is its end of a socket. It receives a request as JSON and sends an answer as JSON and, for a file that was read,
its arrays as bare bytes (never a pickle, which could take over the parent process). It ends when the socket is closed.
"""

import contextlib
import json
import resource
import signal
import sys
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from uscl.data.decode.load import Loaded, Rejected, Sampling, load
from uscl.data.source import Source

MAX_MEMORY = 16 * 2**30  # bytes of addresses; a fold of 2.6 GB of the POCUS set takes 6 GB


def main() -> None:
    """Answer requests until there are no more."""
    limit_itself()
    pipe = Connection(int(sys.argv[1]))
    with contextlib.suppress(EOFError, ConnectionError):  # the parent process is gone
        pipe.send_bytes(b"ready")
        while True:
            answer(pipe, json.loads(pipe.recv_bytes()))


def limit_itself() -> None:
    """Limit the memory to what a sound file needs, write no core dumps, and ignore Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":  # other systems refuse or ignore the limit
        _, most = resource.getrlimit(resource.RLIMIT_AS)
        limit = MAX_MEMORY if most == resource.RLIM_INFINITY else min(MAX_MEMORY, most)
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))


def answer(pipe: Connection, request: dict[str, Any]) -> None:
    """Load the requested source, and send it or the reason why it can't be read."""
    lists = {key: tuple(request["source"].get(key, ())) for key in ("masks", "lesion_labels", "crop")}
    source = Source(**request["source"] | lists)
    result, trace = loaded(Path(request["root"]), Sampling(*request["sampling"]), source)
    if isinstance(result, Rejected):
        pipe.send_bytes(json.dumps({"reason": result.reason, "trace": trace}).encode())
        return
    clip = result.clip
    words = {
        "frames": len(clip.frames),
        "note": clip.note,
        "mm_per_pixel": clip.mm_per_pixel,
        "colour": list(clip.colour),
    }
    hashes = {"source_sha256": result.source_sha256, "sha256": result.sha256}
    pipe.send_bytes(json.dumps(words | hashes).encode())
    arrays: list[NDArray[Any]] = [
        clip.frames,
        clip.number,
        clip.time_s,
        clip.picture,
        *([result.masks] if source.masks else []),
    ]
    for array in arrays:
        pipe.send_bytes(array.tobytes())
    if source.masks:
        pipe.send_bytes(clip.source_mask)


def loaded(root: Path, sampling: Sampling, source: Source) -> tuple[Loaded | Rejected, str]:
    """`load`, with the trace of an unexpected error, which may be our own bug; the other files are still read."""
    try:
        return load(root, sampling, source), ""
    except Exception as error:  # noqa: BLE001 - the process boundary: problems.csv gets the type, the log the trace
        # Only the places in the code: the error's text may quote a patient's file.
        trace = "".join(traceback.format_tb(error.__traceback__))
        return Rejected(source, f"the reader failed on it ({type(error).__name__}; the log says where)"), trace


if __name__ == "__main__":
    main()

"""One case: a seed file, damaged with its own stream of random numbers, and the readers' reaction to it."""

import ctypes
import gc
import logging
import os
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import NamedTuple

from av import logging as ffmpeg_logging

from tests.fuzz.mutations import MUTATIONS
from uscl.data.decode.clip import read_source
from uscl.data.decode.video import BadMedia
from uscl.data.source import Source, kind_of

SIZE, RATE_HZ = 32, 10.0


class Case(NamedTuple):
    """A damaged file, with its format and the mutation that damaged it."""

    form: str
    mutation: str
    name: str
    data: bytes


class Result(NamedTuple):
    """A verdict such as READ, REFUSED or FAULT, its text, and the process's resident memory in bytes (0: unknown)."""

    verdict: str
    words: str
    memory: int


READ, REFUSED, FAULT, CRASH, HANG = "read", "refused", "other error", "crash", "hang"


def drawn_case(seeds: Mapping[str, Path], seed: int, index: int) -> Case:
    """Case `index` of a run: formats alternate, everything else is drawn. The same arguments give the same bytes."""
    random = Random(f"{seed}-{index}")
    forms = list(seeds)
    form, other = forms[index % len(forms)], random.choice(forms)
    mutation = random.choice(list(MUTATIONS))
    data = MUTATIONS[mutation](seeds[form].read_bytes(), seeds[other].read_bytes(), random)
    return Case(form, mutation, f"case{seeds[form].suffix}", data)


def tried(case: Case, folder: Path) -> Result:
    """Write a case to a file in `folder` and let the readers read it."""
    path = folder / case.name
    path.write_bytes(case.data)
    source = Source(case.name, case.name, kind_of(path), "", "covid" if path.suffix == ".pkl" else "")
    try:
        clip, _ = read_source(folder, source, SIZE, RATE_HZ, None)
        verdict, words = READ, f"{len(clip.frames)} frames"
    except BadMedia as error:
        verdict, words = REFUSED, str(error)
    except Exception:  # noqa: BLE001 - the fuzzer looks for any error that isn't the readers' own
        verdict, words = FAULT, traceback.format_exc()
    return Result(verdict, words, 0)


def resident() -> int:
    """Bytes of memory that this process holds after it has returned free memory to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) * 1024
    return 0


def work(pipe: Connection, seeds: Mapping[str, Path], seed: int, folder: Path) -> None:
    """The main loop of a child process: it receives the number of a case and sends the case's result.

    Silences the messages of libraries about damaged files.
    """
    logging.disable(logging.CRITICAL)
    ffmpeg_logging.set_level(None)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    while (index := pipe.recv()) is not None:
        pipe.send(tried(drawn_case(seeds, seed, index), folder)._replace(memory=resident()))

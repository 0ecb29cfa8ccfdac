"""Independent random streams, one per purpose, all derived from the study's seed.

Two purposes never share a stream, so that, for example, one more epoch of augmentation cannot change the folds.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


def derive(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed for one purpose, the same on every machine and Python version.

    >>> derive(0, "folds") == derive(0, "folds"), derive(0, "folds") == derive(1, "folds")
    (True, False)
    """
    key = "/".join(str(part) for part in (seed, *purpose))
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") >> 1


def of_stream(seed: int, stream: int) -> int:
    """The seed of an arm whose settings name a stream; stream 0 is the study's own.

    >>> of_stream(3, 0), of_stream(3, 1) == of_stream(3, 2)
    (3, False)
    """
    return derive(seed, "stream", stream) if stream else seed


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A NumPy generator for one purpose."""
    import numpy as np  # late: planning a study derives seeds and needs no arrays

    return np.random.default_rng(derive(seed, *purpose))


@contextmanager
def torch_stream(seed: int, *purpose: str | int) -> Iterator[None]:
    """Let torch draw from the stream of one purpose inside the block, on every device; restore its state afterwards."""
    import torch  # late: the simulator and the splits need no torch

    with torch.random.fork_rng():
        torch.manual_seed(derive(seed, *purpose))
        yield

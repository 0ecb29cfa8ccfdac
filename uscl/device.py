"""Device, precision and threads of one training process."""

import torch
from lightning_fabric import Fabric

from uscl.errors import UserError


def start(device: str, precision: str, threads: int) -> Fabric:
    """A Fabric on one device, with deterministic kernels and a fixed number of CPU threads.

    Raises UserError where `device` is not to be had.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("The config says `device: cuda`, but torch finds no usable GPU here: set `device: cpu`.")
    # Sums depend on the number of threads: the same number gives the same bytes.
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=device == "cuda")
    return Fabric(accelerator=device, devices=1, precision=precision)  # type: ignore[arg-type]  # checked by Fabric

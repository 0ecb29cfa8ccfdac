"""Device, precision and threads of one training process."""

import warnings

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment

from uscl.base.errors import UserError
from uscl.base.gpus import take_gpus


def start(device: str, precision: str, threads: int, devices: int = 1) -> Fabric:
    """A Fabric with deterministic kernels and a fixed number of CPU threads per process.

    With several `devices` this process starts the others, which run the same script from its beginning and join it
    here. Raises UserError if the devices aren't available.
    """
    if device == "cuda":
        take_gpus(devices)
    check(device, devices)
    # Sums depend on the number of threads, so the same number gives the same bytes.
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=device == "cuda")
    # Deterministic algorithms also fill new memory, lest it be read before it is written. No kernel here does that, and
    # the filling takes 5 to 10 % of a step.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    # Each job of a study is one process group of its own: Lightning's advice to start it with srun is wrong here.
    warnings.filterwarnings("ignore", "The `srun` command is available")
    if devices == 1:
        return Fabric(accelerator=device, devices=1, precision=precision)  # type: ignore[arg-type]
    # In a Slurm job Fabric would otherwise wait for Slurm to start the processes, and train in one.
    own = LightningEnvironment()
    fabric = Fabric(accelerator=device, devices=devices, strategy="ddp", precision=precision, plugins=own)  # type: ignore[arg-type]
    fabric.launch()
    if fabric.world_size != devices:
        raise UserError(
            f"The config says `devices: {devices}`, but {fabric.world_size} processes train: set `devices: 1`."
        )
    return fabric


def check(device: str, devices: int = 1) -> None:
    """Raise UserError if so many devices of a kind aren't available."""
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("The config says `device: cuda`, but torch finds no usable GPU here: set `device: cpu`.")
    if device == "cuda" and torch.cuda.device_count() < devices:
        raise UserError(
            f"The config says `devices: {devices}`, but torch finds {torch.cuda.device_count()} GPUs: set that number."
        )

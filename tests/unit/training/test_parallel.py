import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import distributed as dist
from two_processes import METHODS, figures

from uscl.base.errors import UserError
from uscl.pretrain.methods import methods
from uscl.training.device import start
from uscl.training.parallel import GlobalSum, gathered, gathered_views, own, summed

UNIT = Path(__file__).parents[1]
# As in a job that sbatch starts with one task.
IN_SLURM = {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "train", "SLURM_NTASKS": "1", "SLURM_NTASKS_PER_NODE": "1"}
IN_SLURM |= {"SLURM_PROCID": "0", "SLURM_LOCALID": "0", "SLURM_NODEID": "0", "SLURM_NODELIST": "n1"}


@pytest.mark.parametrize(("count", "world"), [(5, 1), (5, 2), (4, 4), (9, 4), (2, 3)])
def test_every_pair_is_one_processs_own_and_shares_are_even(count, world):
    shares = [own(SimpleNamespace(global_rank=rank, world_size=world), count) for rank in range(world)]
    assert [pair for share in shares for pair in range(count)[share]] == list(range(count))
    lengths = [len(range(count)[share]) for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_in_one_process_nothing_changes():
    alone = SimpleNamespace(global_rank=0, world_size=1)
    part = torch.randn(6, 2, requires_grad=True)
    assert gathered(alone, part, 6) is part
    first, second = gathered_views(alone, part, 3)
    assert torch.equal(first, part[:3])
    assert torch.equal(second, part[3:])
    assert summed(alone, [part])[0] is part


def test_the_global_sum_of_one_process_is_the_identity_and_leaves_its_part_alone():
    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        part = torch.randn(3, dtype=torch.float64, requires_grad=True)
        total = GlobalSum.apply(part)
        assert torch.equal(total, part)
        assert total.data_ptr() != part.data_ptr()
        assert torch.autograd.gradcheck(GlobalSum.apply, part, check_forward_ad=True)
    finally:
        dist.destroy_process_group()


def in_two_processes(folder):
    """The results of each of two processes, and their output."""
    path = os.pathsep.join([str(UNIT), str(UNIT.parents[1]), os.environ.get("PYTHONPATH", "")])
    # Fabric finds a free port, unless another training has set MASTER_PORT.
    kept = {name: value for name, value in os.environ.items() if name not in ("MASTER_PORT", "LOCAL_RANK")}
    command = [sys.executable, str(UNIT / "two_processes.py"), str(folder)]
    with subprocess.Popen(
        command,
        env=kept | IN_SLURM | {"PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as started:
        try:
            output, _ = started.communicate(timeout=300)
        finally:
            if started.poll() is None:
                os.killpg(started.pid, signal.SIGKILL)
    assert started.returncode == 0, output
    return [torch.load(folder / f"{rank}.pt") for rank in (0, 1)], output


def test_every_method_that_trains_is_among_those_that_two_processes_train():
    assert {"meta_uscl", *METHODS} == {name for name, method in methods().items() if method.trains}


def test_fewer_processes_than_devices_are_refused(monkeypatch):
    alone = SimpleNamespace(world_size=1, launch=lambda: None)
    monkeypatch.setattr("uscl.training.device.Fabric", lambda **_: alone)
    with pytest.raises(UserError, match="`devices: 2`, but 1 processes train"):
        start("cpu", "32-true", threads=2, devices=2)


@pytest.mark.e2e
def test_two_processes_train_as_one(tmp_path):
    (first, second), output = in_two_processes(tmp_path)
    alone = figures(start("cpu", "32-true", threads=1))
    assert list(first) == list(second) == list(alone)
    for name, expected in alone.items():
        assert torch.equal(first[name], second[name]), f"{name} differs between the processes"
        # Some running means are zero but for rounding.
        error = (first[name] - expected).double().norm() / expected.double().norm().clamp(min=1e-6)
        assert error < (1e-4 if name.startswith("pretraining") else 1e-9), f"{name} is off by {error}"
    assert "warn" not in output.lower()
    assert "deprecated" not in output

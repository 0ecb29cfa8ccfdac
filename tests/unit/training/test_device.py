import warnings

import pytest
import torch

from uscl.base.errors import UserError
from uscl.training.device import check, start


@pytest.fixture(autouse=True)
def _threads_as_before():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_the_number_of_threads_is_that_of_the_rule():
    assert start("cpu", "32-true", threads=2).device == torch.device("cpu")
    assert torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()


def test_a_missing_gpu_is_reported(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match="no usable GPU here: set `device: cpu`"):
        start("cuda", "32-true", threads=1)


def test_too_few_gpus_are_reported(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    check("cuda", 2)
    with pytest.raises(UserError, match="`devices: 4`, but torch finds 2 GPUs"):
        check("cuda", 4)


def test_srun_on_the_path_brings_no_advice(monkeypatch, tmp_path):
    (tmp_path / "srun").write_text("#!/bin/sh\n")
    (tmp_path / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        start("cpu", "32-true", threads=1)
    assert [str(warning.message) for warning in shown if "srun" in str(warning.message)] == []

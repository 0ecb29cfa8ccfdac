import subprocess
import sys
from contextlib import ExitStack

import pytest

from uscl.base.gpus import take_gpus, visible_gpus

JOB = """
import os
from uscl.base.gpus import take_gpus

take_gpus({})
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
input()
"""


@pytest.fixture
def job(monkeypatch, tmp_path):
    """Start a job that takes so many of three GPUs and keeps them; which ones, and its process."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1,2")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with ExitStack() as running:

        def start(count=1):
            command = [sys.executable, "-c", JOB.format(count)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            running.enter_context(process)
            running.callback(process.kill)
            return process.stdout.readline().strip(), process

        yield start


def test_jobs_side_by_side_have_gpus_of_their_own(job):
    assert {job()[0], job()[0], job()[0]} == {"0", "1", "2"}


def test_a_killed_job_leaves_its_gpu_to_the_next(job):
    job()
    _, second = job()
    job()
    second.kill()
    second.wait()
    assert job()[0] == "1"


def test_a_job_takes_as_many_as_it_trains_on(job):
    assert job(2)[0] == "0,1"
    assert job(1)[0] == "2"


def test_more_jobs_than_gpus_share_those_with_the_fewest(job):
    assert [job()[0] for _ in range(5)] == ["0", "1", "2", "0", "1"]


def test_a_gpu_that_a_cluster_gave_is_taken_as_it_is(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-3c5d")
    take_gpus(1)
    assert visible_gpus() == ["GPU-3c5d"]


def test_without_the_variable_nvidia_smi_is_asked(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\nprintf '0\\n1\\n'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert visible_gpus() == ["0", "1"]


def test_without_a_driver_there_is_no_gpu(monkeypatch, tmp_path):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert visible_gpus() == []

"""A pretraining that is killed with kill -9 and started again ends with the bytes of one that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml
from test_workflow import TINY, copy_of_checkout, snakemake

pytestmark = pytest.mark.e2e

EPOCHS = 12
RUN = "results/encoders/meta_uscl/seed0"
FILES = ("encoder.safetensors", "heads.safetensors", "history.csv", "pairs.csv", "pool_parts.csv")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The tiny study with a pretraining long enough to be killed."""
    settings = yaml.safe_load(TINY.read_text())
    settings["methods"]["meta_uscl"]["epochs"] = EPOCHS
    path = tmp_path_factory.mktemp("study") / "study.yaml"
    path.write_text(yaml.safe_dump(settings))
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory, study):
    folder = copy_of_checkout(tmp_path_factory.mktemp("interrupted"))
    run = snakemake(folder, "--cores", "2", f"{RUN}/encoder.safetensors", study=study)
    assert run.returncode == 0, run.stdout
    return folder


def kill_while_training(project, study, moment):
    """Start the pretraining, kill -9 its process `moment` epochs after its first checkpoint; False if it was over."""
    command = [sys.executable, "-m", "snakemake", "--configfile", str(study), "--cores", "2", "--forcerun", "pretrain"]
    target = f"{RUN}/encoder.safetensors"
    environment = os.environ | {"PYTHONPATH": ""}
    started = subprocess.Popen(
        [*command, "--", target], cwd=project, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    checkpoints = project / "results/checkpoints/meta_uscl/seed0"
    first = seen = None
    while started.poll() is None:
        newest = max(checkpoints.glob("epoch*.pt"), default=None)
        if newest is not None and first is None:
            first = time.monotonic()
        if newest is not None and newest.name >= f"epoch{2:06d}.pt" and seen is None:
            seen = (time.monotonic() - first) / 2  # seconds an epoch
        if seen is not None and time.monotonic() - first > moment * seen:
            (job,) = (p for p in psutil.Process(started.pid).children(recursive=True) if is_pretraining(p))
            job.send_signal(signal.SIGKILL)
            break
        time.sleep(0.02)
    return started.wait() != 0


def is_pretraining(process):
    return any(word.endswith("pretrain.py") for word in process.cmdline())


@pytest.mark.parametrize("seed", [0, 1])
def test_killed_at_a_random_moment_and_started_again_it_gives_the_same_bytes(project, study, seed):
    whole = {name: (project / RUN / name).read_bytes() for name in FILES}
    moment = random.Random(seed).uniform(2, EPOCHS - 3)
    assert kill_while_training(project, study, moment)
    assert not (project / RUN / "encoder.safetensors").exists()
    again = snakemake(project, "--cores", "2", f"{RUN}/encoder.safetensors", study=study)
    assert again.returncode == 0, again.stdout
    assert "going on after epoch" in (project / "results/logs/encoders/meta_uscl-seed0.log").read_text()
    assert [name for name in FILES if (project / RUN / name).read_bytes() != whole[name]] == []
    assert not (project / "results/checkpoints/meta_uscl").exists() or not any(
        (project / "results/checkpoints/meta_uscl").rglob("*.pt")
    )

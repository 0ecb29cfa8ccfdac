"""A pretraining that is cut off, by kill -9 or by SIGTERM, ends with the bytes of one that was left alone."""

import os
import random
import re
import signal
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from tests.integration.test_workflow import TINY, copy_of_checkout, snakemake

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


def start(project, study, *words):
    """A call of Snakemake that pretrains anew."""
    command = [sys.executable, "-m", "snakemake", "--configfile", str(study), "--cores", "2", "--forcerun", "pretrain"]
    environment = os.environ | {"PYTHONPATH": ""}
    with (project / "call.log").open("w") as log:
        return subprocess.Popen(
            [*command, *words, "--", f"{RUN}/encoder.safetensors"], cwd=project, env=environment, stdout=log, stderr=log
        )


def signal_while_training(project, call, number, moment):
    """Send the training process a signal `moment` epochs after its first checkpoint."""
    checkpoints = project / "results/checkpoints/meta_uscl/seed0"
    first = an_epoch = None
    while call.poll() is None:
        newest = max((path.name for path in checkpoints.glob("epochs*.pt")), default="")
        if newest and first is None:
            first = time.monotonic()
        if newest >= "epochs000003" and an_epoch is None:
            an_epoch = (time.monotonic() - first) / 2
        if an_epoch is not None and time.monotonic() - first > moment * an_epoch:
            (job,) = (p for p in psutil.Process(call.pid).children(recursive=True) if is_pretraining(p))
            job.send_signal(number)
            return
        time.sleep(0.02)
    raise AssertionError("the training was over before it got the signal")


def is_pretraining(process):
    return any(word.endswith("pretrain.py") for word in process.cmdline())


def files(project):
    return {name: (project / RUN / name).read_bytes() for name in FILES}


@pytest.mark.parametrize("seed", [0, 1])
def test_killed_at_a_random_moment_and_started_again_it_gives_the_same_bytes(project, study, seed):
    whole = files(project)
    call = start(project, study)
    signal_while_training(project, call, signal.SIGKILL, random.Random(seed).uniform(2, EPOCHS - 3))
    # Another try in the same call goes on from the checkpoint; what it makes is the same.
    assert call.wait() == 0, (project / "call.log").read_text()
    assert "resuming from epoch" in (project / "results/logs/encoders/meta_uscl-seed0.log").read_text()
    assert files(project) == whole
    assert not list((project / "results").rglob("*.pt"))


def test_told_to_end_it_writes_a_checkpoint_and_is_tried_again_from_there(project, study):
    whole = files(project)
    call = start(project, study)
    signal_while_training(project, call, signal.SIGTERM, 2.5)
    assert call.wait() == 0, (project / "call.log").read_text()
    said = (project / "call.log").read_text()
    told = re.findall(r"Told to end \(SIGTERM; the checkpoint is at (epoch \d+, step \d+)\): run again", said)
    (place,) = set(told)  # said on the screen, and again with the log
    assert f"resuming from {place}\n" in (project / "results/logs/encoders/meta_uscl-seed0.log").read_text()
    assert files(project) == whole


def test_a_call_that_is_killed_takes_its_jobs_along_and_the_next_one_goes_on_after_unlock(project, study):
    whole = files(project)
    call = start(project, study)
    trainer = None
    while trainer is None:
        assert call.poll() is None, (project / "call.log").read_text()
        trainer = next(filter(is_pretraining, psutil.Process(call.pid).children(recursive=True)), None)
    checkpoints = project / "results/checkpoints/meta_uscl/seed0"
    while not list(checkpoints.glob("epochs00000[2-9]*.pt")):
        time.sleep(0.02)
    call.kill()
    call.wait()
    assert trainer.wait(timeout=60) is None  # a process that isn't a child tells no code
    assert not (project / RUN / "encoder.safetensors").exists()
    refused = snakemake(project, "--cores", "2", f"{RUN}/encoder.safetensors", study=study)
    assert refused.returncode != 0, refused.stdout
    assert f"process {call.pid} on " in refused.stdout
    assert snakemake(project, "--unlock", study=study).returncode == 0
    again = snakemake(project, "--cores", "2", f"{RUN}/encoder.safetensors", study=study)
    assert again.returncode == 0, again.stdout
    assert "resuming from epoch" in (project / "results/logs/encoders/meta_uscl-seed0.log").read_text()
    assert files(project) == whole

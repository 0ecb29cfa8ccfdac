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

from tests.integration.calls import copy_of_checkout, fails, succeeds, tiny, write_study

pytestmark = pytest.mark.e2e

EPOCHS = 8
RUN = "results/encoders/meta_uscl/seed0"
TARGET = f"{RUN}/outcome.json"
LOG = "results/logs/pretrain/meta_uscl-seed0.log"
FILES = ("encoder.safetensors", "heads.safetensors", "history.csv", "pairs.csv", "pool_parts.csv")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A pretraining long enough to be killed, and one task."""
    settings = tiny() | {"tracking": "none", "comparisons": [], "primary": []}
    settings["methods"] = {"imagenet": {"method": "imagenet"}, "meta_uscl": {"method": "meta_uscl", "epochs": EPOCHS}}
    settings["tasks"] = {"pocus": settings["tasks"]["pocus"]}
    return write_study(tmp_path_factory.mktemp("study") / "study.yaml", settings)


@pytest.fixture(scope="module")
def project(tmp_path_factory, study):
    """A project in which the pretraining was left alone."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("interrupted"))
    succeeds(folder, TARGET, study=study)
    return folder


@pytest.fixture
def whole(project):
    """The bytes of the pretraining before the test."""
    return files(project)


def start(project, study):
    """A call of Snakemake that pretrains again, as a user starts it."""
    words = ["--configfile", str(study), "--cores", "2", "--forcerun", "pretrain", "--", TARGET]
    environment = os.environ | {"PYTHONPATH": ""}
    with (project / "call.log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "snakemake", *words], cwd=project, env=environment, stdout=log, stderr=log
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
            trainer(call).send_signal(number)
            return
        time.sleep(0.02)
    raise AssertionError(f"the training was over before the signal: {said(project)}")


def trainer(call):
    """The process that pretrains."""
    (found,) = (process for process in psutil.Process(call.pid).children(recursive=True) if is_pretraining(process))
    return found


def is_pretraining(process):
    return any(word.endswith("pretrain.py") for word in process.cmdline())


def said(project):
    return (project / "call.log").read_text()


def files(project):
    return {name: (project / RUN / name).read_bytes() for name in FILES}


def test_killed_at_a_random_moment_and_started_again_it_gives_the_same_bytes(project, study, whole):
    call = start(project, study)
    signal_while_training(project, call, signal.SIGKILL, random.Random(0).uniform(2, EPOCHS - 3))
    # Another attempt in the same call resumes from the checkpoint; what it makes is the same.
    assert call.wait() == 0, said(project)
    assert "from epoch" in (project / LOG).read_text()
    assert files(project) == whole
    assert not list((project / "results").rglob("*.pt"))


def test_interrupted_it_writes_a_checkpoint_and_is_retried_from_there(project, study, whole):
    call = start(project, study)
    signal_while_training(project, call, signal.SIGTERM, 2.5)
    assert call.wait() == 0, said(project)
    (place,) = re.findall(r"SIGTERM.*(epoch \d+, step \d+)", said(project))
    assert f"from {place}\n" in (project / LOG).read_text()
    assert files(project) == whole


def test_a_killed_call_takes_its_jobs_along_and_the_next_one_resumes_after_unlock(project, study, whole):
    call = start(project, study)
    checkpoints = project / "results/checkpoints/meta_uscl/seed0"
    while not list(checkpoints.glob("epochs00000[2-9]*.pt")):
        assert call.poll() is None, said(project)
        time.sleep(0.02)
    job = trainer(call)
    call.kill()
    call.wait()
    assert job.wait(timeout=60) is None  # psutil knows no exit code of a process that isn't a child
    assert not (project / TARGET).exists()
    assert f"process {call.pid} on " in fails(project, TARGET, study=study)
    succeeds(project, "--unlock", study=study)
    succeeds(project, TARGET, study=study)
    assert "from epoch" in (project / LOG).read_text()
    assert files(project) == whole

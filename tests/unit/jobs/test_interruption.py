import os
import signal
import subprocess
import sys
import time

import pytest

from uscl.jobs import interruption
from uscl.jobs.interruption import Interrupted


@pytest.fixture(autouse=True)
def _listening():
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    interruption.listen()
    yield
    interruption.listen()
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_interrupts_the_work(number):
    with pytest.raises(Interrupted, match=signal.Signals(number).name):
        os.kill(os.getpid(), number)
    assert interruption.received() == signal.Signals(number).name


def test_a_second_signal_does_not_interrupt_the_end_of_the_first():
    with pytest.raises(Interrupted, match="SIGINT"):
        os.kill(os.getpid(), signal.SIGINT)
    os.kill(os.getpid(), signal.SIGTERM)
    assert interruption.received() == "SIGINT"


def test_a_deferred_block_stops_by_itself():
    with interruption.deferred():
        assert interruption.received() is None
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert interruption.received() == "SIGTERM"
    interruption.listen()
    with pytest.raises(Interrupted):
        os.kill(os.getpid(), signal.SIGTERM)


JOB = """
import time
from uscl.jobs import interruption
interruption.listen()
try:
    interruption.end_with_caller()
    print("at work", flush=True)
    time.sleep(20)
except interruption.Interrupted as signal:
    print("ended by", signal, flush=True)
"""
CALLER = f"""
import subprocess, sys, time
from uscl.jobs import interruption
interruption.name_caller()
subprocess.Popen([sys.executable, "-c", {JOB!r}])
time.sleep(20)
"""


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="only Linux can watch a process that isn't a child")
def test_a_job_ends_when_the_call_that_it_works_for_is_killed():
    caller = subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE, text=True)
    assert caller.stdout.readline() == "at work\n"
    started = time.monotonic()
    caller.kill()
    assert caller.stdout.read() == "ended by SIGTERM\n"
    assert time.monotonic() - started < 10
    caller.wait()


@pytest.mark.parametrize("caller", ["", "4711@another-machine"])
def test_a_job_whose_caller_cannot_be_watched_goes_on(caller, monkeypatch):
    monkeypatch.setenv("USCL_CALLER", caller)
    interruption.end_with_caller()
    assert interruption.received() is None

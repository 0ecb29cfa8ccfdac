"""The link that `uscl ui` prints, opened in Chromium without a click: while a study runs, and when it is done.

pip install playwright && apt-get install chromium && pytest -m browser
"""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.unit.tracking.studies import PLAN, REGIME, TASK, judge, score_study, write_all, write_plan, write_training
from uscl.tracking import mirror_process, ui

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
START_S, LIVE_S = 300, 60  # for the server, which imports for long; for a number to reach the page

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")]


@pytest.fixture
def page():
    """A page in a fresh browser."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        one = browser.new_page(viewport={"width": 1440, "height": 900})
        one.set_default_timeout(1000 * START_S)
        yield one
        browser.close()


@pytest.fixture
def study(tmp_path):
    """As much of a study as its tracking needs; its tracker follows it until the test ends."""
    results = tmp_path / "results"
    write_plan(results)
    settings = SimpleNamespace(
        study=PLAN.study,
        tasks={name: SimpleNamespace(regimes=task["regimes"]) for name, task in PLAN.tasks.items()},
        tracking="mlflow",
        tracking_uri=None,
    )
    mirror_process.start(results, None, PLAN.study)
    yield SimpleNamespace(results=str(results), settings=settings)
    mirror_process.finish(START_S)


def served(results, port):
    """MLflow's server on the store of a results folder."""
    words = ["--backend-store-uri", f"sqlite:///{results / 'mlflow.db'}", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words, "--workers", "1"],
        cwd=results.parent,
        env=os.environ | {"MLFLOW_DISABLE_TELEMETRY": "true"},
        start_new_session=True,
    )
    wait_until(lambda: answers(port), START_S)
    return server


def answers(port):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).status == 200
    except OSError:
        return False


def wait_until(happened, seconds):
    end = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < end, f"waited in vain for {seconds} s"
        time.sleep(0.2)
    return found


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def opened(page, study, base):
    """The text of the page at the link of the task, once its runs are there."""
    page.goto("about:blank")
    page.goto(ui.link(study, TASK, base=base))
    page.get_by_text("simclr (linear)").first.wait_for()
    page.get_by_role("columnheader", name="verdict").first.wait_for()
    return page.inner_text("body")


def test_the_link_shows_provisional_numbers_while_a_study_runs_and_the_verdicts_when_it_is_done(page, study):
    results = Path(study.results)
    write_training(results, "simclr", 0)
    wait_until(lambda: "/experiments/" in ui.link(study, TASK), START_S)  # imports take a while
    port = free_port()
    server, base = served(results, port), f"http://127.0.0.1:{port}"
    try:
        text = opened(page, study, base)
        assert "pending (provisional: 1 of 2 trainings)" in text
        began = time.monotonic()
        write_training(results, "simclr", 1, right=0.6)
        page.get_by_text("pending (provisional: 2 of 2 trainings)").first.wait_for()
        assert time.monotonic() - began < LIVE_S
        write_all(results)
        table = score_study(results)
        judge(results)
        page.get_by_text("worse than imagenet").first.wait_for()
        text = opened(page, study, base)
        for row in table[(table["metric"] == "macro_f1") & table["ci_low"].notna()].itertuples():
            assert f"{row.arm} ({REGIME})" in text
            numbers = [f"{value:.4f}".rstrip("0").rstrip(".") for value in (row.mean, row.ci_low, row.ci_high)]
            assert set(numbers) <= set(text.split()), row.arm
        assert all(words in text for words in ("1 of 2", "2 of 2", "worse than imagenet", "the reference"))
        assert "machinery, not medicine" in text
    finally:
        server.terminate()
        server.wait()

"""The command `uscl`, as a user calls it."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from stores import bright_or_dark_store

from uscl.command import mlflow_server
from uscl.command.main import main
from uscl.command.recorded_study import study_of
from uscl.data.splits import make_splits, read_folds, task_cases
from uscl.evaluate.given_predictions import given_predictions

ROOT = Path(__file__).parents[3]


@pytest.fixture
def opened(monkeypatch):
    """What would have been opened in a browser."""
    found = []
    monkeypatch.setattr("webbrowser.open", lambda link: found.append(link) or True)
    return found


def uscl(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def test_show_opens_the_report_and_prints_its_address(tmp_path, opened):
    (tmp_path / "report.html").touch()
    run = uscl("show", tmp_path)
    assert run.exit_code == 0
    assert run.output == f"{(tmp_path / 'report.html').as_uri()}\n"
    assert opened == [(tmp_path / "report.html").as_uri()]


def test_show_without_a_browser_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "report.html").touch()
    monkeypatch.setattr("webbrowser.open", lambda link: False)
    assert "No browser was found here." in uscl("show", tmp_path).output


def test_show_without_a_report_says_what_to_run(tmp_path, opened):
    run = uscl("show", tmp_path)
    assert run.exit_code == 1
    assert "report.html does not exist: run the study with `make results`" in run.output
    assert opened == []


@pytest.fixture
def results(tmp_path):
    """A results folder with a run that records the settings of the tiny study."""
    folder = tmp_path / "results"
    (folder / "encoders/simclr/seed0").mkdir(parents=True)
    config = yaml.safe_load((ROOT / "tests/integration/tiny.yaml").read_text()) | {"results": "elsewhere"}
    (folder / "encoders/simclr/seed0/run.json").write_text(json.dumps({"config": config}))
    return folder


def test_the_study_of_a_results_folder_is_that_of_its_newest_run(results):
    study = study_of(results, None)
    assert study.results == str(results)
    assert "pocus" in study.settings.tasks


@pytest.mark.parametrize("text", ["", "- a", "a: [", None])
def test_a_file_that_holds_no_study_is_named(tmp_path, results, text):
    path = tmp_path / "study.yaml"
    if text is not None:
        path.write_text(text)
    run = uscl("ui", results, "--configfile", path)
    assert run.exit_code == 1
    assert f"Error: {path} " in run.output


def test_ui_without_results_says_what_to_do(tmp_path):
    assert "There is no folder" in uscl("ui", tmp_path / "nothing").output
    assert "name the study's file with --configfile" in uscl("ui", tmp_path).output


def test_ui_on_a_port_in_use_says_so(results):
    with socket.create_server((mlflow_server.HOST, 0)) as other:
        run = uscl("ui", results, "--port", other.getsockname()[1])
    assert run.exit_code == 1
    assert "is in use: choose another one with --port" in run.output


def test_the_store_of_another_server_gets_no_server_here(results, monkeypatch, opened):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.example:5000")
    monkeypatch.setattr(mlflow_server, "check_and_sync", lambda study: "MLflow has all runs.")
    monkeypatch.setattr(mlflow_server, "link", lambda study, task, regime, base: f"page of {task}, {regime}")
    run = uscl("ui", results, "--task", "pocus", "--regime", "linear", "--port", free_port())
    assert run.output == "MLflow has all runs.\npage of pocus, linear\n"
    assert opened == ["page of pocus, linear"]


def free_port():
    with socket.create_server((mlflow_server.HOST, 0)) as probe:
        return probe.getsockname()[1]


# A stand-in for MLflow's server, which takes seconds to start: it answers `python -m mlflow ui ... --port PORT`.
SERVER = """
import http.server, os, socketserver, sys

sys.exit(os.environ["FAIL"]) if "FAIL" in os.environ else None

class Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/health" else 404)
        self.end_headers()

assert os.environ["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] == "false"
assert sys.argv[1:3] == ["ui", "--backend-store-uri"] and sys.argv[4:6] == ["--host", "127.0.0.1"], sys.argv
socketserver.TCPServer(("127.0.0.1", int(sys.argv[-1])), Healthy).serve_forever()
"""


# Calls `uscl` without what MLflow itself must do.
CALL = """
import sys
from uscl.command import main, mlflow_server
mlflow_server.check_and_sync = lambda study: "MLflow has all runs."
mlflow_server.link = lambda study, task, regime, base: base + "/#/page"
main.main(sys.argv[1:])
"""


def ui_call(results, port, fake, **more):
    """`uscl ui` as a process, with a stand-in for the package mlflow."""
    (fake / "mlflow").mkdir(parents=True)
    (fake / "mlflow/__init__.py").touch()
    (fake / "mlflow/__main__.py").write_text(SERVER)
    words = [sys.executable, "-c", CALL, "ui", str(results), "--port", str(port), "--no-browser"]
    paths = os.environ | {"PYTHONPATH": os.pathsep.join([str(fake), str(ROOT)])} | more
    return subprocess.Popen(words, env=paths, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_ui_starts_mlflow_prints_the_link_and_ends_with_sigterm(results, tmp_path):
    port = free_port()
    call = ui_call(results, port, tmp_path / "fake")
    try:
        lines = [call.stdout.readline() for _ in range(4)]
        assert lines == [
            "MLflow has all runs.\n",
            "Starting MLflow ...\n",
            f"http://127.0.0.1:{port}/#/page\n",
            "Ctrl-C ends MLflow.\n",
        ]
        assert mlflow_server.port_taken(port)
    finally:
        call.send_signal(signal.SIGTERM)
    assert "MLflow has ended." in call.communicate(timeout=60)[0]
    assert not mlflow_server.port_taken(port)


def test_a_server_that_does_not_start_is_reported(results, tmp_path):
    call = ui_call(results, free_port(), tmp_path / "fake", FAIL="no such module")
    assert "Error: MLflow did not start: no such module" in call.communicate(timeout=60)[0]
    assert call.returncode == 1


@pytest.fixture
def drawn(results, monkeypatch):
    """The results folder with folds of a classification and of a segmentation, which are drawn twice."""
    study = study_of(results, None)
    store = bright_or_dark_store(groups=8, frames=2)
    for task in ("pocus", "segmentation"):
        path = Path(study.splits(task, 0))
        path.parent.mkdir(parents=True, exist_ok=True)
        make_splits(task_cases(store, "classification"), folds=2, inner=2, seed=0).to_csv(path, index=False)
    monkeypatch.chdir(results.parent)
    return results


def test_a_template_of_predictions_has_every_case_once_in_the_fold_that_tests_it(drawn):
    run = uscl("template", "predictions", drawn, "--task", "pocus", "--task", "segmentation", "--out", "mine")
    assert run.output == (
        "mine/pocus.csv: 16 rows; fill in p_bright, p_dark.\nmine/segmentation.csv: 16 rows; fill in mask.\n"
    )
    found = pd.read_csv("mine/pocus.csv")
    assert list(found) == ["case", "fold", "seed", "p_bright", "p_dark"]
    assert found[["p_bright", "p_dark"]].isna().all(axis=None)
    split = pd.read_csv(study_of(drawn, None).splits("pocus", 0)).set_index("case")
    assert sorted(found["case"]) == sorted(split.index)
    places = found[["case", "fold"]].itertuples(index=False, name=None)
    assert all(split.loc[case, f"fold{fold}"] == "test" for case, fold in places)
    again = uscl("template", "predictions", drawn, "--task", "pocus", "--out", "mine")
    assert again.exit_code == 1
    assert again.output == "Error: mine/pocus.csv is there already: remove it, or name another place with --out.\n"


def test_a_filled_in_template_is_what_an_arm_takes(drawn):
    uscl("template", "predictions", drawn, "--task", "pocus")
    path = Path("predictions/pocus.csv")
    pd.read_csv(path).assign(p_bright=0.25, p_dark=0.75).to_csv(path, index=False)
    cases, folds = read_folds(Path(study_of(drawn, None).splits("pocus", 0)))
    found = given_predictions(path, "classification", cases, folds, 0, bright_or_dark_store(groups=8, frames=2))
    assert (len(found), found["p_dark"].unique()) == (16, 0.75)


def test_a_template_of_features_has_the_cases_of_the_classification_tasks(drawn):
    run = uscl("template", "features", drawn, "--task", "pocus")
    assert run.output == "features.parquet: 16 rows; fill in vector, a list of numbers per case.\n"
    found = pd.read_parquet("features.parquet")
    assert list(found) == ["dataset", "case", "vector"]
    assert found["dataset"].unique() == "sim_lung"
    assert "features.parquet is there already" in uscl("template", "features", drawn, "--task", "pocus").output
    assert "must end in .parquet" in uscl("template", "features", drawn, "--out", "f.csv").output


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--task", "busi"], "The folds of busi are not drawn yet ("),
        (["--task", "pocsu"], "There is no task 'pocsu' to write a file for, only pocus, busi, segmentation; did you"),
    ],
)
def test_a_template_that_can_not_be_written_is_one_sentence(drawn, words, sentence):
    run = uscl("template", "predictions", drawn, *words)
    assert run.exit_code == 1
    assert run.output.startswith(f"Error: {sentence}")
    assert not Path("predictions").exists()


def test_the_results_of_a_studys_file_have_its_folds(drawn):
    study = Path("study.yaml")
    study.write_text(
        yaml.safe_dump(yaml.safe_load((ROOT / "tests/integration/tiny.yaml").read_text()) | {"results": str(drawn)})
    )
    assert uscl("template", "predictions", "--configfile", study, "--task", "pocus").exit_code == 0


def test_the_command_imports_nothing_heavy():
    heavy = "{'torch', 'pandas', 'numpy', 'mlflow', 'snakemake', 'pydantic', 'yaml'}"
    code = f"import sys, uscl.command.main; assert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_it_is_the_command_of_the_project():
    assert 'uscl = "uscl.command.main:main"' in (ROOT / "pyproject.toml").read_text()

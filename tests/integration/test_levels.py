"""A study by patient and frame whose primary comparison is the mean over two tasks, and the same study by video."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.integration.calls import copy_of_checkout, planned, succeeds, write_study

STUDY = Path(__file__).with_name("levels.yaml")

pytestmark = pytest.mark.e2e


def settings(**changed):
    """The study, with other settings of pocus or of the whole."""
    study = yaml.safe_load(STUDY.read_text())
    study["tasks"]["pocus"]["levels"] = changed.pop("levels", study["tasks"]["pocus"]["levels"])
    return study | changed


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project whose study is finished; the study's file is that of a public study named "levels"."""
    project = copy_of_checkout(tmp_path_factory.mktemp("levels") / "project")
    pages = project / "docs/public-study"
    pages.mkdir(parents=True)
    succeeds(project, "results/report.html", study=write_study(pages / "levels.yaml", settings()))
    return project


def tables(project, *words):
    """The script that stores a study and makes its tables again."""
    script = [sys.executable, "benchmarks/public_tables.py", *words]
    return subprocess.run(script, cwd=project, capture_output=True, text=True)


def test_tables_and_figures_are_made_again_from_stored_predictions(project):
    stored = project / "docs/public-study/results/levels"
    done = tables(project, "--store", "results", stored)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not list(stored.rglob("*.safetensors"))
    assert (stored / "figures/overview.png").is_file()
    done = tables(project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The tables and figures of 1 studies are as they are stored." in done.stdout
    claims = stored / "claims.md"
    claims.write_text(claims.read_text().replace("0.", "1.", 1))
    done = tables(project)
    assert done.returncode == 1
    assert done.stdout.endswith(f"{Path('results/public-tables/levels/claims.md')} differs from {claims}.\n")


def test_probabilities_are_scaled_and_operating_points_are_those_of_their_level(project):
    results, study = project / "results", project / "docs/public-study/levels.yaml"
    predictions = pd.read_parquet(results / "cells/pocus/knn/labels100/imagenet/seed0/predictions.parquet")
    assert predictions.groupby("fold")["temperature"].nunique().tolist() == [1, 1]
    assert "temperature" not in pd.read_parquet(results / "cells/busi/knn/labels100/imagenet/seed0/predictions.parquet")
    target = "results/statistics/pocus-knn-labels100/operating_points.csv"
    succeeds(project, target, study=study)
    points = pd.read_csv(project / target)
    assert points.groupby("level", sort=False).size().to_dict() == {"patient": 12, "frame": 12}  # 2 arms, 3 classes
    assert points["mean"].between(0, 1).all()
    assert planned(project, target, study=study) == {}


def test_levels_and_a_mean_over_tasks_from_stored_predictions(project):
    path = project / "docs/public-study/levels.yaml"
    table = pd.read_csv(project / "results/table.csv")
    pocus = table[(table["task"] == "pocus") & (table["metric"] == "auroc")]
    assert pocus["level"].tolist() == ["patient", "frame"] * 2
    assert pocus["n_cases"].tolist() == [18, 29] * 2
    text = (project / "results/table.md").read_text()
    assert "## pocus, knn, per patient" in text
    assert "The class probabilities of a patient are the mean over its frames." in text
    claims = pd.read_csv(project / "results/claims.csv")
    (named,) = claims[claims["primary"]].to_dict("records")
    assert (named["task"], named["level"]) == ("mean of pocus and busi", "patient and frame")
    assert named["n_groups"] == 18 + 36
    assert "18 patients (pocus) and 36 " in named["groups"]
    assert named["sentence"] in (project / "results/claims.md").read_text()
    before = {path: path.stat().st_mtime for path in (project / "results/cells").rglob("predictions.parquet")}
    write_study(path, settings(levels=["video"], primary=[]))
    succeeds(project, "results/table.csv", study=path)
    again = pd.read_csv(project / "results/table.csv")
    assert set(again.loc[again["task"] == "pocus", "level"]) == {"video"}
    assert before == {path: path.stat().st_mtime for path in (project / "results/cells").rglob("predictions.parquet")}

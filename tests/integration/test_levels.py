"""A study by patient and frame whose primary comparison is the mean over two tasks, and the same study by video."""

from pathlib import Path

import pandas as pd
import pytest
import yaml

from tests.integration.calls import copy_of_checkout, succeeds, write_study

STUDY = Path(__file__).with_name("levels.yaml")

pytestmark = pytest.mark.e2e


def settings(**changed):
    """The study, with other settings of pocus or of the whole."""
    study = yaml.safe_load(STUDY.read_text())
    study["tasks"]["pocus"]["levels"] = changed.pop("levels", study["tasks"]["pocus"]["levels"])
    return study | changed


def test_levels_and_a_mean_over_tasks_from_stored_predictions(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    path = write_study(tmp_path / "study.yaml", settings())
    succeeds(project, "results/report.html", study=path)
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
    write_study(tmp_path / "study.yaml", settings(levels=["video"], primary=[]))
    succeeds(project, "results/table.csv", study=path)
    again = pd.read_csv(project / "results/table.csv")
    assert set(again.loc[again["task"] == "pocus", "level"]) == {"video"}
    assert before == {path: path.stat().st_mtime for path in (project / "results/cells").rglob("predictions.parquet")}

"""A study on a given split with a planted leak, whose models are also scored on an external set."""

import shutil

import pandas as pd
import pytest

from tests.integration.calls import copy_of_checkout, fails, succeeds, write_study
from uscl.simulator.sets import write_set

pytestmark = pytest.mark.e2e

SETTINGS = {
    "study": "given",
    "results": "results",
    "seeds": [0, 1],
    "device": "cpu",
    "precision": "32-true",
    "tracking": "none",
    "on_bad_video": "skip",
    "encoder": "tf_efficientnet_lite0",
    "frame_size": 64,
    "splits": {"folds": 2, "inner": 2},
    "draws": 200,
    "pool": "breast",
    "methods": {"imagenet": {"method": "imagenet"}, "again": {"method": "imagenet", "stream": 1}},
}


def breast_images(folder, seed, patients=30):
    """A simulated breast set as images and a table whose rows are given back: file, label."""
    write_set("breast", folder / "raw", patients=patients, seed=seed)
    rows = []
    for path in sorted(folder.glob("raw/*/*.png")):
        if "_mask" not in path.stem:
            file = f"{path.stem.replace(' ', '_')}.png"
            shutil.copy(path, folder / file)
            rows.append({"file": file, "label": path.parent.name})
    shutil.rmtree(folder / "raw")
    return pd.DataFrame(rows)


@pytest.fixture
def given(tmp_path):
    """The settings of a study on a set whose parts share a picture and a patient."""
    folder = tmp_path / "breast"
    table = breast_images(folder, seed=1)
    third = table.groupby("label").cumcount() % 3
    table["split"], table["patient"] = third.map({0: "train", 1: "train", 2: "test"}), table.index.map("p{}".format)
    first, other = table.index[table["split"] == "train"][[0, 1]]
    last = table.index[table["split"] == "test"][-1]
    shutil.copy(folder / table["file"][first], folder / "copy.png")
    table.loc[len(table)] = ["copy.png", table["label"][first], "test", "new"]
    table.loc[other, "patient"] = table["patient"][last]
    table.to_csv(folder / "labels.csv", index=False)
    task = {"kind": "classification", "dataset": "breast", "regimes": ["linear"], "splits": {"given": "split"}}
    leaks = [table["file"][first], table["file"][other], table["file"][last]]
    return SETTINGS | {
        "datasets": {"breast": {"kind": "image_csv", "data_root": str(folder)}},
        "tasks": {"t": task},
    }, leaks


def test_a_leak_of_a_given_split_stops_the_study_or_is_marked(tmp_path, given):
    settings, (first, other, last) = given
    project = copy_of_checkout(tmp_path / "project")
    path = write_study(tmp_path / "study.yaml", settings)
    printed = fails(project, "results/table.csv", study=path)
    assert "The audit found 2 leaks between training and test data" in printed
    assert f"breast: {first} and breast: copy.png are the same picture." in printed
    assert f"{other} in train, {last} in test." in printed
    settings["tasks"]["t"]["splits"]["on_leak"] = "report"
    write_study(path, settings)
    succeeds(project, "results/report.html", study=path)
    table = pd.read_csv(project / "results/table.csv")
    assert set(table["split"]) == {"given, with leaks"}
    assert set(table["n_cases"]) == {11}
    assert table["leaks"].str.contains("between the parts of the given split reported").all()
    assert "scores may be too high" in " ".join((project / "results/claims.md").read_text().split())
    assert "group in two parts" in (project / "results/audit/audit.html").read_text()

"""A study on a given split with planted leaks, whose models are also tested on an external set."""

import shutil

import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from sklearn.metrics import accuracy_score, roc_auc_score

from tests.integration.calls import copy_of_checkout, fails, succeeds, write_study
from uscl.simulator.sets import write_set

pytestmark = pytest.mark.e2e

PRIMARY = {"arm": "again", "reference": "imagenet", "task": "t", "external": "other"}
PRIMARY |= {"regime": "linear", "metric": "auroc"}
SETTINGS = {
    "study": "given",
    "results": "results",
    "seeds": [0, 1],
    "device": "cpu",
    "precision": "32-true",
    "tracking": "mlflow",
    "on_bad_video": "skip",
    "encoder": "tf_efficientnet_lite0",
    "frame_size": 64,
    "splits": {"folds": 2, "inner": 2},
    "primary": [PRIMARY],
    "draws": 200,
    "pool": "breast",
    "methods": {"imagenet": {"method": "imagenet"}, "again": {"method": "imagenet", "stream": 1}},
}
NAMES = {"benign": "B", "malignant": "M", "normal": "N"}  # of the external set


def breast_images(folder, seed, patients, begin):
    """A simulated breast set as images whose names begin alike, and their table: file, label, patient."""
    write_set("breast", folder / "raw", patients=patients, seed=seed)
    rows = []
    for path in sorted(folder.glob("raw/*/*.png")):
        if "_mask" not in path.stem:
            file = f"{begin}{len(rows)}.png"
            shutil.copy(path, folder / file)
            rows.append({"file": file, "label": path.parent.name, "patient": file.removesuffix(".png")})
    shutil.rmtree(folder / "raw")
    return pd.DataFrame(rows)


def study_of(folder):
    """The settings, and the files of two planted leaks: a copied picture, and a patient in train and test."""
    own, other = folder / "breast", folder / "other"
    table = breast_images(own, 1, 30, "a")
    third = table.groupby("label").cumcount() % 3
    table["split"] = third.map({0: "train", 1: "train", 2: "test"})
    (first, second, *_), (*_, last) = table.index[table["split"] == "train"], table.index[table["split"] == "test"]
    shutil.copy(own / table["file"][first], own / "copy.png")
    table.loc[len(table)] = ["copy.png", table["label"][first], "new", "test"]
    table.loc[second, "patient"] = table["patient"][last]
    table.to_csv(own / "labels.csv", index=False)
    external = breast_images(other, 2, 20, "b")
    external.assign(label=external["label"].map(NAMES)).to_csv(other / "labels.csv", index=False)
    task = {"kind": "classification", "dataset": "breast", "regimes": ["linear"], "splits": {"given": "split"}}
    task["external"] = [{"dataset": "other", "classes": {name: label for label, name in NAMES.items()}}]
    sets = {path.name: {"kind": "image_csv", "data_root": str(path)} for path in (own, other)}
    return SETTINGS | {"datasets": sets, "tasks": {"t": task}}, table["file"][[first, second, last]].tolist()


def test_a_given_split_with_leaks_and_an_external_set(tmp_path):
    settings, (first, second, last) = study_of(tmp_path)
    project = copy_of_checkout(tmp_path / "project")
    path = write_study(tmp_path / "study.yaml", settings)
    printed = fails(project, "results/table.csv", study=path)
    assert "The audit found 2 leaks between training and test data" in printed
    assert f"breast: {first} and breast: copy.png are the same picture." in printed
    assert f"{second} in train, {last} in test." in printed
    settings["tasks"]["t"]["splits"]["on_leak"] = "report"
    write_study(path, settings)
    succeeds(project, "results/report.html", "results/figures/overview.png", study=path)
    results = project / "results"
    table, external = (pd.read_csv(results / name) for name in ("table.csv", "external.csv"))
    assert set(table["split"]) == {"given, with leaks"}
    assert set(table["n_cases"]) == {10}  # nine and the copy
    assert table["leaks"].str.contains("between the parts of the given split reported").all()
    text = " ".join((results / "claims.md").read_text().split())
    assert "scores may be too high" in text
    assert "again against imagenet on t on other (linear), AUROC" in text
    assert set(external["test_set"]) == {"other"}
    assert set(external["n_cases"]) == {20}
    assert "t on other, linear" in (results / "external.md").read_text()
    page = (results / "report.html").read_text()
    assert '<a href="#external">External tests</a>' in page
    assert "t on other, linear" in page
    succeeds(project, "sync_tracking", study=path)
    logged = metrics_in_mlflow(results / "mlflow.db", "given/summary")
    means = external[external["metric"] == "auroc"].set_index("arm")["mean"]
    assert {arm: logged[f"{arm} (linear)"]["external/other/auroc"] for arm in means.index} == pytest.approx(dict(means))
    of_models = pd.read_parquet(results / "external/t/linear/other/imagenet/seed1/predictions.parquet")
    assert set(of_models["label"]) == set(NAMES)
    check_scores(of_models, pd.read_csv(results / "statistics/t-linear-labels100/on-other/trainings.csv"))
    without = settings["tasks"]["t"].pop("external")
    before = (results / "table.csv").read_bytes()
    assert without
    succeeds(project, "results/table.csv", study=write_study(path, settings | {"primary": []}))
    assert (results / "table.csv").read_bytes() == before


def metrics_in_mlflow(store, experiment):
    """The metrics of the runs of an experiment, by their titles."""
    client = MlflowClient(f"sqlite:///{store}")
    runs = client.search_runs([client.get_experiment_by_name(experiment).experiment_id])
    return {run.info.run_name: run.data.metrics for run in runs}


def check_scores(predictions, trainings):
    """Compare the scores of a training with those of its stored predictions."""
    found = trainings[(trainings["arm"] == "imagenet") & (trainings["seed"] == 1)].set_index("metric")["value"]
    chances = predictions[[f"p_{name}" for name in sorted(NAMES)]].to_numpy()
    decided = [sorted(NAMES)[place] for place in chances.argmax(axis=1)]
    one_against_rest = [
        roc_auc_score(predictions["label"] == name, chances[:, place]) for place, name in enumerate(sorted(NAMES))
    ]
    assert found["accuracy"] == pytest.approx(accuracy_score(predictions["label"], decided))
    assert found["auroc"] == pytest.approx(sum(one_against_rest) / 3)

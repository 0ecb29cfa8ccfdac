"""A study of arms from files: encoders of checkpoints, features and predictions beside published weights."""

import sqlite3

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner

from tests.integration.calls import copy_of_checkout, fails, planned, succeeds, tiny, write_study
from uscl.command.main import main
from uscl.models.checkpoint import save_encoder
from uscl.models.encoder import Encoder
from uscl.models.encoders import InputStats
from uscl.models.imagenet import imagenet_encoder

pytestmark = pytest.mark.e2e

ARMS = ["imagenet", "again", "vit", "feats", "preds"]
EVALUATIONS = [("pocus", "linear"), ("busi", "knn")]
STATISTICS = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
VIT = "timm/vit_tiny_patch16_224"


def settings(folder):
    """The tiny study with two probes and five arms, of which one is published."""
    study = tiny() | {"primary": [], "comparisons": [], "authors_protocol": []}
    del study["label_fractions"]
    study["tasks"] = {task: study["tasks"][task] | {"regimes": [regime]} for task, regime in EVALUATIONS}
    study["primary"] = [
        {"arm": arm, "reference": "imagenet", "task": "busi", "regime": "knn", "metric": "macro_f1"}
        for arm in ("feats", "vit")
    ]
    study["methods"] = {
        "imagenet": {"method": "imagenet"},
        "again": {"method": "file", "checkpoint": str(folder / "exported.safetensors")},
        "vit": {"method": "file", "checkpoint": str(folder / "dino.pth"), "encoder": VIT} | STATISTICS,
        "feats": {"method": "features", "file": str(folder / "features.parquet")},
        "preds": {"method": "predictions", "folder": str(folder), "tasks": ["pocus"]},
    }
    return study


def write_checkpoints(folder):
    """The weights of the imagenet arm as the project exports them, and a ViT as DINO saves it."""
    save_encoder(imagenet_encoder("tf_efficientnet_lite0"), folder / "exported.safetensors")
    torch.manual_seed(0)
    vit = Encoder(VIT, InputStats(*map(tuple, STATISTICS.values())), 64)
    teacher = {f"backbone.{name}": tensor for name, tensor in vit.backbone.state_dict().items()}
    torch.save({"teacher": teacher | {"head.mlp.weight": torch.ones(2)}, "epoch": 9}, folder / "dino.pth")


def fill_in(folder, results):
    """Vectors and probabilities that say something about the class."""
    rng = np.random.default_rng(0)
    features = pd.read_parquet(folder / "features.parquet")
    manifests = [pd.read_parquet(results / f"frames/{name}/manifest.parquet") for name in features["dataset"].unique()]
    labels = pd.concat(manifests).set_index("case")["label"]
    classes = pd.factorize(labels[features["case"]])[0]
    vectors = rng.normal(size=(len(features), 8))
    vectors[np.arange(len(features)), classes] += 2
    features.assign(vector=list(vectors)).to_parquet(folder / "features.parquet")
    given = pd.read_csv(folder / "pocus.csv", dtype={"case": str})
    columns = [name for name in given if name.startswith("p_")]
    given[columns] = rng.dirichlet(np.ones(len(columns)), len(given))
    given.to_csv(folder / "pocus.csv", index=False)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """The finished study: its project, its file, and the folder of the given files."""
    folder = tmp_path_factory.mktemp("given")
    project = copy_of_checkout(folder / "project")
    path = write_study(folder / "study.yaml", settings(folder))
    write_checkpoints(folder)
    assert "doesn't exist" in succeeds(project, "folds", study=path)  # the files are to come
    assert "write the file (`uscl template features`)" in fails(project, study=path)
    words = [str(project / "results"), "--configfile", str(path)]
    options = {"features": [f"{folder}/features.parquet"], "predictions": [str(folder), "--task", "pocus"]}
    for what, more in options.items():
        run = CliRunner().invoke(main, ["template", what, *words, "--out", *more])
        assert run.exit_code == 0, run.output
    fill_in(folder, project / "results")
    succeeds(project, study=path)
    return project, path, folder


def test_every_arm_is_in_the_table_or_its_absence_is_explained(study):
    project, _, _ = study
    table = pd.read_csv(project / "results/table.csv")
    for task, regime in EVALUATIONS:
        rows = table[(table["task"] == task) & (table["regime"] == regime)]
        there = set(rows.loc[rows["mean"].notna(), "arm"])
        assert there == (set(ARMS) if task == "pocus" else set(ARMS) - {"preds"})
    (missing,) = table[(table["arm"] == "preds") & (table["task"] == "busi") & (table["regime"] == "knn")]["reason"]
    assert missing == "not among methods.preds.tasks"
    remarks = table.drop_duplicates("arm").set_index("arm")["remarks"]
    assert "all tensors of tf_efficientnet_lite0 are in the file" in remarks["again"]
    assert f"tensors of {VIT} are in the file" in remarks["vit"]
    assert "its cost, are not known" in remarks["vit"]
    text = (project / "results/table.md").read_text()
    assert "`feats`: features from a file" in text
    assert all(f"\n| {arm} " in text for arm in ARMS)


def test_an_exported_encoder_gives_the_same_rows_to_the_last_digit(study):
    table = pd.read_csv(study[0] / "results/table.csv", dtype=str).set_index(["task", "regime", "metric"])
    numbers = ["mean", "sd", "models_ci_low", "models_ci_high", "fold_mean", "fold_sd", "n", "n_cases", "groups"]
    rows = [table.loc[table["arm"] == arm, numbers] for arm in ("imagenet", "again")]
    assert len(rows[0].dropna(subset="mean")) > 10
    pd.testing.assert_frame_equal(*rows)


def test_claims_figures_costs_and_report_are_complete(study):
    results = study[0] / "results"
    claims = pd.read_csv(results / "claims.csv")
    assert set(claims.loc[claims["primary"], "arm"]) == {"feats", "vit"}
    assert set(claims["arm"]) == set(ARMS) - {"imagenet"}
    costs = pd.read_csv(results / "costs.csv").set_index(["arm", "task"])
    assert costs.loc[("preds", "pocus")].drop("regime").isna().all()
    assert costs.loc[["feats", "vit"], ["pretraining_s", "pretraining_images"]].isna().all(axis=None)
    assert costs.loc[("imagenet", "pocus"), "pretraining_images"] == 0
    assert costs.loc[("feats", "busi"), "finetuning_s"] > 0
    assert "unknown" in (results / "table.md").read_text()
    for name in ("overview", "differences", "cost", "variance", "pocus-map", "busi-map"):
        assert (results / f"figures/{name}.png").stat().st_size > 5_000
    cells = {path.name for path in (results / "figures/pocus-linear/cells").iterdir()}
    assert cells == {f"{arm}-seed0" for arm in ARMS}
    page = (results / "report.html").read_text()
    assert all(f"cell--pocus--linear--{arm}" in page for arm in ARMS)


def test_mlflow_has_every_cell(study):
    with sqlite3.connect(study[0] / "results/mlflow.db") as store:
        names = {name for (name,) in store.execute("SELECT name FROM runs WHERE lifecycle_stage = 'active'")}
    assert {f"pocus/linear/{arm}/seed0" for arm in ARMS} <= names
    assert {f"{arm} (linear)" for arm in ARMS} <= names
    assert "preds (knn)" not in names


def test_a_second_call_has_nothing_to_do_and_a_changed_file_repeats_its_cells_alone(study):
    project, path, folder = study
    assert planned(project, study=path) == {}
    given = folder / "pocus.csv"
    before = given.read_bytes()
    pd.read_csv(given, dtype={"case": str}).sample(frac=1, random_state=0).to_csv(given, index=False)
    assert planned(project, "results/cells/pocus/linear/labels100/preds/seed0/outcome.json", study=path) == {
        "check_study": 1,
        "given_predictions": 1,
    }
    assert "probe" not in planned(project, study=path)
    given.write_bytes(before)
    assert planned(project, study=path) == {}


def test_a_fault_in_a_file_stops_the_study_before_anything_is_trained(study):
    project, path, folder = study
    given = folder / "pocus.csv"
    before = given.read_bytes()
    pd.read_csv(given, dtype={"case": str})[1:].to_csv(given, index=False)
    printed = fails(project, study=path)
    assert f"{given} lacks case " in printed
    given.write_bytes(before)

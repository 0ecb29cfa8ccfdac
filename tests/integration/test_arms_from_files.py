"""A study of every kind of arm: encoders of checkpoints, features, predictions, two pretrainings, published weights."""

import re

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from mlflow.tracking import MlflowClient

from tests.integration.calls import copy_of_checkout, fails, planned, succeeds, tiny, write_study
from uscl.command.main import main
from uscl.models.checkpoint import save_encoder
from uscl.models.encoder import Encoder
from uscl.models.encoders import InputStats
from uscl.models.imagenet import imagenet_encoder

pytestmark = pytest.mark.e2e

LITE0, RESNET, VIT = "tf_efficientnet_lite0", "torchvision/resnet50", "timm/vit_tiny_patch16_224"
ENCODERS = {"imagenet": LITE0, "again": LITE0, "resnet50": RESNET, "vit": VIT, "byol": LITE0, "meta_uscl": LITE0}
TRAINED = ("byol", "meta_uscl")
ARMS = [*ENCODERS, "feats", "preds"]
EVALUATIONS = [("pocus", "linear"), ("busi", "knn")]
IMAGES = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}


def arms_in(task):
    """The arms that take part in a task."""
    return ARMS if task == "pocus" else [arm for arm in ARMS if arm != "preds"]


def settings(folder):
    """The tiny study with two probes and eight arms, of which two are the same weights."""
    study = tiny() | {"primary": [], "comparisons": [], "authors_protocol": []}
    del study["label_fractions"]
    study["tasks"] = {task: study["tasks"][task] | {"regimes": [regime]} for task, regime in EVALUATIONS}
    study["primary"] = [
        {"arm": arm, "reference": "imagenet", "task": "busi", "regime": "knn", "metric": "macro_f1"}
        for arm in ("feats", "vit", "byol")
    ]
    study["methods"] = {
        "imagenet": {"method": "imagenet"},
        "again": {"method": "file", "checkpoint": str(folder / "exported.safetensors")},
        "resnet50": {"method": "file", "checkpoint": str(folder / "moco.ckpt"), "encoder": RESNET} | IMAGES,
        "vit": {"method": "file", "checkpoint": str(folder / "dino.pth"), "encoder": VIT} | IMAGES,
        "byol": {"method": "byol", "init": "imagenet", "epochs": 1},
        "meta_uscl": {"method": "meta_uscl", "init": "imagenet", "epochs": 1},
        "feats": {"method": "features", "file": str(folder / "features.parquet")},
        "preds": {"method": "predictions", "folder": str(folder), "tasks": ["pocus"]},
    }
    return study


def write_checkpoints(folder):
    """The weights of the imagenet arm as the project exports them, a ResNet as MoCo saves it, and a ViT as DINO."""
    save_encoder(imagenet_encoder(LITE0), folder / "exported.safetensors")
    torch.manual_seed(0)
    resnet, vit = (Encoder(name, InputStats(*map(tuple, IMAGES.values())), 64).backbone for name in (RESNET, VIT))
    moco = {f"module.encoder_q.{name}": tensor for name, tensor in resnet.state_dict().items()}
    torch.save({"state_dict": moco | {"module.queue": torch.ones(2)}, "epoch": 9}, folder / "moco.ckpt")
    teacher = {f"backbone.{name}": tensor for name, tensor in vit.state_dict().items()}
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
        assert set(rows.loc[rows["mean"].notna(), "arm"]) == set(arms_in(task))
        metrics = {arm: set(own["metric"]) for arm, own in rows.groupby("arm") if arm in arms_in(task)}
        assert all(found == metrics["imagenet"] for found in metrics.values())
    (missing,) = table[(table["arm"] == "preds") & (table["task"] == "busi") & (table["regime"] == "knn")]["reason"]
    assert missing == "not among methods.preds.tasks"
    remarks = table.drop_duplicates("arm").set_index("arm")["remarks"]
    assert f"all tensors of {LITE0} are in the file" in remarks["again"]
    for arm in ("resnet50", "vit"):
        matched, total = re.search(rf"(\d+) of (\d+) tensors of {ENCODERS[arm]} are in the file", remarks[arm]).groups()
        assert matched == total
        assert "its cost, are not known" in remarks[arm]
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
    assert set(claims.loc[claims["primary"], "arm"]) == {"feats", "vit", "byol"}
    assert claims.loc[claims["primary"], "verdict"].notna().all()
    assert set(claims["arm"]) == set(ARMS) - {"imagenet"}
    costs = pd.read_csv(results / "costs.csv").set_index(["arm", "task"])
    assert costs.loc[("preds", "pocus")].drop("regime").isna().all()
    assert costs.loc[["feats", "resnet50", "vit"], ["pretraining_s", "pretraining_images"]].isna().all(axis=None)
    assert (costs.loc[list(TRAINED), "pretraining_s"] > 0).all()
    assert costs["parameters"].groupby("arm").first()["resnet50"] == 23_508_032
    assert costs.loc[("imagenet", "pocus"), "pretraining_images"] == 0
    assert costs.loc[("feats", "busi"), "finetuning_s"] > 0
    assert "unknown" in (results / "table.md").read_text()
    for name in ("overview", "differences", "cost", "variance", "pocus-map", "busi-map"):
        assert (results / f"figures/{name}.png").stat().st_size > 5_000
    page = (results / "report.html").read_text()
    for task, regime in EVALUATIONS:
        cells = {path.name for path in (results / f"figures/{task}-{regime}/cells").iterdir()}
        assert cells == {f"{arm}-seed0" for arm in arms_in(task)}
        assert all(f"cell--{task}--{regime}--{arm}" in page for arm in arms_in(task))


def test_mlflow_has_every_cell_its_summary_and_the_models_of_its_folds(study):
    client = MlflowClient(f"sqlite:///{study[0] / 'results/mlflow.db'}")
    experiments = [each.experiment_id for each in client.search_experiments()]
    runs = {run.data.tags["uscl.key"]: run for run in client.search_runs(experiments, max_results=1000)}
    assert {f"pretrain/{arm}/seed0" for arm in ENCODERS} <= set(runs)
    models = client.search_logged_models(experiments, max_results=50)
    kept = {(task, arm, fold) for task, _ in EVALUATIONS for arm in ENCODERS for fold in ("0", "1")}
    assert kept == {tuple(map(model.tags.get, ("task", "arm", "fold"))) for model in models}
    for task, regime in EVALUATIONS:
        cells = {key.split("/")[-1]: run for key, run in runs.items() if key.startswith(f"summary/{task}/{regime}/")}
        assert set(cells) == set(arms_in(task))
        for arm, run in cells.items():
            assert runs[f"{task}/{regime}/{arm}/seed0"].info.status == "FINISHED"
            assert run.data.tags["state"] == "final"
            assert run.data.tags["encoder"] == ENCODERS.get(arm, "not known")
            assert {"mean", "rank"} <= set(run.data.metrics)


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

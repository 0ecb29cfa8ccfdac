"""The finished study: its table, claims, figures and MLflow store, and the same bytes on one core."""

import json
import re

import mlflow
import pandas as pd
import pytest

from tests.integration.calls import CHECKOUT, succeeds
from uscl.base.text import LONGEST_LINE
from uscl.metrics import registry

ARMS = ["untrained", "imagenet", "simclr", "uscl", "meta_uscl"]
FROM_POOL = [arm for arm in ARMS if arm != "imagenet"]
EVALUATIONS = [
    ("pocus", "finetune"),
    ("pocus", "linear"),
    ("busi", "last_block"),
    ("busi", "knn"),
    ("segmentation", "finetune"),
]

pytestmark = pytest.mark.e2e


def test_the_call_prints_short_lines_and_at_the_end_its_result_and_what_to_do_next(first_call):
    _, lines = first_call
    assert max(map(len, lines)) <= LONGEST_LINE
    jobs = [line for line in lines if re.match(r"\d\d:\d\d:\d\d  start ", line)]
    ended = [line for line in lines if re.match(r"\d\d:\d\d:\d\d  \d+/\d+ ", line)]
    assert len(jobs) == len(ended) == int(ended[-1].split("/")[1].split()[0])
    assert all("; about " in line for line in ended[:-1])
    assert len(lines) < 2.5 * len(jobs)
    last = "\n".join(lines[-12:])
    assert f"The study is finished: {len(jobs)} jobs in " in last
    assert "primary comparison" in last
    assert "machinery, not medicine" in last
    assert all(path in last for path in ("results/table.md", "results/claims.md"))
    assert lines[-1].startswith("Next: ")


def test_a_further_call_has_nothing_to_do_and_names_the_results(project):
    printed = succeeds(project)
    assert "Nothing to be done" in printed
    assert "results/table.md" in printed


def test_the_table_has_every_arm_task_and_metric(project):
    table = pd.read_csv(project / "results/table.csv")
    for arm in ARMS:
        for task, regime in EVALUATIONS:
            metrics = table[(table["arm"] == arm) & (table["task"] == task) & (table["regime"] == regime)]
            kind = "segmentation" if task == "segmentation" else "classification"
            assert set(metrics["metric"]) >= set(registry.names(kind, []))
            assert metrics["mean"].isna().equals(metrics["reason"].notna() & (metrics["n"] == 0))
            found = metrics[metrics["mean"].notna()]
            limits = [registry.metric_named(name).limits for name in found["metric"]]
            assert all(low <= mean <= high for mean, (low, high) in zip(found["mean"], limits, strict=True))
            assert (found["models_ci_low"] <= found["models_ci_high"]).sum() > len(found) / 2
            assert found["ci_low"].isna().all()  # one training says nothing about another
            assert found["no_interval"].notna().all()
    text = (project / "results/table.md").read_text()
    assert all(f"\n| {arm} " in text for arm in ARMS)
    assert "\n| uscl † " in text
    assert set(table.loc[table["pool_labels"], "arm"]) == {"uscl"}
    assert (project / "results/figures/contact_sheet.png").stat().st_size > 10_000


def test_every_number_of_the_table_leads_to_its_run(project):
    table = pd.read_csv(project / "results/table.csv", dtype={"seeds": str})
    mlflow.set_tracking_uri(f"sqlite:///{project / 'results/mlflow.db'}")
    runs = mlflow.search_runs(search_all_experiments=True).set_index("tags.mlflow.runName")
    rows = table[table["metric"].isin(["accuracy", "dice"])]
    assert len(rows) == len(ARMS) * len(EVALUATIONS)
    for row in rows.itertuples():
        run = runs.loc[f"{row.run}/seed{row.seeds}"]
        assert run[f"metrics.folds/{row.metric}_mean"] == pytest.approx(row.fold_mean, abs=1e-6)
        assert run[f"metrics.test/{row.metric}"] == pytest.approx(row.mean, abs=1e-6)
        assert run["tags.config_sha256"] == row.config_sha256


def test_one_training_claims_nothing_and_every_comparison_is_made(project):
    claims = pd.read_csv(project / "results/claims.csv")
    # All arms with imagenet, the pretrained ones with their start, and meta_uscl with simclr.
    assert len(claims) == (len(ARMS) - 1 + 3 + 1) * len(EVALUATIONS) + 1
    primary = claims[claims["primary"]]
    assert primary["verdict"].tolist() == ["no claim"] * len(primary)
    assert claims[~claims["primary"]]["verdict"].isna().all()
    text = (project / "results/claims.md").read_text()
    assert all(sentence in text for sentence in primary["sentence"])
    assert "one training" in primary["sentence"].iloc[0]
    assert "The data are simulated" in text
    assert "no claim with 1 of the 3 trainings" in (project / "results/audit/feasible.txt").read_text()


def test_the_authors_protocol_is_next_to_the_published_values_and_nowhere_else(project):
    results = project / "results"
    reported = pd.read_csv(results / "reported.csv")
    here = reported[(reported["source"] == "this study, authors' protocol") & (reported["metric"] == "accuracy")]
    assert here["arm"].tolist() == ARMS
    for row in here.itertuples():
        predictions = pd.read_parquet(results / f"authors_protocol/pocus/{row.arm}/seed0/predictions.parquet")
        assert predictions["case"].is_unique
        classes = [name for name in predictions if name.startswith("p_")]
        decided = predictions[classes].idxmax(axis=1).str.removeprefix("p_")
        assert (decided == predictions["label"]).mean() == pytest.approx(row.reported, abs=1e-6)
        ours = pd.read_parquet(results / f"cells/pocus/finetune/labels100/{row.arm}/seed0/predictions.parquet")
        assert predictions.set_index("case")["fold"].to_dict() == ours.set_index("case")["fold"].to_dict()
    for name in ("table.csv", "table.md", "claims.csv", "claims.md", "costs.csv"):
        assert "authors" not in (results / name).read_text()


def test_what_a_regime_does_not_give_stands_in_the_table_with_its_reason(project):
    table = pd.read_csv(project / "results/table.csv")
    missing = table[(table["task"] == "segmentation") & (table["regime"] == "linear")]
    assert set(missing["reason"]) == {"segmentation has no such probe"}
    assert missing["mean"].isna().all()


def test_every_evaluation_pretraining_and_the_study_have_their_figures(project):
    figures = project / "results/figures"
    everywhere = {"missed_by_all", "found_by_one"}
    classified = everywhere | {"confusion", "roc", "precision_recall", "decision", "calibration"}
    expected = {
        "pocus-finetune": classified | {"learning_curves"},
        "pocus-linear": classified,
        "busi-last_block": classified | {"learning_curves"},
        "busi-knn": classified,
        "segmentation-finetune": everywhere | {"overlays", "learning_curves"},
    }
    for folder, names in expected.items():
        files = {path.name for path in (figures / folder).glob("[!.]*.*")}  # Snakemake leaves a file of its own
        assert files == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}
        cells = {f"{path.parent.name}/{path.name[:5]}" for path in (figures / folder).glob("cells/*/fold*_*.png")}
        assert cells == {f"{arm}-seed0/fold{k}" for arm in ARMS for k in (0, 1)}
    for name in ("overview", "differences", "cost", "variance", "pocus-map", "busi-map"):
        assert (figures / f"{name}.png").stat().st_size > 10_000
        assert (figures / f"{name}.svg").read_text().startswith("<?xml")
    assert not (figures / "ranks.png").exists()  # three tasks
    for arm in ARMS[2:]:
        files = {path.name for path in (figures / "pretraining/seed0" / arm).iterdir()}
        names = ["pretraining_curve", "film_strip", *(["pair_weights"] if arm == "meta_uscl" else [])]
        assert files == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}


def test_the_report_is_one_page_with_the_answer_and_everything_that_it_opens(project):
    results = project / "results"
    page = (results / "report.html").read_text(encoding="utf-8")
    assert len(page) < 15_000_000
    assert "Machinery, not medicine" in page
    claims = pd.read_csv(results / "claims.csv")
    assert all(sentence.partition(":")[0] in page for sentence in claims.loc[claims["primary"], "sentence"])
    for task, regime in EVALUATIONS:
        for arm in ARMS:
            assert f'<dialog id="cell--{task}--{regime}--{arm}"' in page
    assert not re.search(r'(?:src|href)="https?:', page)
    links = set(re.findall(r'<a href="([^"#]+)"', page))
    assert all((results / link).exists() for link in links if "://" not in link)
    assert "cells--" not in (results / "table.html").read_text(encoding="utf-8")
    assert "<h1>Claims of the study" in (results / "claims.html").read_text(encoding="utf-8")
    assert (results / "data_cards/sim_lung.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_the_cases_of_all_arms_stand_side_by_side(project):
    cases = pd.read_csv(project / "results/statistics/pocus-finetune-labels100/cases.csv")
    assert cases["case"].is_unique
    table = pd.read_csv(project / "results/table.csv")
    accuracy = table[(table["task"] == "pocus") & (table["regime"] == "finetune") & (table["metric"] == "accuracy")]
    for row in accuracy.itertuples():
        assert cases[f"correct:{row.arm}"].mean() == pytest.approx(row.mean, abs=1e-6)


def test_every_run_is_in_mlflow_and_finished(project):
    mlflow.set_tracking_uri(f"sqlite:///{project / 'results/mlflow.db'}")
    runs = mlflow.search_runs(search_all_experiments=True)
    assert set(runs["status"]) == {"FINISHED"}
    names = set(runs["tags.uscl.key"])
    above = {f"{task}/{regime}/{arm}" for task, regime in EVALUATIONS for arm in ARMS}
    cells = {f"{name}/seed0" for name in above}
    folds = {f"{cell}/fold{k}" for cell in cells for k in (0, 1)}
    table = {f"summary/{name}" for name in above}
    assert names == {f"pretrain/{arm}/seed0" for arm in ARMS} | above | cells | folds | table
    assert len(runs) == len(names)
    assert all((project / "results/mlartifacts").as_uri() in place for place in runs["artifact_uri"])
    assert sorted(path.name for path in project.iterdir() if path.name not in CHECKOUT) == [".snakemake", "results"]
    assert runs[runs["tags.fold"].notna()]["metrics.val/loss"].notna().all()
    assert set(runs[runs["tags.mlflow.parentRunId"].notna()]["tags.uscl.key"]) == cells | folds
    single = runs[runs["tags.seed"].notna()]
    assert single[["tags.commit", "tags.config_sha256", "tags.data_sha256", "params.seed"]].notna().all(axis=None)


def test_mlflow_has_the_table_of_each_task_in_one_view(project):
    store = f"sqlite:///{project / 'results/mlflow.db'}"
    mlflow.set_tracking_uri(store)
    study = json.loads((project / "results/tracking/plan.json").read_text())["study"]
    runs = mlflow.search_runs(experiment_names=[f"{study}/summary"])
    table = pd.read_csv(project / "results/table.csv")
    for row in table[table["metric"].isin(["macro_f1", "dice"])].itertuples():
        own = (runs["tags.task"] == row.task) & (runs["tags.regime"] == row.regime) & (runs["tags.arm"] == row.arm)
        (run,) = runs[own].to_dict("records")
        assert run["metrics.mean"] == pytest.approx(row.mean, abs=1e-4)
        assert run["metrics.ci_low"] == pytest.approx(row.models_ci_low, abs=1e-4)  # one training
        assert run["metrics.rank"] == row.rank
    assert set(runs["tags.state"]) == {"final"}
    assert "no claim (against" in " ".join(runs["tags.verdict"])
    tags = mlflow.MlflowClient().get_experiment_by_name(f"{study}/summary").tags
    assert {f"mlflow.sharedViewState.{task}" for task, _ in EVALUATIONS} <= tags.keys()


def test_mlflow_shows_the_health_of_the_weights_over_time(project):
    mlflow.set_tracking_uri(f"sqlite:///{project / 'results/mlflow.db'}")
    (run,) = mlflow.search_runs(
        search_all_experiments=True,
        filter_string="tags.mlflow.runName = 'pretrain/meta_uscl/seed0'",
        output_format="list",
    )
    client = mlflow.MlflowClient()
    weights = [f"weights/{name}" for name in ("mean", "sd", "entropy", "ess")]
    for name in (*weights, "train/meta_loss", "train/rank", "val/loss"):
        assert [point.step for point in client.get_metric_history(run.info.run_id, name)] == [0, 1]
    files = {artifact.path for artifact in client.list_artifacts(run.info.run_id)}
    assert {
        "pool_parts.csv",
        "pairs.csv",
        "heads.safetensors",
        "pair_weights.png",
        "pretraining_curve.png",
        "film_strip.png",
    } <= files


def test_the_parts_of_the_pool_are_written_share_no_patient_and_are_those_of_every_arm(project):
    parts = {arm: pd.read_csv(project / f"results/encoders/{arm}/seed0/pool_parts.csv") for arm in FROM_POOL}
    for table in parts.values():
        assert set(table["part"]) == {"train", "validation", "meta"}
        assert (table.groupby("group")["part"].nunique() == 1).all()
        pd.testing.assert_frame_equal(table, parts["simclr"])
    assert not (project / "results/encoders/imagenet/seed0/pool_parts.csv").exists()

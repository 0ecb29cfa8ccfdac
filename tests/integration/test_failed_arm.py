"""One arm of three fails, on one core: the tables go on without it; repaired, it alone runs, to the same bytes."""

import mlflow
import pandas as pd
import pytest

from tests.integration.calls import copy_of_checkout, planned, snakemake, succeeds, tiny, write_study
from uscl.checks.verify import same_weights

pytestmark = pytest.mark.e2e

ARMS = ["imagenet", "simclr", "meta_uscl"]
WHOLE = ["imagenet", "meta_uscl"]
EVALUATIONS = [("pocus", "linear"), ("segmentation", "finetune")]


def three_arms(path, **changes):
    """Two evaluations of the tiny study with three of its arms, and other settings for simclr."""
    study = tiny() | {"tracking": "none", "results": "results/", "primary": []}
    study["methods"] = {arm: study["methods"][arm] for arm in ARMS}
    study["methods"]["simclr"] |= changes
    study["tasks"] = {task: study["tasks"][task] | {"regimes": [regime]} for task, regime in EVALUATIONS}
    return write_study(path, study)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return three_arms(tmp_path_factory.mktemp("study") / "good.yaml")


@pytest.fixture(scope="module")
def failed(tmp_path_factory):
    """A project in which the loss of simclr became NaN, and how its call ended."""
    folder = tmp_path_factory.mktemp("failed")
    project = copy_of_checkout(folder / "project")
    study = three_arms(folder / "failing.yaml", lr=1e25, warmup_epochs=1)
    return project, snakemake(project, "--cores", "1", study=study)


@pytest.fixture(scope="module")
def repaired(failed, good):
    """The project once all arms are sound again, and what was planned for that."""
    project, _ = failed
    plan = planned(project, study=good)
    run = snakemake(project, "--cores", "1", study=good)
    assert run.returncode == 0, run.stdout
    return project, plan


def test_the_call_fails_and_names_the_arm(failed):
    _, run = failed
    assert run.returncode == 1, run.stdout
    assert "encoders/simclr/seed0: " in run.stdout
    assert "lower the learning rate" in run.stdout
    assert "Traceback" not in run.stdout


def test_tables_claims_and_figures_show_the_other_arms_and_why_this_one_is_missing(failed):
    results = failed[0] / "results"
    table = pd.read_csv(results / "table.csv")
    for task, regime in EVALUATIONS:
        rows = table[(table["task"] == task) & (table["regime"] == regime)]
        assert set(rows.loc[rows["mean"].notna(), "arm"]) == set(WHOLE)
        missing = rows[rows["arm"] == "simclr"]
        assert len(missing)
        assert missing["mean"].isna().all()
        assert missing["reason"].str.contains("learning rate").all()
        figures = results / f"figures/{task}-{regime}"
        assert {path.name for path in (figures / "cells").iterdir()} == {f"{arm}-seed0" for arm in WHOLE}
        assert (figures / "missed_by_all.png").exists()
    claims = pd.read_csv(results / "claims.csv")
    assert len(claims) == len(EVALUATIONS)  # meta_uscl with imagenet; those of simclr can't be made
    assert "learning rate" in (results / "claims.md").read_text()
    assert "- pocus, simclr: seed 0: its encoder could not be trained: " in (results / "reported.md").read_text()
    assert "learning rate" in (results / "table.md").read_text()
    assert (results / "figures/overview.png").stat().st_size > 10_000
    assert {path.name for path in (results / "figures/pretraining/seed0").glob("[!.]*")} == {"meta_uscl"}


def test_repaired_only_this_arm_and_what_compares_it_run_again(repaired):
    assert repaired[1] == {
        "check_study": 1,
        "pretrain": 1,
        "features": 1,
        "probe": 1,
        "finetune": 1,
        "authors_protocol": 1,
        "score": 2,
        "draw": 2,
        "draw_pretraining": 1,
        "representation_map": 1,
        "table": 1,
        "study_figures": 1,
        "report_page": 1,
    }


def test_one_core_another_folder_and_a_repair_give_the_same_bytes(repaired, project):
    other, _ = repaired
    assert not (other / "results/mlflow.db").exists()
    same = [f"frames/sim_pool/{name}" for name in ("frames.npy", "manifest.parquet", "problems.csv")]
    same += [f"encoders/meta_uscl/seed0/{name}" for name in ("history.csv", "pairs.csv", "heads.safetensors")]
    cells = [f"{task}/{regime}/labels100/{arm}/seed0" for task, regime in EVALUATIONS for arm in ARMS]
    same += [f"cells/{cell}/{name}" for cell in cells for name in ("predictions.parquet", "history.csv")]
    same += [f"authors_protocol/pocus/{arm}/seed0/predictions.parquet" for arm in ARMS]
    one, two = other / "results", project / "results"
    assert [name for name in same if (one / name).read_bytes() != (two / name).read_bytes()] == []
    # Their metadata name the settings of their study.
    weights = [f"encoders/{arm}/seed0/encoder.safetensors" for arm in ARMS]
    assert all(same_weights(one / name, two / name) for name in weights)


def test_label_fractions_train_what_they_add_and_all_runs_are_logged_later(repaired, good):
    project, _ = repaired
    target = "label_fractions"
    # The linear probe with all labels is there already.
    counts = {"probe": 12, "score_draws": 2, "label_fraction_curves": 1, "label_fractions": 1}
    assert planned(project, target, study=good) == counts
    succeeds(project, target, "--config", "tracking=mlflow", study=good)
    scores = pd.read_csv(project / "results/label_fractions.csv")
    parts = scores[["arm", "task", "labels", "shots"]].fillna(0).itertuples(index=False, name=None)
    assert set(parts) == {(arm, "pocus", *part) for arm in ARMS for part in ((25, 0), (100, 0), (0, 1))}
    assert scores["label_draws"].isna().equals(scores["labels"] == 100)
    mlflow.set_tracking_uri(f"sqlite:///{project / 'results/mlflow.db'}")
    names = set(mlflow.search_runs(search_all_experiments=True)["tags.mlflow.runName"])
    assert {f"pretrain/{arm}/seed0" for arm in ARMS} <= names
    assert {f"{task}/{regime}/{arm}/seed0" for task, regime in EVALUATIONS for arm in ARMS} <= names
    assert {f"pocus/linear/labels25{draw}/{arm}/seed0" for arm in ARMS for draw in ("", "draw1")} <= names

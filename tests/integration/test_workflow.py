"""The finished study: its table, claims, figures and MLflow store, and the same bytes on one core."""

import mlflow
import pandas as pd
import pytest

from tests.integration.calls import CHECKOUT
from uscl.metrics import registry

ARMS = ["random", "imagenet", "simclr", "uscl", "meta_uscl"]
EVALUATIONS = [
    ("pocus", "finetune"),
    ("pocus", "linear"),
    ("busi", "last_block"),
    ("busi", "knn"),
    ("segmentation", "finetune"),
]

pytestmark = pytest.mark.e2e


def test_the_table_has_every_arm_task_and_metric(project):
    table = pd.read_csv(project / "results/table.csv")
    for arm in ARMS:
        for task, regime in EVALUATIONS:
            metrics = table[(table["arm"] == arm) & (table["task"] == task) & (table["regime"] == regime)]
            kind = "segmentation" if task == "segmentation" else "classification"
            assert set(metrics["metric"]) >= set(registry.names(kind, []))
            assert metrics["mean"].isna().equals(metrics["reason"].notna() & (metrics["n"] == 0))
            found = metrics[metrics["mean"].notna()]
            smallest, largest = zip(*(registry.metric_named(name).limits for name in found["metric"]), strict=True)
            assert found["mean"].between(smallest, largest).all()
            assert (found["ci_low"] <= found["ci_high"]).all()
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
        assert run[f"metrics.test_{row.metric}_mean"] == pytest.approx(row.mean, abs=1e-6)
        assert run["tags.config_sha256"] == row.config_sha256


def test_every_comparison_is_one_sentence_that_claims_no_more_than_its_test(project):
    claims = pd.read_csv(project / "results/claims.csv")
    assert len(claims) == (len(ARMS) - 1 + 1) * len(EVALUATIONS)
    assert ((claims["p_holm"] < 0.05) == (claims["verdict"] != "not shown")).all()
    assert all(sentence in (project / "results/claims.md").read_text() for sentence in claims["sentence"])


def test_what_a_regime_does_not_give_stands_in_the_table_with_its_reason(project):
    table = pd.read_csv(project / "results/table.csv")
    missing = table[(table["task"] == "segmentation") & (table["regime"] == "linear")]
    assert set(missing["reason"]) == {"segmentation has no such probe"}
    assert missing["mean"].isna().all()


def test_every_evaluation_pretraining_and_the_study_have_their_figures(project):
    figures = project / "results/figures"
    everywhere = {"missed_by_all", "found_by_one"}
    classified = everywhere | {"confusion", "roc", "calibration"}
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
    for name in ("overview", "ranks", "cost", "pocus-map", "busi-map"):
        assert (figures / f"{name}.png").stat().st_size > 10_000
        assert (figures / f"{name}.svg").read_text().startswith("<?xml")
    for arm in ARMS[2:]:
        files = {path.name for path in (figures / "pretraining/seed0" / arm).iterdir()}
        names = ("pretraining_curve", "pair_weights", "film_strip")
        assert files == {f"{name}.{kind}" for name in names for kind in ("png", "svg")}


def test_the_cases_of_all_arms_stand_side_by_side(project):
    cases = pd.read_csv(project / "results/statistics/pocus-finetune-labels100/cases.csv")
    assert cases["case"].is_unique
    table = pd.read_csv(project / "results/table.csv")
    accuracy = table[(table["task"] == "pocus") & (table["regime"] == "finetune") & (table["metric"] == "accuracy")]
    for row in accuracy.itertuples():
        assert cases.groupby("fold")[f"correct:{row.arm}"].mean().mean() == pytest.approx(row.mean, abs=1e-6)


def test_every_run_is_in_mlflow_and_finished(project):
    mlflow.set_tracking_uri(f"sqlite:///{project / 'results/mlflow.db'}")
    runs = mlflow.search_runs(search_all_experiments=True)
    assert set(runs["status"]) == {"FINISHED"}
    names = set(runs["tags.mlflow.runName"])
    cells = {f"{task}/{regime}/{arm}/seed0" for task, regime in EVALUATIONS for arm in ARMS}
    assert names == {f"pretrain/{arm}/seed0" for arm in ARMS} | cells | {f"{c}/fold{k}" for c in cells for k in (0, 1)}
    assert len(runs) == len(names)
    assert all((project / "results/mlartifacts").as_uri() in place for place in runs["artifact_uri"])
    assert sorted(path.name for path in project.iterdir() if path.name not in CHECKOUT) == [".snakemake", "results"]
    folds = runs[runs["tags.mlflow.parentRunId"].notna()]
    assert folds["metrics.validation_loss"].notna().all()
    assert runs[["tags.commit", "tags.config_sha256", "tags.data_sha256", "params.seed"]].notna().all(axis=None)


def test_mlflow_shows_the_health_of_the_weights_over_time(project):
    mlflow.set_tracking_uri(f"sqlite:///{project / 'results/mlflow.db'}")
    (run,) = mlflow.search_runs(
        search_all_experiments=True,
        filter_string="tags.mlflow.runName = 'pretrain/meta_uscl/seed0'",
        output_format="list",
    )
    client = mlflow.MlflowClient()
    for name in ("weight_mean", "weight_sd", "weight_entropy", "weight_ess", "meta_loss", "rank", "validation_loss"):
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


def test_the_parts_of_the_pool_are_written_and_share_no_patient(project):
    parts = {arm: pd.read_csv(project / f"results/encoders/{arm}/seed0/pool_parts.csv") for arm in ARMS[2:]}
    for arm, table in parts.items():
        assert set(table["part"]) == {"train", "validation"} | ({"meta"} if arm == "meta_uscl" else set())
        assert (table.groupby("group")["part"].nunique() == 1).all()
        held_out = set(table.loc[table["part"] == "validation", "video"])
        assert held_out == set(parts["simclr"].loc[parts["simclr"]["part"] == "validation", "video"])
<<<<<<< HEAD
=======


def test_a_second_call_does_nothing_with_or_without_tracking(project):
    assert planned(project) == {}
    assert planned(project, "--config", "tracking=none") == {}


@pytest.mark.parametrize(
    ("module", "rules", "cells"),
    [
        ("uscl/report/tables/claims.py", RESULTS, 0),
        ("uscl/stats/bootstrap.py", {"compare"} | RESULTS, 0),
        ("uscl/report/figures/training.py", {"plot_pretraining", "track_encoder", "draw_cell", "track_cell"}, 0),
        ("uscl/pretrain/methods/imagenet.py", {"untrained_encoder"} | AFTER_PRETRAINING, 3),
        ("uscl/evaluate/segmentation.py", {"finetune", "score", "draw_cell"} | AFTER_SCORING, 6),
        ("uscl/evaluate/probe.py", {"probe", "score", "draw_cell"} | AFTER_SCORING, 0),
        ("uscl/pretrain/methods/simclr.py", {"check_study"} | PRETRAINING | AFTER_PRETRAINING, 6),
        ("uscl/pretrain/meta/hypergradient.py", {"check_study"} | PRETRAINING | AFTER_PRETRAINING, 3),
        ("uscl/tracking/track.py", {"mlflow_store", "track_encoder", "track_cell"}, 0),
        ("uscl/data/readers/covid_blues.py", set(), 0),
    ],
)
def test_an_edited_module_reruns_what_rests_on_it_alone(project, module, rules, cells):
    path = project / module
    before = path.read_bytes()
    path.write_bytes(before + b"# edited\n")
    try:
        plan = planned(project)
    finally:
        path.write_bytes(before)
    assert set(plan) - {"all", "total"} == rules
    # An arm is evaluated on three tasks; each of six arms on the segmentation task.
    assert plan.get("finetune", 0) == cells
    assert planned(project) == {}


def test_an_edited_setting_is_seen_also_where_jobs_before_it_in_order_alone_run_again(project):
    plan = planned(project, "--config", "methods={simclr: {epochs: 3}}")
    assert (plan["check_study"], plan["pretrain"], plan["finetune"], plan["probe"]) == (1, 1, 3, 2)
    assert planned(project) == {}


def test_a_deleted_store_is_made_again_from_the_files(project):
    database = project / "results/mlflow.db"
    aside = database.rename(database.with_name("aside.db"))
    plan = planned(project)
    aside.rename(database)
    assert plan == {"mlflow_store": 1, "track_encoder": 6, "track_cell": 30, "all": 1, "total": 38}


def test_a_video_that_is_added_is_noticed(project):
    added = project / "results/raw/sim_pool/videos/added.mp4"
    added.write_bytes(b"0")
    plan = planned(project)
    added.unlink()
    assert (plan["extract_frames"], plan["pretrain"], plan["finetune"], plan["probe"]) == (1, 4, 12, 8)
    assert planned(project) == {}


def test_a_new_seed_trains_only_what_is_new(project):
    plan = planned(project, "--config", "seeds=[0,1]")
    assert (plan["finetune"], plan["probe"], plan["pretrain"], plan["untrained_encoder"]) == (18, 12, 4, 2)
    assert not {"simulate", "extract_frames", "split"} & set(plan)


def test_one_core_and_another_folder_give_the_same_bytes(project, tmp_path):
    other = copy_of_checkout(tmp_path / "one")
    run = snakemake(other, "--cores", "1", "--config", "tracking=none", "results=results/")
    assert run.returncode == 0, run.stdout
    assert not (other / "results/mlflow.db").exists()
    same = ["results/table.csv", "results/table.tex", "results/claims.csv", "results/claims.md"]
    same += [f"results/figures/overview.{kind}" for kind in ("png", "svg")]
    for task, regime in EVALUATIONS:
        same += [f"results/cells/{task}/{regime}/labels100/{arm}/seed0/predictions.parquet" for arm in ARMS]
    same += [f"results/frames/sim_pool/{name}" for name in ("frames.npy", "manifest.csv", "problems.csv")]
    same += [f"results/encoders/meta_uscl/seed0/{name}" for name in ("history.csv", "pairs.csv", "heads.safetensors")]
    assert [name for name in same if (other / name).read_bytes() != (project / name).read_bytes()] == []


@pytest.fixture
def spoilt(project, tmp_path):
    """A study whose pool has four odd files among its videos."""
    pool = tmp_path / "pool"
    shutil.copytree(project / "results/raw/sim_pool", pool)
    whole = next(path for path in sorted((pool / "videos").glob("*.mp4")))
    (pool / "videos/truncated.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (pool / "videos/text.mp4").write_text("not a video at all\n" * 100)
    (pool / "videos/empty.avi").touch()
    (pool / "videos/nowhere.mp4").symlink_to(tmp_path / "gone")
    one_frame = subprocess.run([sys.executable, "-c", ONE_FRAME_GIF, pool / "videos/single.gif"], check=True)
    assert one_frame.returncode == 0
    study = yaml.safe_load(TINY.read_text())
    study["datasets"]["sim_pool"] = {"reader": "simulated_pool", "data_root": str(pool)}
    path = tmp_path / "spoilt.yaml"
    path.write_text(yaml.safe_dump(study))
    return path


ONE_FRAME_GIF = "import sys; from PIL import Image; Image.new('L', (64, 48), 90).save(sys.argv[1])"


def test_bad_videos_are_set_aside_with_reasons(spoilt, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    target = "results/encoders/simclr/seed0/encoder.safetensors"
    run = snakemake(project, "--cores", "2", target, study=spoilt)
    assert run.returncode == 0, run.stdout
    problems = pd.read_csv(project / "results/frames/sim_pool/problems.csv").set_index("file")
    assert problems.index.is_unique
    assert problems["action"].to_dict() == {
        "videos/empty.avi": "set aside",
        "videos/nowhere.mp4": "set aside",
        "videos/single.gif": "kept",
        "videos/text.mp4": "set aside",
        "videos/truncated.mp4": "set aside",
    }
    assert problems["reason"].str.len().min() > 5
    manifest = pd.read_csv(project / "results/frames/sim_pool/manifest.csv")
    assert (manifest["file"] == "videos/single.gif").sum() == 1
    assert "truncated.mp4" in (project / "results/logs/extract_frames/sim_pool.log").read_text()


def test_the_first_bad_video_stops_the_run_where_the_config_says_so(spoilt, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    target = "results/frames/sim_pool/manifest.csv"
    run = snakemake(project, "--cores", "2", target, "--config", "on_bad_video=stop", study=spoilt)
    assert run.returncode != 0
    assert "nowhere.mp4 cannot be used: not a file, or a broken link." in run.stdout
    assert "Traceback" not in run.stdout


def test_a_typing_error_in_the_config_is_one_sentence(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    run = snakemake(project, "--cores", "2", "--config", "sedes=[1]")
    assert run.returncode != 0
    assert "unknown key 'sedes' at the top level; did you mean 'seeds'?" in run.stdout
    assert "Traceback" not in run.stdout


def test_a_results_folder_that_is_a_file_is_one_sentence(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    run = snakemake(project, "--cores", "2", "--config", "results=Snakefile")
    assert run.returncode != 0
    assert "results can't be written to Snakefile" in run.stdout
    assert "Traceback" not in run.stdout


def test_an_arm_may_start_from_the_encoder_of_another(project):
    init = "results/encoders/simclr/seed0/encoder.safetensors"
    plan = planned(project, "--config", f"methods={{warm: {{method: meta_uscl, epochs: 1, init: {init}}}}}")
    assert (plan["pretrain"], plan["finetune"], plan["probe"], plan["compare"]) == (1, 3, 2, 5)
    assert planned(project) == {}


def test_label_fractions_train_only_what_they_add(project):
    target = "label_fractions"
    plan = planned(project, target)
    # Two classification tasks; the linear probe of pocus with all labels is there already.
    assert (plan["probe"], plan["score"], plan.get("finetune", 0)) == (18, 18, 0)
    run = snakemake(project, "--cores", "2", target)
    assert run.returncode == 0, run.stdout
    scores = pd.read_csv(project / "results/label_fractions.csv")
    assert set(scores[["arm", "task", "labels"]].itertuples(index=False, name=None)) == {
        (arm, task, labels) for arm in ARMS for task in ("pocus", "busi") for labels in (25, 100)
    }
    assert planned(project, target) == {}
    mlflow.set_tracking_uri(f"sqlite:///{project / 'results/mlflow.db'}")
    names = set(mlflow.search_runs(search_all_experiments=True)["tags.mlflow.runName"])
    assert {f"busi/linear/labels25/{arm}/seed0" for arm in ARMS} <= names


def test_an_encoder_to_start_from_that_does_not_exist_is_one_sentence(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    run = snakemake(project, "--cores", "2", "--config", "methods={simclr: {init: gone.safetensors}}")
    assert run.returncode != 0
    assert "the arm 'simclr' starts from gone.safetensors, which doesn't exist: mend `init`" in run.stdout
    assert "Traceback" not in run.stdout


def test_missing_imagenet_weights_stop_the_study_before_anything_runs(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    offline = {"TORCH_HOME": str(tmp_path / "hub"), "https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    run = snakemake(project, "--cores", "2", "--config", "encoder=resnet18", **offline)
    assert run.returncode != 0
    assert "The ImageNet weights of resnet18 can't be downloaded" in run.stdout
    assert "imagenet_weights: {resnet18: PATH}" in run.stdout
    assert "Traceback" not in run.stdout
    assert not (project / "results/encoders").exists()


def test_too_few_patients_for_the_folds_is_one_sentence(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    run = snakemake(project, "--cores", "2", "results/splits/pocus.csv", "--config", "splits={folds: 9}")
    assert run.returncode != 0
    assert "`splits: folds` is 9" in run.stdout
    assert "too few groups" in run.stdout
    assert "Traceback" not in run.stdout


def test_a_missing_data_folder_stops_the_study_and_loses_nothing(project, tmp_path):
    study = yaml.safe_load(TINY.read_text())
    study["datasets"]["sim_breast"] = {"reader": "udiat_b", "data_root": str(tmp_path / "unmounted")}
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    before = (project / "results/frames/sim_breast/manifest.csv").read_bytes()
    run = snakemake(project, "--cores", "2", study=tmp_path / "study.yaml")
    assert run.returncode != 0
    assert f"Data set 'sim_breast': there is no folder {tmp_path / 'unmounted'}" in run.stdout
    assert "ask its owners for Dataset B" in run.stdout
    assert "Traceback" not in run.stdout
    assert (project / "results/frames/sim_breast/manifest.csv").read_bytes() == before


def test_a_study_for_the_gpu_on_a_machine_without_one_stops_at_once(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    run = snakemake(project, "--cores", "2", "--config", "device=cuda", CUDA_VISIBLE_DEVICES="")
    assert run.returncode != 0
    assert "torch finds no usable GPU here: set `device: cpu`" in run.stdout
    assert "Traceback" not in run.stdout
    assert not (project / "results/raw").exists()
>>>>>>> lang-a

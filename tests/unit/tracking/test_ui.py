import base64
import json
import os
import platform
import zlib
from pathlib import Path

import pytest
import yaml

from tests.unit.tracking.conftest import put_store
from tests.unit.tracking.studies import PLAN, REGIME, TASK, write_training
from uscl.base.errors import UserError
from uscl.study.study import Study
from uscl.tracking.links import PAGE
from uscl.tracking.mirror import sync
from uscl.tracking.plan import plan_of, read_plan, write_plan
from uscl.tracking.store import opened
from uscl.tracking.ui import check_and_sync, link
from uscl.tracking.views import TAG, views_of

ROOT = Path(__file__).parents[3]


@pytest.fixture
def study(results):
    """A study with one training of one cell."""
    config = yaml.safe_load((ROOT / "tests/unit/study.yaml").read_text(encoding="utf-8"))
    write_training(results, "simclr", 0)
    return Study.from_config(config | {"results": str(results), "study": "study"}, ROOT)


def number(results, name):
    with opened(f"sqlite:///{results / 'mlflow.db'}") as client:
        return client.get_experiment_by_name(name).experiment_id


def test_a_link_opens_the_table_of_a_task_once_there_is_a_run(study, results):
    assert link(study, TASK) == "http://127.0.0.1:5000/#/experiments"
    assert check_and_sync(study).startswith("MLflow: 1 run logged")
    runs = f"#/experiments/{number(results, 'study/summary')}/runs"
    assert link(study, TASK) == f"http://127.0.0.1:5000/{runs}?viewStateShareKey=busi&{PAGE}"
    assert link(study, TASK, REGIME, base="http://x") == f"http://x/{runs}?viewStateShareKey=busi-linear&{PAGE}"
    assert link(study) == f"http://127.0.0.1:5000/{runs}?viewStateShareKey=all-tasks&{PAGE}"


def test_every_link_has_its_view_and_the_page_is_told_what_to_show(study, results):
    check_and_sync(study)
    with opened(f"sqlite:///{results / 'mlflow.db'}") as client:
        tags = client.get_experiment_by_name("study/summary").tags
        runs = client.get_experiment_by_name("study/busi").tags
    keys = [
        "all-tasks",
        "pocus",
        "busi",
        "segmentation",
        "pocus-finetune",
        "pocus-linear",
        "busi-finetune",
        "busi-linear",
    ]
    assert {f"{TAG}{key}" for key in [*keys, "segmentation-finetune"]} == {key for key in tags if key.startswith(TAG)}
    view = json.loads(tags[f"{TAG}busi-linear"])
    state = json.loads(zlib.decompress(base64.b64decode(view["state"].removeprefix("deflate;"))))
    assert state["searchFilter"] == "tags.task = 'busi' and tags.regime = 'linear'"
    assert {"metrics.`mean`", "metrics.`ci_low`", "tags.`rank`", "tags.`verdict`"} <= set(state["selectedColumns"])
    assert state["columnOrder"] == state["selectedColumns"]
    assert state["orderByKey"] == "tags.`uscl.order`"
    assert f"viewStateShareKey=busi-linear&{PAGE})" in tags["mlflow.note.content"]
    assert f"{TAG}runs" in runs


def test_all_tags_of_views_are_short_enough_for_mlflow():
    tasks = {f"task{k}": PLAN.tasks[TASK] | {"regimes": ["linear", "knn"]} for k in range(12)}
    views = views_of(PLAN._replace(tasks=tasks))["summary"]
    assert max(len(view.tag) for view in views.values()) < 5000


def test_an_unknown_task_or_regime_is_one_sentence(study):
    with pytest.raises(UserError, match="no task 'bus': take one of pocus, busi, segmentation; did you mean 'busi'"):
        link(study, "bus")
    with pytest.raises(UserError, match="no regime 'knn': take one of finetune, linear"):
        link(study, TASK, "knn")


def test_a_whole_store_is_left_alone_and_one_that_lacks_runs_is_filled(study, results):
    check_and_sync(study)
    assert check_and_sync(study) == "MLflow has all runs."
    write_training(results, "simclr", 1)
    assert "1 run logged, 1 already there" in check_and_sync(study)


def test_a_moved_results_folder_gets_a_store_of_its_own(study, results, empty_store, monkeypatch):
    check_and_sync(study)
    moved = results.with_name("moved")
    results.rename(moved)
    study.results = str(moved)
    put = "uscl.tracking.store.replace_unusable"
    from uscl.tracking import store

    real = store.replace_unusable

    def replaced(database):  # MLflow itself takes seconds to make a store
        sentence = real(database)
        put_store(empty_store, moved)
        return sentence

    monkeypatch.setattr(put, replaced)
    assert check_and_sync(study).startswith("MLflow: 1 run logged")
    assert check_and_sync(study) == "MLflow has all runs."
    assert (moved / "mlflow.db.unusable-1").exists()
    with opened(f"sqlite:///{moved / 'mlflow.db'}") as client:
        assert str(moved) in client.get_experiment_by_name("study/summary").artifact_location


def test_results_that_a_call_works_on_are_left_to_its_tracker(study, results, monkeypatch):
    mark = {"host": platform.node(), "pid": os.getpid()}
    (results / ".call.json").write_text(json.dumps(mark))
    assert check_and_sync(study).startswith("A call works on these results")
    monkeypatch.setattr("uscl.tracking.ui.running", lambda _: False)  # it was killed
    assert check_and_sync(study).startswith("MLflow: 1 run logged")


def test_no_tracking_is_one_sentence(study):
    study.settings = study.settings.model_copy(update={"tracking": "none"})
    with pytest.raises(UserError, match="tracking is none"):
        check_and_sync(study)


def test_the_plan_of_a_study_is_written_once_and_a_full_disk_does_not_matter(study, results, monkeypatch):
    write_plan(study)
    assert read_plan(results) == plan_of(study)
    assert read_plan(results).evaluations[-1] == ("segmentation", "finetune")
    monkeypatch.setattr("uscl.tracking.plan.write_text", lambda *_: 1 / 0)
    write_plan(study)

    def full(*_):
        raise UserError("the disk is full")

    (results / "tracking/plan.json").unlink()
    monkeypatch.setattr("uscl.tracking.plan.write_text", full)
    write_plan(study)
    assert "1 run logged" in sync(results, None, "study")

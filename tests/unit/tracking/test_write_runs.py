import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from tests.unit.tracking.result_folders import encoder_record
from uscl.tracking.points import accepted_names, flatten
from uscl.tracking.run import Run
from uscl.tracking.store import experiment, opened
from uscl.tracking.write_runs import log_once


@pytest.fixture
def address(results):
    return f"sqlite:///{results / 'mlflow.db'}"


def record(name="one", **more):
    return encoder_record("simclr") | {"name": name} | more


def log(address, run):
    with opened(address) as client:
        return log_once(client, experiment(client, address, "study/pretrain"), run)


def shown(address):
    mlflow.set_tracking_uri(address)
    return mlflow.search_runs(experiment_names=["study/pretrain"])


def points(address, run_id, metric):
    with opened(address) as client:
        return [(point.step, point.value) for point in client.get_metric_history(run_id, metric)]


def test_a_run_shows_what_its_files_say(address, tmp_path):
    figure = tmp_path / "curve.png"
    figure.write_bytes(b"png")
    history = pd.DataFrame({"epoch": [0, 1, 2], "loss": [3.0, 2.0, 1.0], "score": [0.1, None, 0.3]})
    ids, new = log(address, Run(record(), history, {"test/f1": 0.5}, (figure,), {"a.html": "<p>"}, user="ann"))
    with opened(address) as client:
        run = client.get_run(ids["one"])
        files = sorted(file.path for file in client.list_artifacts(ids["one"]))
        stored = client.download_artifacts(ids["one"], "run.json", str(tmp_path))
    assert new
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (1_000_000, 1_010_500)
    assert run.data.params == {"seed": "0", "optimizer.lr": "0.1"}
    assert points(address, ids["one"], "train/loss") == [(0, 3), (1, 2), (2, 1)]
    assert points(address, ids["one"], "train/score") == [(0, 0.1), (2, 0.3)]
    assert run.data.metrics["test/f1"] == 0.5
    tags = [
        run.data.tags[name] for name in ("commit", "data_sha256", "mlflow.source.git.commit", "mlflow.user", "seed")
    ]
    assert tags == ["abc", "d", "abc", "ann", "0"]
    assert run.info.user_id == "ann"
    assert run.data.tags["mlflow.source.name"] == "workflow/rules/pretrain.smk"
    assert files == ["a.html", "curve.png", "run.json"]
    assert json.loads(Path(stored).read_text(encoding="utf-8")) == record()


def test_the_same_run_is_logged_once_and_a_repeated_one_takes_its_place(address):
    (first, new), (again, new_again) = log(address, Run(record())), log(address, Run(record()))
    assert (new, new_again, again) == (True, False, first)
    second, _ = log(address, Run(record(started=1000.5)))
    assert list(shown(address)["run_id"]) == [second["one"]]
    with opened(address) as client:
        assert client.get_run(first["one"]).data.tags["uscl.superseded"] == "true"


def test_scores_and_figures_that_come_later_go_to_the_same_run(address, tmp_path):
    history = pd.DataFrame({"epoch": [0, 1], "loss": [2.0, 1.0]})
    first, _ = log(address, Run(record(), history))
    figure = tmp_path / "curve.png"
    figure.write_bytes(b"png")
    log(address, Run(record(), history, {"system/cpu_s": 2.0}))
    second, new = log(address, Run(record(), history, {"system/cpu_s": 2.0, "test/f1": 0.5}, (figure,)))
    assert (second, new) == (first, True)
    with opened(address) as client:
        run = client.get_run(first["one"])
        assert {file.path for file in client.list_artifacts(first["one"])} == {"curve.png", "run.json"}
    assert run.data.metrics == {"test/f1": 0.5, "train/loss": 1.0, "system/cpu_s": 2.0}
    assert points(address, first["one"], "train/loss") == [(0, 2), (1, 1)]


def test_other_scores_of_the_same_run_take_the_place_of_the_old_ones(address):
    # MLflow shows the largest of several values of one step: the old one must not stay in the run.
    log(address, Run(record(), metrics={"f1": 0.9}))
    ids, _ = log(address, Run(record(), metrics={"f1": 0.5}))
    runs = shown(address)
    assert list(runs["run_id"]) == [ids["one"]]
    assert list(runs["metrics.f1"]) == [0.5]


def test_a_running_run_grows_and_ends_as_the_same_run(address):
    history = pd.DataFrame({"epoch": [0, 1, 2], "loss": [3.0, 2.0, 1.0]})
    running = record()
    del running["ended"]
    ids = {log(address, Run(running, history.iloc[:k], running=True))[0]["one"] for k in (1, 2, 3)}
    (run_id,) = ids
    assert list(shown(address)["status"]) == ["RUNNING"]
    done, _ = log(address, Run(record(), history.assign(rank=[0, 0, 1])))
    assert done["one"] == run_id
    assert list(shown(address)["status"]) == ["FINISHED"]
    assert points(address, run_id, "train/loss") == [(0, 3), (1, 2), (2, 1)]
    assert points(address, run_id, "train/rank") == [(0, 0), (1, 0), (2, 1)]


def test_what_an_encoder_learned_is_a_tag_of_the_run_that_was_shown_while_it_trained(address):
    running = record()
    del running["ended"]
    history = pd.DataFrame({"epoch": [0, 1], "loss": [3.0, 2.0]})
    first, _ = log(address, Run(running, history.iloc[:1], running=True))
    done, _ = log(address, Run(record(learned="at chance"), history))
    assert done == first
    assert list(shown(address)["tags.learned"]) == ["at chance"]


@pytest.mark.parametrize("rates", [[0.1] * 4, [0.1, 0.1, 0.1, 0.2]])
def test_a_constant_is_a_point_and_no_curve_however_often_it_was_logged(address, rates):
    history = pd.DataFrame({"epoch": range(4), "loss": [4.0, 3.0, 2.0, 1.0], "lr": rates})
    running = record()
    del running["ended"]
    ids = [log(address, Run(running, history.iloc[:k], running=True))[0]["one"] for k in (1, 3)]
    done, _ = log(address, Run(record(), history))
    assert set(ids) == {done["one"]}
    drawn = points(address, done["one"], "train/lr")
    assert drawn == ([(0, 0.1)] if len(set(rates)) == 1 else list(enumerate(rates)))
    assert len(points(address, done["one"], "train/loss")) == 4


def test_a_run_that_was_cut_off_is_logged_again_and_replaced(address, monkeypatch):
    fold = Run(record("one/fold0"), pd.DataFrame({"epoch": [0], "loss": [1.0]}))
    run = Run(record(), metrics={"f1": 0.5}, children=(fold,))
    with monkeypatch.context() as patch:
        patch.setattr("uscl.tracking.write_runs.supersede", lambda *_: 1 / 0)  # the last thing before the end
        with pytest.raises(ZeroDivisionError):
            log(address, run)
    assert set(shown(address).query("`tags.uscl.key` == 'one'")["status"]) == {"RUNNING"}
    ids, new = log(address, run)
    assert new
    runs = shown(address)
    assert set(runs["run_id"]) == set(ids.values())
    assert set(runs["status"]) == {"FINISHED"}
    assert log(address, run) == (ids, False)


def test_a_lost_child_is_logged_again(address):
    run = Run(record(), children=(Run(record("one/fold0")),))
    ids, _ = log(address, run)
    with opened(address) as client:
        client.delete_run(ids["one/fold0"])
    again, new = log(address, run)
    assert new
    assert again["one"] == ids["one"]
    assert set(shown(address)["run_id"]) == set(again.values())


def test_a_failed_run_leaves_a_finished_one_alone_and_gives_way_to_the_next(address):
    finished, _ = log(address, Run(record()))
    log(address, Run(record(started=1001.0), reason="no room"))
    assert sorted(shown(address)["status"]) == ["FAILED", "FINISHED"]
    third, _ = log(address, Run(record(started=1002.0)))
    assert list(shown(address)["run_id"]) == [third["one"]] != [finished["one"]]


def test_names_that_mlflow_refuses_are_changed_and_stay_different(address):
    names = [
        "test/recall_B-line (mild)",
        "recall_B-line (mild)",
        "recall_B-line [mild]",
        "a/../b",
        "Lunge, ödematös",
        ".",
    ]
    assert len(set(accepted_names(names).values())) == len(names)
    ids, _ = log(address, Run(record(params={"class (a)": 1}), metrics=dict.fromkeys(names, 0.5)))
    with opened(address) as client:
        run = client.get_run(ids["one"])
    assert run.data.metrics.keys() == set(accepted_names(names).values())
    assert run.data.params == {"class _a_": "1"}


def test_long_histories_and_many_settings_are_logged_whole(address):
    history = pd.DataFrame({"epoch": range(700), "a": 1.0, "b": 2.0, "c": range(700)})
    params = {f"p{number}": number for number in range(230)}
    ids, _ = log(address, Run(record(params=params), history))
    with opened(address) as client:
        assert len(client.get_run(ids["one"]).data.params) == 230
    assert len(points(address, ids["one"], "train/c")) == 700


def test_nested_settings_get_dotted_names():
    assert flatten({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}


def gathering(started=1000.0, ended=1010.0, state=None, **more):
    """The run of a cell that gathers the runs below it."""
    kept = {"name": "busi/linear/simclr", "params": {}, "tags": {"arm": "simclr", "task": "busi"}}
    return Run(kept | {"started": started, "ended": ended}, gathered=(kept,), state=state or {}, **more)


def test_provisional_numbers_grow_in_their_run_and_the_final_ones_take_its_place(address):
    def latest():
        (row,) = shown(address).to_dict("records")
        return row["run_id"], row["status"], row["metrics.mean"], row["tags.verdict"]

    log(address, gathering(metrics={"mean": 0.9}, state={"verdict": "pending"}, provisional=True))
    first, *found = latest()
    assert found == ["SCHEDULED", 0.9, "pending"]
    more = gathering(
        ended=1020.0, metrics={"mean": 0.5, "rank": 1.0}, state={"verdict": "pending (2)"}, provisional=True
    )
    assert log(address, more)[1]
    assert latest() == (first, "SCHEDULED", 0.5, "pending (2)")
    assert not log(address, more)[1]
    last = gathering(ended=1030.0, metrics={"mean": 0.7}, state={"verdict": "better"})
    log(address, last)
    final, *found = latest()
    assert found == ["FINISHED", 0.7, "better"]
    assert final != first
    assert points(address, final, "mean") == [(0, 0.7)]
    log(
        address,
        gathering(started=1005.0, ended=1030.0, metrics={"mean": 0.6}, state={"verdict": "?"}, provisional=True),
    )
    assert latest()[1:] == ("SCHEDULED", 0.6, "?")  # older numbers don't stay next to new ones


def test_runs_stay_nested_when_the_run_that_gathers_them_is_logged_again(address):
    ids, _ = log(address, gathering(provisional=True))
    (parent,) = ids.values()
    with opened(address) as client:
        number = experiment(client, address, "study/pretrain")
        below, _ = log_once(client, number, Run(record("one"), children=(Run(record("one/fold0")),)), parent=parent)
    again, _ = log(address, gathering(started=1001.0, metrics={"test/f1": 0.5}))
    runs = shown(address).set_index("tags.uscl.key")
    assert list(again.values()) != [parent]
    assert runs.loc["one", "tags.mlflow.parentRunId"] == again["busi/linear/simclr"]
    assert runs.loc["one/fold0", "tags.mlflow.parentRunId"] == below["one"]
    assert len(runs) == 3
    assert not log(address, Run(record("one"), children=(Run(record("one/fold0")),)))[1]


def test_a_run_whose_parent_comes_later_is_nested_then(address):
    with opened(address) as client:
        number = experiment(client, address, "study")
        one = Run(record("one"), children=(Run(record("one/fold0")),))
        ids, _ = log_once(client, number, one)
        above = Run(record("above"), gathered=(record(),), provisional=True)
        parent = log_once(client, number, above)[0]["above"]
        again, _ = log_once(client, number, one, parent=parent)
        assert again == ids
        assert client.get_run(ids["one"]).data.tags["mlflow.parentRunId"] == parent
        assert client.get_run(ids["one/fold0"]).data.tags["mlflow.parentRunId"] == ids["one"]


def test_a_run_names_the_data_that_it_read(address):
    config = {"results": "results", "pool": "videos", "tasks": {"busi": {"dataset": "breasts"}}}
    pretrained = record(config=config, params={"seed": 0, "pool_parts": {}})
    cell = record("busi/linear/simclr/seed0", config=config, tags={"arm": "simclr", "task": "busi"})
    for one in (pretrained, cell, record("published", config=config)):
        log(address, Run(one))
    log(address, Run(record("of the cell", tags={}), provisional=True, gathered=(cell,)))
    log(address, Run(record("of the cell", tags={}), gathered=(cell, cell, cell | {"data_sha256": "e"})))
    with opened(address) as client:
        runs = client.search_runs([experiment(client, address, "study/pretrain")])
    read = {
        run.data.tags["uscl.key"]: sorted(
            (each.dataset.name, each.dataset.digest, {tag.key: tag.value for tag in each.tags}["mlflow.data.context"])
            for each in run.inputs.dataset_inputs
        )
        for run in runs
    }
    assert read == {
        "one": [("videos", "d", "pretraining")],
        "busi/linear/simclr/seed0": [("breasts", "d", "training and test")],
        "published": [],
        "of the cell": [("breasts", "d", "training and test"), ("breasts", "e", "training and test")],
    }


def test_a_note_has_links_that_work_in_its_store(address):
    with opened(address) as client:
        number = experiment(client, address, "study/pretrain")
        run = Run(record(), note="[encoder](experiment:pretrain?searchFilter=x)")
        ids, _ = log_once(client, number, run, resolve=lambda text: text.replace("experiment:pretrain", "#7"))
        note = client.get_run(ids["one"]).data.tags["mlflow.note.content"]
    assert note == "[encoder](#7?searchFilter=x)"

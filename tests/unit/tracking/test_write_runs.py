import json
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from tests.unit.tracking.result_folders import encoder_record
from uscl.tracking.store import experiment, opened
from uscl.tracking.write_runs import Run, accepted_names, flatten, log_once


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
    ids, new = log(address, Run(record(), history, {"f1": 0.5}, (figure,)))
    with opened(address) as client:
        run = client.get_run(ids["one"])
        files = sorted(file.path for file in client.list_artifacts(ids["one"]))
        stored = client.download_artifacts(ids["one"], "run.json", str(tmp_path))
    assert new
    assert run.info.status == "FINISHED"
    assert (run.info.start_time, run.info.end_time) == (1_000_000, 1_010_500)
    assert run.data.params == {"seed": "0", "optimizer.lr": "0.1"}
    assert points(address, ids["one"], "loss") == [(0, 3), (1, 2), (2, 1)]
    assert points(address, ids["one"], "score") == [(0, 0.1), (2, 0.3)]
    assert run.data.metrics["f1"] == 0.5
    assert (run.data.tags["commit"], run.data.tags["data_sha256"]) == ("abc", "d")
    assert files == ["curve.png", "run.json"]
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
    second, new = log(address, Run(record(), history, {"f1": 0.5}, (figure,)))
    assert (second, new) == (first, True)
    with opened(address) as client:
        run = client.get_run(first["one"])
        assert {file.path for file in client.list_artifacts(first["one"])} == {"curve.png", "run.json"}
    assert run.data.metrics == {"f1": 0.5, "loss": 1.0}
    assert points(address, first["one"], "loss") == [(0, 2), (1, 1)]


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
    done, _ = log(address, Run(record(), history.assign(chosen=[0, 0, 1])))
    assert done["one"] == run_id
    assert list(shown(address)["status"]) == ["FINISHED"]
    assert points(address, run_id, "loss") == [(0, 3), (1, 2), (2, 1)]
    assert points(address, run_id, "chosen") == [(0, 0), (1, 0), (2, 1)]


def test_what_an_encoder_learned_is_a_tag_of_the_run_that_was_shown_while_it_trained(address):
    running = record()
    del running["ended"]
    history = pd.DataFrame({"epoch": [0, 1], "loss": [3.0, 2.0], "chance_loss": 4.14})
    first, _ = log(address, Run(running, history.iloc[:1], running=True))
    done, _ = log(address, Run(record(learned="at chance"), history))
    assert done == first
    assert list(shown(address)["tags.learned"]) == ["at chance"]
    assert points(address, done["one"], "chance_loss") == [(0, 4.14), (1, 4.14)]


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
    names = ["recall_B-line (mild)", "recall_B-line [mild]", "a/../b", "Lunge, ödematös", "."]
    assert len(set(accepted_names(names).values())) == len(names)
    ids, _ = log(address, Run(record(params={"class (a)": 1}), metrics=dict.fromkeys(names, 0.5)))
    with opened(address) as client:
        run = client.get_run(ids["one"])
    assert run.data.metrics.keys() == set(accepted_names(names).values())
    assert run.data.params == {"class _a_": "1"}


def test_long_histories_and_many_settings_are_logged_whole(address):
    history = pd.DataFrame({"epoch": range(700), "a": 1.0, "b": 2.0, "c": 3.0})
    params = {f"p{number}": number for number in range(230)}
    ids, _ = log(address, Run(record(params=params), history))
    with opened(address) as client:
        assert len(client.get_run(ids["one"]).data.params) == 230
    assert len(points(address, ids["one"], "c")) == 700


def test_nested_settings_get_dotted_names():
    assert flatten({"a": {"b": {"c": 1}}, "d": [1]}) == {"a.b.c": 1, "d": [1]}

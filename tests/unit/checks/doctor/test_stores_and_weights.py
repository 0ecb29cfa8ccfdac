import sqlite3
from contextlib import closing

import pytest
import torch
from studies import embedded

from uscl.checks.doctor import weights
from uscl.checks.doctor.store import store_findings
from uscl.checks.doctor.weights import weight_findings, weights_to_download
from uscl.models.checkpoint import save_encoder
from uscl.models.encoder import Encoder


@pytest.fixture(autouse=True)
def _no_other_store(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)  # MLflow sets it for tests that look into a store


def write_database(path, place):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE experiments (name TEXT, artifact_location TEXT, lifecycle_stage TEXT)")
        connection.execute("CREATE TABLE runs (lifecycle_stage TEXT)")
        rows = [("Default", "elsewhere", "active"), ("a/pretrain", place, "active"), ("old", "elsewhere", "deleted")]
        connection.executemany("INSERT INTO experiments VALUES (?, ?, ?)", rows)
        connection.executemany("INSERT INTO runs VALUES (?)", [("active",), ("active",), ("deleted",)])
        connection.commit()


def test_a_store_that_is_switched_off_or_not_made_yet_needs_no_action(tmp_path):
    assert [store_findings(tracking, tmp_path / "r" / "mlflow.db")[0].mark for tracking in ("none", "mlflow")] == [
        "ok"
    ] * 2
    assert list(tmp_path.iterdir()) == []


def test_a_store_is_counted_and_not_touched(tmp_path):
    database = tmp_path / "with space?#" / "mlflow.db"
    database.parent.mkdir()
    write_database(database, (database.parent / "mlartifacts").as_uri() + "/a")
    before = database.read_bytes()
    (line,) = store_findings("mlflow", database)
    assert line.mark == "ok"
    assert "1 experiment, 2 runs" in line.text
    assert database.read_bytes() == before
    assert list(database.parent.iterdir()) == [database]


def test_a_store_from_another_folder_is_noted(tmp_path):
    write_database(tmp_path / "mlflow.db", "file:///elsewhere/mlartifacts/a")
    (line,) = store_findings("mlflow", tmp_path / "mlflow.db")
    assert line.mark == "note"
    assert "made in another folder" in line.text


@pytest.mark.parametrize("content", [b"no database" * 100, b""])
def test_a_store_that_cannot_be_opened_is_noted(tmp_path, content):
    (tmp_path / "mlflow.db").write_bytes(content)
    (line,) = store_findings("mlflow", tmp_path / "mlflow.db")
    assert line.mark == "note"
    assert "can't be opened" in line.text


def methods(**arms):
    return embedded() | {"methods": arms}


def test_arms_from_random_weights_need_none(tmp_path):
    (line,) = weight_findings(methods(a={"method": "random"}, b={"method": "simclr"}), tmp_path)
    assert "none needed" in line.text


def test_the_packaged_weights_are_found_or_asked_for(tmp_path, monkeypatch):
    study = methods(a={"method": "simclr", "init": "imagenet"})
    assert weight_findings(study, tmp_path)[0].mark == "ok"
    monkeypatch.setattr(weights, "find_spec", lambda name: None)
    assert weight_findings(study, tmp_path)[0].mark == "missing"


def test_a_named_file_must_be_there(tmp_path):
    study = methods(a={"method": "imagenet"}) | {"imagenet_weights": {"tf_efficientnet_lite0": str(tmp_path / "w.pth")}}
    assert weight_findings(study, tmp_path)[0].mark == "missing"
    (tmp_path / "w.pth").touch()
    damaged = weight_findings(study, tmp_path)[0]
    assert damaged.mark == "missing"
    assert "w.pth can't be read as a weights file" in damaged.text
    torch.save(Encoder("tf_efficientnet_lite0").backbone.state_dict(), tmp_path / "w.pth")
    assert weight_findings(study, tmp_path)[0].mark == "ok"


def test_weights_of_the_hub_are_looked_for_in_its_cache_and_not_downloaded(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", lambda *_, **__: pytest.fail("downloads"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    study = methods(a={"method": "imagenet"}) | {"encoder": "resnet18"}
    (absent,) = weight_findings(study, tmp_path)
    assert absent.mark == "note"
    assert "will be downloaded (45 MB) from https://" in absent.text
    cached = tmp_path / "hub" / "checkpoints" / absent.text.rpartition("/")[2].partition(";")[0]
    cached.parent.mkdir(parents=True)
    assert weights_to_download(study) == ["the ImageNet weights of resnet18 (45 MB)"]
    cached.touch()
    assert weights_to_download(study) == []
    assert weight_findings(study, tmp_path)[0].text.endswith("is damaged: delete it, and it is downloaded again.")
    monkeypatch.setattr(weights, "file_sha256", lambda path: f"{path.stem.rpartition('-')[2]}0123")
    assert weight_findings(study, tmp_path)[0] == ("ok", f"ImageNet, resnet18: {cached}")


def test_an_encoder_file_may_come_later_only_from_the_study_itself(tmp_path):
    results, file = tmp_path / "results", tmp_path / "e.safetensors"
    study = methods(a={"method": "simclr", "init": str(file)}, b={"method": "simclr", "init": str(results / "e")})
    assert [line.mark for line in weight_findings(study, results)] == ["missing", "note"]
    save_encoder(Encoder("resnet18"), file)
    assert "e.safetensors` holds a resnet18, but the arm's `encoder` is" in weight_findings(study, results)[0].text
    save_encoder(Encoder("tf_efficientnet_lite0"), file)
    assert weight_findings(study, results)[0].mark == "ok"


def test_another_store_is_not_contacted(tmp_path, monkeypatch):
    (line,) = store_findings("mlflow", tmp_path / "mlflow.db", "https://mlflow.example")
    assert line.mark == "ok"
    assert "another store is named" in line.text
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example")
    assert store_findings("mlflow", tmp_path / "mlflow.db") == [line]

"""Data sets from their archives to the gate: fetched from a mirror on localhost, audited, carded; a user's own data."""

import functools
import http.server
import json
import shutil
import threading
from pathlib import Path

import cv2
import pandas as pd
import pytest
import yaml
from PIL import Image

from tests.integration.calls import copy_of_checkout, fails, planned, succeeds, tiny, write_study
from uscl.simulator import write_set

pytestmark = pytest.mark.e2e

ARCHIVES = {"covid19_ultrasound": "covid19_ultrasound", "busi": "Dataset_BUSI"}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A lung set and a breast set in the layout of the public ones, and a pool."""
    folder, settings = tmp_path_factory.mktemp("sets"), tiny()["datasets"]
    write_set(out=folder / "covid19_ultrasound", seed=1, **settings["sim_lung"]["simulate"])
    write_set(out=folder / "busi", seed=2, **settings["sim_breast"]["simulate"])
    write_set(out=folder / "pool", seed=3, **settings["sim_pool"]["simulate"])
    return folder


@pytest.fixture(scope="module")
def mirror(sets, tmp_path_factory):
    """The address of a server on localhost that has both sets as archives."""
    folder = tmp_path_factory.mktemp("mirror")
    for reader, name in ARCHIVES.items():
        shutil.make_archive(str(folder / name), "zip", sets, reader)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def public_settings(pool, **changes):
    """The tiny study with public sets instead of the simulated lung and breast sets, and a pool that is there."""
    study = tiny()
    for name, reader in {"sim_lung": "covid19_ultrasound", "sim_breast": "busi"}.items():
        settings = {key: value for key, value in study["datasets"][name].items() if key != "simulate"}
        study["datasets"][name] = settings | {"reader": reader, "data_root": "data", "partial": True}
    study["datasets"]["sim_pool"] = {"reader": "simulated_pool", "data_root": str(pool)}
    return study | {"tracking": "none"} | changes


def test_public_sets_are_fetched_read_audited_and_carded(sets, mirror, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    study = write_study(tmp_path / "study.yaml", public_settings(sets / "pool", data_mirror=mirror))
    succeeds(project, "data", study=study)
    record = json.loads((project / "results/data/sim_breast.json").read_text())
    assert record["files"][0]["url"] == f"{mirror}/Dataset_BUSI.zip"
    assert sorted(path.name for path in (project / "data").iterdir() if path.is_dir()) == [
        "Dataset_BUSI_with_GT",
        "covid19_ultrasound",
    ]
    for dataset in ("sim_pool", "sim_lung", "sim_breast"):
        manifest = pd.read_parquet(project / f"results/frames/{dataset}/manifest.parquet")
        card = (project / f"results/data_cards/{dataset}.md").read_text()
        assert str(len(manifest)) in card
    assert json.loads((project / "results/audit/verdict.json").read_text())["passed"]
    assert planned(project, "data", study=study) == {}


def test_a_set_that_no_address_has_says_where_to_get_it(sets, mirror, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    registry = project / "config/datasets.yaml"
    entries = yaml.safe_load(registry.read_text())
    for entry in entries.values():
        for file in entry["files"]:
            file["urls"] = ["https://127.0.0.1:9/gone.zip"]
    registry.write_text(yaml.safe_dump(entries))
    settings = public_settings(sets / "pool", data_mirror=f"{mirror}/empty")
    printed = fails(project, "fetch", study=write_study(tmp_path / "study.yaml", settings))
    assert "Dataset_BUSI.zip" in printed
    assert "404" in printed
    assert "data/Dataset_BUSI_with_GT" in printed
    assert "take busi, segmentation out of `tasks`" in printed


@pytest.fixture
def leaking(sets, tmp_path):
    """A project whose pool has a picture of the breast set among its videos, made smaller and called otherwise."""
    project, pool = copy_of_checkout(tmp_path / "project"), tmp_path / "pool"
    shutil.copytree(sets / "pool", pool)
    source = sorted((sets / "busi/malignant").glob("*[0-9]).png"))[0]
    picture = cv2.imread(str(source), cv2.IMREAD_GRAYSCALE)
    smaller = cv2.resize(picture, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    assert cv2.imwrite(str(pool / "videos/a17.jpg"), smaller, [cv2.IMWRITE_JPEG_QUALITY, 60])
    shutil.copytree(sets / "busi", project / "data/Dataset_BUSI_with_GT")
    study = public_settings(pool, authors_protocol=[], primary=[])
    del study["datasets"]["sim_lung"], study["tasks"]["pocus"], study["tasks"]["busi"], study["label_fractions"]
    return project, study, source.stem


def test_a_test_picture_in_the_pool_stops_the_study_or_is_left_out_of_it(leaking, tmp_path):
    project, study, source = leaking
    printed = fails(project, study=write_study(tmp_path / "stop.yaml", study))
    assert "a17.jpg" in printed
    assert source in printed
    assert "on_leak" in printed
    assert not (project / "results/encoders").exists()
    assert "a17.jpg" in (project / "results/audit/audit.html").read_text()
    study["datasets"]["sim_pool"]["on_leak"] = "drop"
    # And one arm starts from another, which is yet to be trained.
    init = "results/encoders/simclr/seed0/encoder.safetensors"
    study["methods"]["warm"] = {"method": "uscl", "epochs": 1, "init": init}
    succeeds(project, "results/encoders/warm/seed0/outcome.json", study=write_study(tmp_path / "drop.yaml", study))
    assert (project / init).exists()
    parts = pd.read_csv(project / "results/encoders/simclr/seed0/pool_parts.csv").set_index("video")["part"]
    assert parts.index[parts == "left out"].tolist() == ["a17.jpg"]


@pytest.fixture
def spoilt(sets, tmp_path):
    """The path of a study whose pool has five odd files among its videos."""
    pool = tmp_path / "pool"
    shutil.copytree(sets / "pool", pool)
    whole = sorted((pool / "videos").glob("*.mp4"))[0]
    (pool / "videos/truncated.mp4").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    (pool / "videos/text.mp4").write_text("not a video at all\n" * 100)
    (pool / "videos/empty.avi").touch()
    (pool / "videos/nowhere.mp4").symlink_to(tmp_path / "gone")
    Image.new("L", (64, 48), 90).save(pool / "videos/single.gif")
    return write_study(tmp_path / "spoilt.yaml", public_settings(pool))


def test_bad_videos_stop_the_run_or_are_set_aside_with_reasons_and_a_new_one_is_noticed(spoilt, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    target = "results/frames/sim_pool/manifest.parquet"
    printed = fails(project, target, "--config", "on_bad_video=stop", study=spoilt)
    assert "nowhere.mp4 cannot be used: not a file, or a broken link." in printed
    succeeds(project, target, study=spoilt)
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
    manifest = pd.read_parquet(project / target)
    assert (manifest["file"] == "videos/single.gif").sum() == 1
    assert "truncated.mp4" in (project / "results/logs/extract_frames/sim_pool.log").read_text()
    assert planned(project, target, study=spoilt) == {}
    videos = tmp_path / "pool/videos"
    shutil.copy(videos / "single.gif", videos / "added.gif")
    assert planned(project, target, study=spoilt) == {"extract_frames": 1}


@pytest.fixture(scope="module")
def own(sets, tmp_path_factory):
    """Videos by patient, images listed in a table, and images with masks: a user's own data, of pictures at hand."""
    folder = tmp_path_factory.mktemp("own data, ü")
    rows = []
    (folder / "listed").mkdir()
    (folder / "masked/images").mkdir(parents=True)
    (folder / "masked/masks").mkdir()
    for label in ("benign", "malignant"):
        for number, image in enumerate(sorted((sets / f"busi/{label}").glob("*[0-9]).png"))):
            (folder / f"videos/p{number % 6}").mkdir(parents=True, exist_ok=True)
            shutil.copy(image, folder / f"listed/{label}{number}.png")
            shutil.copy(image, folder / f"masked/images/{label}{number}.png")
            shutil.copy(image.with_name(f"{image.stem}_mask.png"), folder / f"masked/masks/{label}{number}.png")
            rows.append({"file": f"{label}{number}.png", "label": label, "patient": f"woman {number}"})
    pd.DataFrame(rows).to_csv(folder / "listed/labels.csv", index=False)
    for number, video in enumerate(sorted((sets / "pool/videos").iterdir())):
        shutil.copy(video, folder / f"videos/p{number % 6}/clip ({number}){video.suffix}")
    return folder


def test_own_data_goes_through_the_whole_study_without_code(own, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    study = tiny()
    study["datasets"] = {
        "clips": {"kind": "video_folder", "data_root": str(own / "videos"), "patient": r"(p\d+)/"},
        "listed": {"kind": "image_csv", "data_root": str(own / "listed"), "classes": ["benign", "malignant"]},
        "masked": {"kind": "image_mask_pairs", "data_root": str(own / "masked")},
    }
    study["pool"] = "clips"
    budget = {"epochs": 1, "batch_size": 8, "lr": 1e-3}
    study["tasks"] = {
        "listed": {"kind": "classification", "dataset": "listed", "regimes": ["linear"], "finetune": budget},
        "masked": {"kind": "segmentation", "dataset": "masked", "finetune": budget},
    }
    study["methods"] = {"imagenet": {"method": "imagenet"}, "simclr": {"method": "simclr", "epochs": 1}}
    study |= {"comparisons": [], "primary": [], "authors_protocol": [], "tracking": "none"}
    del study["label_fractions"]
    succeeds(project, "results/table.csv", "data_cards", study=write_study(tmp_path / "study.yaml", study))
    table = pd.read_csv(project / "results/table.csv")
    assert set(table["task"]) == {"listed", "masked"}
    for task, unit in (("listed", "patient"), ("masked", "image")):
        (path,) = project.glob(f"results/**/{task}/**/simclr/**/predictions.parquet")
        cases = pd.read_parquet(path)
        assert set(cases["unit"]) == {unit}
        assert cases["patient"].str.startswith("woman ").all() if unit == "patient" else cases["patient"].eq("").all()
        assert cases["video"].eq(cases["case"]).all()  # still images
    parts = pd.read_csv(project / "results/encoders/simclr/seed0/pool_parts.csv")
    assert set(parts["group"]) == {f"p{number}" for number in range(6)}


def test_the_published_study_is_planned_and_the_doctor_looks_at_it_and_changes_nothing(tmp_path):
    project, study = copy_of_checkout(tmp_path / "project"), Path("config/paper.yaml")
    printed = succeeds(project, "--dry-run", study=study)
    for dataset in ("pocus_folds", "butterfly", "udiat_b"):
        assert f"Missing: Data set '{dataset}'" in printed
    assert "pretrain" in printed
    printed = succeeds(project, "doctor", study=study)
    for word in ("Python", "torch", "GPU", "GB free", "MLflow", "pocus_folds", "udiat_b"):
        assert word in printed
    assert not (project / "results/paper/frames").exists()

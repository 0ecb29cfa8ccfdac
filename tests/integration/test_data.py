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

from tests.integration.test_workflow import TINY, copy_of_checkout, snakemake
from uscl.simulator import write_set

pytestmark = pytest.mark.e2e

ARCHIVES = {"covid19_ultrasound": "covid19_ultrasound", "busi": "Dataset_BUSI"}


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A lung set and a breast set in the layout of the public ones."""
    folder = tmp_path_factory.mktemp("sets")
    tiny = yaml.safe_load(TINY.read_text())["datasets"]
    write_set(out=folder / "covid19_ultrasound", seed=1, **tiny["sim_lung"]["simulate"])
    write_set(out=folder / "busi", seed=2, **tiny["sim_breast"]["simulate"])
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


def public_study(folder, **changes):
    """The tiny study with public sets instead of the simulated lung and breast sets."""
    study = yaml.safe_load(TINY.read_text())
    for name, reader in {"sim_lung": "covid19_ultrasound", "sim_breast": "busi"}.items():
        settings = {key: value for key, value in study["datasets"][name].items() if key != "simulate"}
        study["datasets"][name] = settings | {"reader": reader, "data_root": "data", "partial": True}
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump(study | changes))
    return path


def test_public_sets_are_fetched_read_audited_and_carded(mirror, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    study = public_study(tmp_path, data_mirror=mirror)
    run = snakemake(project, "--cores", "2", "data", study=study)
    assert run.returncode == 0, run.stdout
    record = json.loads((project / "results/data/sim_breast.json").read_text())
    assert record["files"][0]["url"] == f"{mirror}/Dataset_BUSI.zip"
    assert sorted(path.name for path in (project / "data").iterdir() if path.is_dir()) == [
        "Dataset_BUSI_with_GT",
        "covid19_ultrasound",
    ]
    for dataset in ("sim_pool", "sim_lung", "sim_breast"):
        manifest = pd.read_csv(project / f"results/frames/{dataset}/manifest.csv")
        card = (project / f"results/data_cards/{dataset}.md").read_text()
        assert str(len(manifest)) in card
    assert json.loads((project / "results/audit/verdict.json").read_text())["passed"]
    again = snakemake(project, "--cores", "2", "--dry-run", "data", study=study)
    assert "Nothing to be done" in again.stdout


def test_a_set_that_no_address_has_says_where_to_get_it(mirror, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    registry = project / "config/datasets.yaml"
    entries = yaml.safe_load(registry.read_text())
    for entry in entries.values():
        for file in entry["files"]:
            file["urls"] = ["https://127.0.0.1:9/gone.zip"]
    registry.write_text(yaml.safe_dump(entries))
    study = public_study(tmp_path, data_mirror=f"{mirror}/empty")
    run = snakemake(project, "--cores", "2", "fetch", study=study)
    assert run.returncode != 0
    assert "Dataset_BUSI.zip" in run.stdout
    assert "404" in run.stdout
    assert "data/Dataset_BUSI_with_GT" in run.stdout
    assert "take busi, segmentation out of `tasks`" in run.stdout
    assert "Traceback" not in run.stdout


@pytest.fixture
def leaking(sets, tmp_path):
    """A project whose pool has a picture of the breast set among its videos, made smaller and called otherwise."""
    project = copy_of_checkout(tmp_path / "project")
    pool = tmp_path / "pool"
    write_set("pool", pool, seed=3, patients=6, videos=1, frames=8)
    source = sorted((sets / "busi/malignant").glob("*[0-9]).png"))[0]
    picture = cv2.imread(str(source), cv2.IMREAD_GRAYSCALE)
    smaller = cv2.resize(picture, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    assert cv2.imwrite(str(pool / "videos/a17.jpg"), smaller, [cv2.IMWRITE_JPEG_QUALITY, 60])
    shutil.copytree(sets / "busi", project / "data/Dataset_BUSI_with_GT")
    shutil.copytree(sets / "covid19_ultrasound", project / "data/covid19_ultrasound")
    study = yaml.safe_load(public_study(tmp_path).read_text())
    study["datasets"]["sim_pool"] = {"reader": "simulated_pool", "data_root": str(pool)}
    return project, study, source.stem


def test_a_test_picture_in_the_pool_stops_the_study_and_is_named(leaking, tmp_path):
    project, study, source = leaking
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    run = snakemake(project, "--cores", "2", study=tmp_path / "study.yaml")
    assert run.returncode != 0
    assert "a17.jpg" in run.stdout
    assert source in run.stdout
    assert "on_leak" in run.stdout
    assert "Traceback" not in run.stdout
    assert not (project / "results/encoders/simclr").exists()
    assert not (project / "results/splits").exists()
    assert "a17.jpg" in (project / "results/audit/audit.html").read_text()


def test_a_leaking_video_can_be_left_out_of_the_pool(leaking, tmp_path):
    project, study, _ = leaking
    study["datasets"]["sim_pool"]["on_leak"] = "drop"
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    target = "results/encoders/simclr/seed0/encoder.safetensors"
    run = snakemake(project, "--cores", "2", target, study=tmp_path / "study.yaml")
    assert run.returncode == 0, run.stdout
    parts = pd.read_csv(project / "results/encoders/simclr/seed0/pool_parts.csv").set_index("video")["part"]
    assert parts.index[parts == "left out"].tolist() == ["a17.jpg"]


@pytest.fixture(scope="module")
def own(sets, tmp_path_factory):
    """Videos by patient, images listed in a table, and images with masks: a user's own data, of pictures at hand."""
    folder = tmp_path_factory.mktemp("own data, ü")
    write_set("pool", folder / "pool", seed=3, patients=6, videos=1, frames=8)
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
            rows.append({"file": f"{label}{number}.png", "label": label, "group": f"woman {number}"})
    pd.DataFrame(rows).to_csv(folder / "listed/labels.csv", index=False)
    for number, video in enumerate(sorted((folder / "pool/videos").iterdir())):
        shutil.copy(video, folder / f"videos/p{number}/clip (1){video.suffix}")
    return folder


def test_own_data_goes_through_the_whole_study_without_code(own, tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    study = yaml.safe_load(TINY.read_text())
    study["datasets"] = {
        "clips": {"kind": "video_folder", "data_root": str(own / "videos"), "group": r"(p\d+)/"},
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
    study |= {"comparisons": [], "authors_protocol": False}
    del study["label_fractions"]
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    run = snakemake(project, "--cores", "2", "results/table.csv", "data_cards", study=tmp_path / "study.yaml")
    assert run.returncode == 0, run.stdout
    table = pd.read_csv(project / "results/table.csv")
    assert set(table["task"]) == {"listed", "masked"}
    parts = pd.read_csv(project / "results/encoders/simclr/seed0/pool_parts.csv")
    assert set(parts["group"]) == {f"p{number}" for number in range(6)}


def test_the_published_study_is_planned_and_says_what_is_missing(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    run = snakemake(project, "--dry-run", study=Path("config/paper.yaml"))
    assert run.returncode == 0, run.stdout
    for dataset in ("pocus_folds", "butterfly", "udiat_b"):
        assert f"Missing: Data set '{dataset}'" in run.stdout
    assert "pretrain" in run.stdout


def test_the_doctor_looks_at_a_study_and_changes_nothing(tmp_path):
    project = copy_of_checkout(tmp_path / "project")
    run = snakemake(project, "--cores", "1", "doctor", study=Path("config/paper.yaml"))
    assert run.returncode == 0, run.stdout
    for word in ("Python", "torch", "GPU", "GB free", "MLflow", "pocus_folds", "udiat_b"):
        assert word in run.stdout
    assert not (project / "results/paper/frames").exists()

"""Passwords in settings, in the environment, in .netrc and in the addresses of others: nothing that a call leaves holds
one, and no message shows one."""

import base64
import subprocess
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import pytest
import yaml
from file_server import guarded, serving, status

from tests.chaos.cut_off import last_lines
from tests.chaos.mlflow_servers import free_port, working
from tests.chaos.own_sets import well
from tests.chaos.paths import TABLE
from tests.chaos.project import ROOT, checkout, copy_of_finished, snakemake
from tests.chaos.studies import picture, stopped, study
from tests.text_settings import planted, text_settings, words

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
SECRET = "hunter22secret"
FORMS = (SECRET.encode(), base64.b64encode(f"me:{SECRET}".encode()))
EXAMPLE = ROOT / "tests/unit/study.yaml"
FETCHED, FRAMES = "results/data/breast.json", "results/frames/breast/manifest.parquet"
ARCHIVE = "/Dataset_BUSI.zip"


def holding(folder: Path, *but: Path) -> list[str]:
    """The files below a folder that hold the password, except the files that were given it."""
    found = (path for path in folder.rglob("*") if path.is_file() and path not in but)
    return [str(path.relative_to(folder)) for path in found if any(form in path.read_bytes() for form in FORMS)]


def nowhere(run: subprocess.CompletedProcess, folder: Path, *but: Path) -> None:
    """Raise AssertionError if a call showed the password, or if any file below a folder holds it."""
    assert SECRET not in run.stdout, "the password was shown"
    assert not (places := holding(folder, *but)), f"the password is in {', '.join(places[:5])}"


def refused(project: Path, path: Path, *more: str) -> subprocess.CompletedProcess:
    """A call that is refused when it is planned (else it would make one small thing)."""
    run = snakemake(project, *more, "--", "results/raw/sim_lung", study=path)
    assert run.returncode != 0, "the call ended well"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    assert "Config: " in run.stdout, last_lines(run.stdout)
    return run


@pytest.mark.chaos_short
def test_a_mirrors_password_on_the_command_line(folder: Path) -> None:
    """One sentence names .netrc and doesn't repeat it; nothing keeps it."""
    project = checkout(folder / "project")
    run = refused(project, EXAMPLE, "--config", f"data_mirror=https://me:{SECRET}@host/sets")
    assert "~/.netrc" in run.stdout
    nowhere(run, folder)


def test_a_password_in_every_setting_that_takes_text(folder: Path) -> None:
    """Each is refused when planned, by a sentence that doesn't repeat it; nothing keeps it."""
    project, path = checkout(folder / "project"), folder / "study.yaml"
    example = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    kept = []
    for way in text_settings():
        settings = planted(example, way, f"https://me:{SECRET}@host/sets")
        path.write_text(yaml.safe_dump(settings), encoding="utf-8")
        run = refused(project, path)
        if SECRET in run.stdout or holding(project):
            kept.append(words(way))
    assert not kept, f"shown or kept: {', '.join(kept)}"


def pictures(path: Path) -> bytes:
    """An archive of the BUSI set with a few pictures."""
    with zipfile.ZipFile(path, "w") as file:
        for number, kind in enumerate(("benign", "malignant", "normal"), 1):
            for name, content in (("", picture(number)), ("_mask", picture(number + 9) // 128 * 255)):
                encoded = cv2.imencode(".png", content)[1].tobytes()
                file.writestr(f"Dataset_BUSI_with_GT/{kind}/{kind} ({number}){name}.png", encoded)
    return path.read_bytes()


def breast(folder: Path, mirror: str) -> Path:
    """The smallest study with the BUSI set, from a mirror."""
    (folder / "data").mkdir(exist_ok=True)
    sets: Mapping[str, Any] = {"breast": {"reader": "busi", "data_root": str(folder / "data"), "partial": True}}
    return study(folder, datasets=sets, data_mirror=mirror)


@pytest.fixture
def netrc(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which a user keeps the password of a mirror; a proxy's password is in the environment."""
    path = folder / "netrc"
    path.write_text(f"machine 127.0.0.1 login me password {SECRET}\n", encoding="utf-8")
    path.chmod(0o600)
    monkeypatch.setenv("NETRC", str(path))
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@127.0.0.1:9")
    return path


@pytest.mark.chaos_short
def test_a_mirror_asks_for_the_password_in_netrc(folder: Path, netrc: Path) -> None:
    """The set is fetched and read; nothing keeps the password."""
    project = checkout(folder / "project")
    with serving() as server:
        server.answers[ARCHIVE] = [guarded(pictures(folder / "made.zip"), "me", SECRET)]
        run = snakemake(project, FETCHED, FRAMES, study=breast(folder, server.url))
    well(run)
    nowhere(run, folder, netrc)


def test_a_mirror_redirects_to_an_address_with_a_token(folder: Path, netrc: Path) -> None:
    """The other addresses are tried, through the proxy, and one sentence says what each of them answered; nothing
    keeps a token."""
    project = checkout(folder / "project")
    with serving() as server:
        there = f"http://127.0.0.2/a.zip?X-Amz-Signature={SECRET}"
        server.answers[ARCHIVE] = [status(302, Location=there)]
        path = breast(folder, server.url)
        sentence = stopped(project, path, r"redirects to http://127\.0\.0\.2/a\.zip.*no connection", FETCHED)
        run = subprocess.CompletedProcess([], 1, sentence)
    nowhere(run, folder, netrc)


def test_the_environment_names_a_store_with_a_password(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every run is logged; neither the results nor Snakemake nor the store keep the password."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", SECRET)
    project, port = copy_of_finished(folder / "project"), free_port()
    with working(folder / "server", port):
        run = snakemake(project, "--force", "--", TABLE, MLFLOW_TRACKING_URI=f"http://me:{SECRET}@127.0.0.1:{port}")
    well(run)
    assert "MLflow can't be used" not in run.stdout, last_lines(run.stdout)
    nowhere(run, folder)


@pytest.mark.chaos_short
def test_the_environment_names_an_address_that_is_no_store(folder: Path) -> None:
    """Refused when planned, by the sentence that the settings' address gets."""
    project, path = checkout(folder / "project"), study(folder, tracking="mlflow")
    for address in ("file:///mnt/runs", f"postgresql://me:{SECRET}@host/db"):
        run = snakemake(project, study=path, MLFLOW_TRACKING_URI=address)
        assert run.returncode != 0, "the call ended well"
        assert "MLFLOW_TRACKING_URI in the environment must begin with https://" in run.stdout
        nowhere(run, folder)

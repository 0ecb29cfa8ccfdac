"""Copies of the project where git would name another commit, and a study whose packages changed in between."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.own_sets import well
from tests.chaos.paths import LINEAR, OUTCOME, RESULTS, TABLE
from tests.chaos.project import ROOT, UNTRACKED, checkout, copy_of_finished, snakemake
from tests.chaos.studies import study

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
RAW = "results/raw/sim_lung"
UNKNOWN = "The commit of the code is unknown"


def git(folder: Path, *words: str) -> str:
    """What git prints in a folder."""
    command = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def committed(folder: Path, *files: str) -> str:
    """Make a repository of a folder and a commit of some files in it; the commit's hash."""
    git(folder, "init", "--quiet")
    git(folder, "add", *files)
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "all")
    return git(folder, "rev-parse", "HEAD")


def with_git_files(project: Path) -> Path:
    """A checkout with the files that only git reads."""
    checkout(project)
    for name in (".gitattributes", ".git_archival.txt", ".gitignore"):
        shutil.copy(ROOT / name, project / name)
    return project


def recorded(folder: Path, project: Path, **more: str) -> tuple[dict[str, Any], str]:
    """The provenance file of a job in a project, and what the call printed."""
    shutil.rmtree(project / RESULTS, ignore_errors=True)
    run = snakemake(project, RAW, study=study(folder), **more)
    well(run)
    return json.loads((project / f"{RAW}.provenance.json").read_text(encoding="utf-8")), run.stdout


@pytest.mark.chaos_short
def test_a_copy_without_git_inside_another_repository(folder: Path) -> None:
    """Its commit is unknown, which the call says once; the other repository's commit is nowhere."""
    project = checkout(folder / "project")
    other = committed(folder)
    record, said = recorded(folder, project)
    assert (record["commit"], record["dirty"]) == ("unknown", None)
    assert said.count(UNKNOWN) == 1, f"said {said.count(UNKNOWN)} times"
    assert not [path for path in (project / RESULTS).rglob("*.json") if other in path.read_text(encoding="utf-8")]


def test_an_archive_unpacked_inside_another_repository(folder: Path) -> None:
    """The commit that the archive was made of."""
    own = committed(with_git_files(folder / "origin"), ".")
    git(folder / "origin", "archive", "--output", str(folder / "a.tar"), "HEAD")
    (folder / "project").mkdir()
    subprocess.run(["tar", "-xf", str(folder / "a.tar"), "-C", str(folder / "project")], check=True)
    committed(folder, "a.tar")
    record, said = recorded(folder, folder / "project")
    assert (record["commit"], record["dirty"]) == (own, None)
    assert UNKNOWN not in said


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to another user")
def test_a_checkout_with_git_dir_then_of_another_owner_with_a_new_module(folder: Path) -> None:
    """Its own commit each time; the new module makes it dirty."""
    project = with_git_files(folder / "project")
    own = committed(project, ".")
    (folder / "other").mkdir()
    committed(folder / "other")
    record, _ = recorded(folder, project, GIT_DIR=str(folder / "other/.git"), GIT_WORK_TREE=str(project))
    assert (record["commit"], record["dirty"]) == (own, False)
    (project / "uscl/base/new.py").write_text("NEW = 1\n", encoding="utf-8")
    subprocess.run(["chown", "--recursive", "12345", str(project)], check=True)
    record, said = recorded(folder, project)
    assert (record["commit"], record["dirty"]) == (own, True)
    assert UNKNOWN not in said


def test_a_package_was_updated_in_the_middle_of_a_study(folder: Path) -> None:
    """Finished runs are kept, and the table names the package with both versions."""
    project = copy_of_finished(folder / "project")
    run_file, outcome = (project / RESULTS / LINEAR / name for name in ("run.json", OUTCOME))
    record = json.loads(run_file.read_text(encoding="utf-8"))
    now = record["packages"]["numpy"]
    rewritten(run_file, record | {"packages": record["packages"] | {"numpy": "1.0"}})
    content = json.loads(outcome.read_text(encoding="utf-8"))
    digest = hashlib.sha256(run_file.read_bytes()).hexdigest()
    rewritten(outcome, content | {"files": content["files"] | {"run.json": digest}})
    made_by = outcome.with_name("outcome.provenance.json")
    job, digest = json.loads(made_by.read_text(encoding="utf-8")), hashlib.sha256(outcome.read_bytes()).hexdigest()
    rewritten(made_by, job | {"outputs": dict.fromkeys(job["outputs"], digest)})
    run = snakemake(project, *UNTRACKED, "--force", "--", TABLE)
    well(run)
    text = (project / RESULTS / "table.md").read_text(encoding="utf-8")
    assert "different versions of packages" in text
    assert f"numpy {now} / 1.0" in text or f"numpy 1.0 / {now}" in text


def rewritten(path: Path, content: dict[str, Any]) -> None:
    """Write other content into a JSON file, and keep its time."""
    stat = path.stat()
    path.write_text(json.dumps(content), encoding="utf-8")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))

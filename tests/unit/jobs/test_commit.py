import os
import subprocess
from pathlib import Path

import pytest

from uscl.jobs import commit as module
from uscl.jobs.commit import commit, unknown_commit

ROOT = Path(__file__).parents[3]


def git(folder, *words):
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", folder, "-c", "user.name=t", "-c", "user.email=t@t", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=own).stdout.strip()


def repository(folder):
    """A repository with one commit of some code, a file that it ignores, and the file for archives."""
    (folder / "uscl").mkdir(parents=True)
    (folder / "uscl/a.py").write_text("a = 1\n")
    (folder / ".gitignore").write_text("__pycache__/\n")
    for name in (".gitattributes", ".git_archival.txt"):
        (folder / name).write_bytes((ROOT / name).read_bytes())
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PROJECT", tmp_path / "project")
    return tmp_path / "project"


def test_a_checkout_names_its_commit(project):
    first = repository(project)
    assert commit() == (first, False)
    assert str(commit()) == first
    assert unknown_commit() is None


@pytest.mark.parametrize("name", ["uscl/a.py", "uscl/new.py", "workflow/scripts/new.py", ".gitignore"])
def test_changed_files_and_new_ones_among_the_code_make_a_checkout_dirty(project, name):
    first = repository(project)
    (project / name).parent.mkdir(parents=True, exist_ok=True)
    (project / name).write_text("b = 2\n")
    assert commit() == (first, True)
    assert str(commit()) == f"{first}-dirty"


@pytest.mark.parametrize("name", ["results/table.csv", "config/mine.yaml", "uscl/__pycache__/a.pyc"])
def test_results_settings_and_caches_dont(project, name):
    repository(project)
    (project / name).parent.mkdir(parents=True)
    (project / name).write_text("x")
    assert commit().dirty is False


def test_the_repository_around_a_copy_is_another_projects(tmp_path, project):
    repository(tmp_path)
    project.mkdir()
    assert commit() == ("unknown", None)
    assert f"unknown: {project} is neither a git checkout nor an archive of one." in unknown_commit()


def test_a_repository_that_the_environment_names_is_another_projects(tmp_path, project, monkeypatch):
    first = repository(project)
    repository(tmp_path / "other")
    git(tmp_path / "other", "commit", "--quiet", "--allow-empty", "--message", "second")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "other/.git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(project))
    assert commit() == (first, False)


def test_an_archive_carries_its_commit_even_inside_another_repository(tmp_path, project):
    first = repository(tmp_path / "origin")
    repository(tmp_path)
    project.mkdir()
    git(tmp_path / "origin", "archive", "--output", tmp_path / "a.tar", "HEAD")
    subprocess.run(["tar", "-xf", tmp_path / "a.tar", "-C", project], check=True)
    assert commit() == (first, None)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files to another user")
def test_a_checkout_of_another_owner_names_its_commit(project):
    first = repository(project)
    for path in (project, *project.rglob("*")):
        os.chown(path, 12345, 12345)
    assert commit() == (first, False)


def test_without_git_the_commit_is_unknown(project, monkeypatch):
    repository(project)
    monkeypatch.setenv("PATH", "")
    assert commit() == ("unknown", None)

"""An installation that is cut off, hindered or given other files: it goes on at the next call, or refuses in one
sentence. The packages are tiny ones made here, since what is tested is `requirements/install.sh`."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from tests.chaos.project import ROOT

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(1800)]
PACKAGES = ("setuptools", "torch", "other")
# What builds the project itself, in the place of setuptools.
BACKEND = """
import zipfile
def build_editable(folder, config_settings=None, metadata_directory=None):
    with zipfile.ZipFile(f"{folder}/own-1-py3-none-any.whl", "w") as file:
        file.writestr("own.py", "")
        file.writestr("own-1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: own\\nVersion: 1\\n")
        file.writestr("own-1.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        file.writestr("own-1.dist-info/RECORD", "")
    return "own-1-py3-none-any.whl"
"""


def wheel(folder: Path, name: str) -> str:
    """A wheel with one module, with the line of a lock file for it."""
    path = folder / f"{name}-1-py3-none-any.whl"
    about = f"{name}-1.dist-info"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr(f"{name}.py", BACKEND if name == "setuptools" else "")
        file.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        file.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{about}/RECORD", "")
    return f"{name}==1 \\\n    --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


@pytest.fixture
def project(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the script that installs, and lock files of tiny packages that pip finds next to it."""
    place = folder / "project"
    (folder / "wheels").mkdir()
    shutil.copytree(ROOT / "requirements", place / "requirements")
    shutil.copy(ROOT / "Makefile", place / "Makefile")
    (place / "requirements.lock").write_text("".join(wheel(folder / "wheels", name) for name in PACKAGES))
    (place / "requirements-dev.lock").write_text(wheel(folder / "wheels", "tool"))
    (place / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["setuptools"]\nbuild-backend = "setuptools"\n'
        '[project]\nname = "own"\nversion = "1"\n'
    )
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder / "wheels"))
    return place


def make(project: Path, target: str = ".venv/.installed-dev", python: str = sys.executable) -> list[str]:
    """The words that make an environment."""
    return ["make", "--directory", str(project), target, f"PYTHON={python}"]


def installed(project: Path) -> None:
    """Raise AssertionError if a call doesn't finish the environment."""
    run = subprocess.run(make(project), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    check = ["-c", "import own, other, setuptools, tool, torch"]
    subprocess.run([project / ".venv/bin/python", *check], check=True, cwd=project.parent)
    subprocess.run([project / ".venv/bin/python", "-m", "pip", "check"], check=True, capture_output=True)


def refused(project: Path, message: str, **changes: str) -> None:
    """One sentence says what is wrong, and nothing is made."""
    before = sorted(project.rglob("*"))
    run = subprocess.run(make(project, **changes), capture_output=True, text=True, check=False)
    assert run.returncode != 0, "the call ended well"
    assert message in run.stderr, run.stderr
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize("whole", [True, False], ids=["with all its processes", "make alone"])
def test_an_installation_is_killed_at_six_moments(project: Path, whole: bool) -> None:
    """The next call finishes it; if only make was killed, it first waits for what goes on by itself."""
    began = time.monotonic()
    installed(project)
    took = time.monotonic() - began
    for moment in range(6):
        (project / ("requirements.lock" if moment % 2 else "requirements-dev.lock")).touch()
        call = subprocess.Popen(make(project), process_group=0, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(took * (moment + 0.5) / 6)
        os.killpg(call.pid, signal.SIGKILL) if whole else call.kill()
        call.wait()
        installed(project)


def test_the_environment_has_no_pip(project: Path) -> None:
    """As after a cut through `python -m venv`: it is made again."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", project / ".venv"], check=True)
    installed(project)


def test_the_python_is_another_one_or_missing(project: Path) -> None:
    """Said before anything is made."""
    other = project.parent / "python3.13"
    other.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.13.0\nexit 1\n')
    other.chmod(0o755)
    refused(project, f"for Python 3.11, '{other}' is Python 3.13.0: make PYTHON=python3.11", python=str(other))
    refused(project, "There is no program 'python3.1'", python="python3.1")


def test_the_environment_is_a_link(project: Path) -> None:
    """Refused; the folder that it leads to keeps its files."""
    (project.parent / "elsewhere").mkdir()
    (project.parent / "elsewhere/precious").touch()
    (project / ".venv").symlink_to(project.parent / "elsewhere")
    refused(project, ".venv is a link")
    assert (project.parent / "elsewhere/precious").exists()


def test_a_file_of_the_index_was_changed(project: Path, folder: Path) -> None:
    """pip names the package and refuses it; the next call with the right file goes on."""
    path = folder / "wheels/other-1-py3-none-any.whl"
    content = path.read_bytes()
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("harm.py", "")
    run = subprocess.run(make(project), capture_output=True, text=True, check=False)
    assert run.returncode != 0, "the call ended well"
    assert "other==1" in run.stderr
    assert "HASHES" in run.stderr.upper()
    assert not list((project / ".venv").rglob("harm.py"))
    path.write_bytes(content)
    installed(project)

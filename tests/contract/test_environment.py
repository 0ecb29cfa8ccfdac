"""The two files that fix versions must not drift apart, and must name what the library imports."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import distribution
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def locked(file="requirements.lock"):
    lines = (ROOT / file).read_text().splitlines()
    return [line for line in lines if line and not line.startswith(("#", "-r"))]


def names(requirements):
    return {normal(re.split(r"[<>=!~\[ ]", requirement)[0]) for requirement in requirements}


def declared():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_conda_users_get_the_locked_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == locked()
    assert "python=3.11" in environment["dependencies"]


@pytest.mark.parametrize("file", ["requirements.lock", "requirements-dev.lock"])
def test_every_version_is_exact_and_names_no_build(file):
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[0-9][A-Za-z0-9.]*", line) for line in locked(file))
    assert locked(file) == sorted(locked(file), key=str.lower)


def test_everything_the_package_declares_is_locked():
    assert names(declared()["project"]["dependencies"]) <= names(locked())


def test_what_only_developers_need_is_locked_apart():
    groups = declared()["dependency-groups"]
    wanted = names(entry for group in groups.values() for entry in group if isinstance(entry, str))
    assert wanted <= names(locked("requirements-dev.lock"))
    assert names(locked()).isdisjoint(names(locked("requirements-dev.lock")))
    assert (ROOT / "requirements-dev.lock").read_text().count("-r requirements.lock") == 1


def test_the_lock_of_developers_is_complete_but_for_what_lightly_asks_for():
    """It is installed with --no-deps, so pip would not add what is missing."""
    everything = [*locked(), *locked("requirements-dev.lock")]
    missing = {}
    for name in names(everything) - {"lightly"}:
        needed = map(Requirement, distribution(name).requires or [])
        wanted = {normal(one.name) for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})}
        missing[name] = wanted - names(everything) - {"pip", "setuptools", "wheel"}
    assert not {name: wanted for name, wanted in missing.items() if wanted}
    code = (
        "import sys, uscl.models.torchvision_cpu, lightly.loss, lightly.models.modules;"
        " print([name for name in ('hydra', 'omegaconf', 'pytorch_lightning') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_one_version_is_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    (newest, *_) = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    version = declared()["project"]["version"]
    assert citation["version"] == citation["preferred-citation"]["version"] == version
    assert newest == version or newest.startswith(f"{version} (")
    assert f"version = {{{version}}}" in (ROOT / "docs/index.md").read_text()


def test_the_container_is_made_from_the_lock_with_its_python():
    text = (ROOT / "Dockerfile").read_text()
    assert "FROM python:3.11-" in text
    assert "--requirement requirements.lock" in text

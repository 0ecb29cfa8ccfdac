"""The two files that fix versions must not drift apart, and must name what the library imports."""

import re
import tomllib
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]


def locked():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def test_conda_users_get_the_locked_versions():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == locked()
    assert "python=3.11" in environment["dependencies"]


def test_every_version_is_exact_and_names_no_build():
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-]+==[0-9][A-Za-z0-9.]*", line) for line in locked())


def test_everything_the_package_declares_is_locked():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {normal(line.partition("==")[0]) for line in locked()}
    declared = {normal(re.split(r"[<>=!~\[ ]", requirement)[0]) for requirement in project["dependencies"]}
    assert declared <= names

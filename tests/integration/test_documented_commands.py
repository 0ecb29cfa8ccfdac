"""The commands of the documentation, as written, in a project whose finished study is the tiny one."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from video_files import quarters, write_film

from tests.documents import ROOT, blocks, listed
from tests.integration.calls import TINY

pytestmark = pytest.mark.e2e
LISTED = listed()


@pytest.fixture(scope="module")
def readers(project, tmp_path_factory):
    """A copy for a reader: config/config.yaml is the tiny study, config/own.yaml that of a page, with its data."""
    project = shutil.copytree(project, tmp_path_factory.mktemp("reader") / "uscl", symlinks=True)
    shutil.copy(TINY, project / "config/config.yaml")
    (whole,) = (text for text in blocks(ROOT / "docs/how-to/own-data.md", "yaml") if "study: own" in text)
    (project / "config/own.yaml").write_text(whole)
    return project, own_data(tmp_path_factory.mktemp("home"))


def own_data(home):
    """Clips and images as the page describes them, in a home folder."""
    for patient in range(1, 4):
        folder = home / f"clips/patient{patient}"
        folder.mkdir(parents=True)
        write_film(folder / "a.mp4", quarters())
    for name in ("benign", "malignant"):
        folder = home / "liver" / name
        folder.mkdir(parents=True)
        shutil.copy(ROOT / "docs/img/overview.png", folder / "p1_a.png")
    return home


def called(command, project, home):
    """A command in the shell, with the programs of this environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {name: value for name, value in os.environ.items() if name != "MLFLOW_TRACKING_URI"}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env=own | {"PATH": path, "HOME": str(home), "PYTHONPATH": ""},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("command", LISTED["runs"])
def test_a_command_of_the_pages_runs(readers, command):
    done = called(command, *readers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize("command", LISTED["plans"])
def test_a_command_of_the_pages_can_be_planned(readers, command):
    done = called(f"{command} --dry-run", *readers)
    assert done.returncode == 0, done.stdout + done.stderr
    planned = re.search(r"^total +(\d+)$", done.stdout, re.MULTILINE)
    assert planned or "Nothing to be done" in done.stdout + done.stderr


MODULE = """configfile: "{study}"

module uscl:
    snakefile: "{project}/workflow/Snakefile"
    config: config

use rule * from uscl
"""


@pytest.mark.parametrize("way", ["snakefile", "module"])
def test_a_study_is_planned_from_another_folder(readers, tmp_path, way):
    project, home = readers
    (tmp_path / "Snakefile").write_text(MODULE.format(study=TINY, project=project))
    snakefile = project / "Snakefile" if way == "snakefile" else tmp_path / "Snakefile"
    done = called(f"snakemake -n --cores 2 --snakefile '{snakefile}' --configfile '{TINY}'", tmp_path, home)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^total +\d+$", done.stdout, re.MULTILINE)

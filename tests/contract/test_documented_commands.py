"""Every command that a reader meets is run by a test, or listed with the reason why not; and every example is valid."""

import re
import shlex
import subprocess

import pytest
import yaml
from snakemake.utils import update_config

from tests.documents import PAGES, ROOT, blocks, commands, listed
from uscl.study.study import Study

LISTED = listed()


def test_every_command_is_listed_and_every_listed_command_is_in_a_page():
    found = {command for page in PAGES for command in commands(page)}
    known = {command for kind in LISTED.values() for command in kind}
    assert found - known == set(), "list it in tests/contract/documented_commands.yaml"
    assert known - found == set()


def test_a_command_is_listed_once_and_has_a_reason_if_it_is_not_run():
    every = [command for kind in LISTED.values() for command in kind]
    assert len(every) == len(set(every))
    assert all(len(reason) > 10 for reason in LISTED["not run"].values())


@pytest.mark.parametrize("command", LISTED["make"])
def test_a_target_of_make_exists(command):
    done = subprocess.run(["make", "--dry-run", *shlex.split(command)[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", LISTED["scripts"])
def test_a_script_exists_and_has_the_options(command):
    _, script, *words = shlex.split(command)
    text = (ROOT / script).read_text(encoding="utf-8")
    for option in (word for word in words if word.startswith("--")):
        assert f'"{option}"' in text, option


@pytest.mark.parametrize("command", LISTED["pytest"])
def test_the_tests_that_are_named_exist(command):
    _, *words = shlex.split(command)
    markers = {words[place + 1] for place, word in enumerate(words) if word == "-m"}
    declared = (ROOT / "pyproject.toml").read_text()
    assert all(f'"{marker}:' in declared for marker in markers)
    assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))


def examples():
    """Every example of settings in the pages, with its page and number."""
    for page in PAGES:
        for number, text in enumerate(blocks(page, "yaml")):
            yield pytest.param(text, id=f"{page.relative_to(ROOT)}-{number}")


@pytest.mark.parametrize("text", list(examples()))
def test_an_example_of_settings_is_valid(text, tmp_path, monkeypatch):
    given = yaml.safe_load(text)
    config = {} if "study" in given else yaml.safe_load((ROOT / "config/public.yaml").read_text(encoding="utf-8"))
    update_config(config, given)
    for method in blocks(ROOT / "docs/how-to/own-method.md", "python"):  # of the reader's, where the study is
        (tmp_path / "align_uniform.py").write_text(method)
    monkeypatch.chdir(tmp_path)
    assert Study.from_config(config, ROOT).arms


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_no_file_that_is_not_there(page):
    named = re.findall(r"`((?:config|workflow|uscl|tests|benchmarks|profiles|docs)/[\w./-]+\.\w+)`", page.read_text())
    made = {"config/own.yaml"}  # by the reader
    assert [name for name in named if name not in made and not (ROOT / name).exists()] == []

"""What catalogues, hosts and citation managers look for is there and complete."""

import re
from pathlib import Path

import yaml

from tests.integration.calls import TINY

ROOT = Path(__file__).parents[2]


def read(name):
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def leaves(content):
    """All values of nested keys and lists."""
    if isinstance(content, dict | list):
        values = content.values() if isinstance(content, dict) else content
        return [leaf for value in values for leaf in leaves(value)]
    return [content]


def test_the_catalogue_finds_a_workflow_with_nothing_empty():
    assert all(leaf not in (None, "") for leaf in leaves(read(".snakemake-workflow-catalog.yml")))
    assert (ROOT / "workflow/Snakefile").is_file()
    assert "Snakemake workflow" in (ROOT / "README.md").read_text()  # it searches for these words
    assert (ROOT / ".test/config/config.yaml").resolve() == TINY


def test_the_ci_of_the_host_calls_the_projects_own():
    job = read(".github/workflows/ci.yml")["jobs"]["ci"]
    assert job["steps"][-1]["run"] == "bash .ci/run"
    assert (ROOT / ".ci/run").is_file()


def test_the_citation_names_the_benchmark_first_and_its_papers():
    citation = read("CITATION.cff")
    assert citation["preferred-citation"]["title"] == citation["title"]
    assert all(leaf not in (None, "") for leaf in leaves(citation))
    entries = (ROOT / "docs/index.md").read_text()
    for paper in citation["references"]:
        assert re.sub("[{}]", "", entries).count(paper["title"]) == 1


def test_every_form_for_an_issue_has_a_name_and_questions():
    for form in (ROOT / ".github/ISSUE_TEMPLATE").glob("[!c]*.yml"):
        content = yaml.safe_load(form.read_text())
        assert content["name"]
        assert all(part["attributes"]["label"] for part in content["body"])

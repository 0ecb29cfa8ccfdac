"""The generated pages are those of the program, and the graph of the rules shows what Snakemake plans."""

import re

import networkx as nx
import pytest

from docs_build import graph, rules
from docs_build.__main__ import REFERENCE, generated
from tests.documents import PAGES, ROOT
from uscl.metrics.registry import METRICS


@pytest.mark.parametrize("name", generated())
def test_the_committed_page_is_that_of_the_program(name):
    assert (REFERENCE / name).read_text(encoding="utf-8") == generated()[name], "run `make docs`"


def test_every_metric_is_in_its_page():
    text = generated()["metrics.md"]
    assert all(f"| `{metric.name}" in text for metric in METRICS)


def test_a_rule_has_its_message_and_its_files_and_a_target_its_docstring():
    text = (
        "# A comment.\n\n\nrule one:\n    input:\n        x,\n    output:\n"
        '        cases=f"<results>/cells/{CELL}/a.csv",\n'
        '        log=report("<results>/b/{task}.md", caption="c.rst"),\n'
        '    message:\n        "Making {wildcards.task}"\n    script:\n        "x.py"\n\n\n'
        'rule two:\n    """All of it."""\n    input:\n        rules.one.output,\n'
    )
    assert rules.rules_of(text) == [
        rules.Rule(
            "one",
            "Making &lt;task>",
            ["<results>/cells/<task>/<regime>/labels<labels>/<arm>/seed<seed>/a.csv", "<results>/b/<task>.md"],
        ),
        rules.Rule("two", "All of it.", []),
    ]


def test_every_rule_of_the_workflow_is_described():
    text = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    found = rules.rules_of(text)
    assert len(found) == len(re.findall("^rule ", text, re.MULTILINE))
    assert [rule.name for rule in found if not rule.message] == []


def test_edges_are_read_from_the_language_of_graphviz():
    dot = 'digraph x {\n\t0[label = "all", color = "0.1"];\n\t1[label = "table"];\n\t1 -> 0\n}\n'
    assert graph.edges_of(dot) == {("table", "all")}


def test_a_rule_lies_below_all_that_it_reads_and_near_them():
    drawn = nx.DiGraph([("a", "c"), ("b", "d"), ("c", "e"), ("d", "e")])
    rows = graph.rows_of(drawn)
    assert [sorted(row) for row in rows] == [["a", "b"], ["c", "d"], ["e"]]
    assert [rows[0].index(name) for name in "ab"] == [rows[1].index(name) for name in "cd"]
    assert graph.svg(drawn) == graph.svg(nx.DiGraph(drawn.edges))


def test_the_drawn_rules_are_those_that_make_files():
    text = "".join(file.read_text() for file in (ROOT / "workflow/rules").glob("*.smk"))
    made = {name for name, body in rules.bodies(text).items() if rules.block(body, "output")}
    drawn = set(re.findall(r">(\w+)</text>", (REFERENCE / "rules.svg").read_text()))
    assert made <= drawn, "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_picture_in_a_page_is_there_and_has_a_text_for_those_who_do_not_see_it(page):
    for words, file in re.findall(r"!\[(.*?)\]\((.*?)\)", page.read_text(encoding="utf-8"), re.DOTALL):
        assert (page.parent / file).is_file(), file
        assert len(words) > 20


@pytest.mark.parametrize(
    "page", [page for page in PAGES if "docs" not in page.parts], ids=lambda page: page.parent.name
)
def test_links_between_files_outside_the_site_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").split()) <= 900

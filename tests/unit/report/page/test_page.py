import re
from html.parser import HTMLParser

import pytest
from report_folder import ARMS, EVALUATIONS, SEEDS, asked, reported, tables

from uscl.report.page.markdown import html_of
from uscl.report.page.page import SIMULATED, claims_page, report_page, table_page
from uscl.report.page.rendering import text_page


class Elements(HTMLParser):
    """The elements of a page as (tag, attributes)."""

    def __init__(self, text):
        super().__init__()
        self.found = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture
def made(tmp_path):
    return reported(tmp_path)


@pytest.fixture
def page(made):
    found, parts = made
    return report_page(asked(), found["table"], found["claims"], parts)


def test_the_page_has_the_answer_the_table_and_every_section(page):
    assert "The primary comparison shows a difference: simclr is worse than imagenet on busi (linear), by 10.0" in page
    assert "70.0 ± 2.0" in page
    assert SIMULATED in page
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings[:4] == [
        "Scores of all arms on all tasks",
        "Details",
        "Claims",
        "Luck of trainings and spread of patients",
    ]
    assert {"Galleries", "Weights of pairs", "Cost", "Data and audit", "Origin", "How to cite"} <= set(headings)
    assert "Us: A benchmark, version 1, 2026." in page
    assert "torch" in page


def test_external_tests_have_a_section_if_there_are_any(made, page):
    assert "External tests" not in page
    found, parts = made
    shown = report_page(asked(), found["table"], found["claims"], parts | {"external": html_of("## busi on clinic")})
    assert '<a href="#external">External tests</a>' in shown
    assert "<h2>busi on clinic</h2>" in shown


def test_nothing_is_loaded_from_elsewhere(page):
    elements = Elements(page)
    assert all(image["src"].startswith("data:image/") for image in elements.of("img"))
    assert not elements.of("link")
    assert all("src" not in script for script in elements.of("script"))
    assert "http" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S).replace("http-equiv", "")
    assert not re.search(r"url\(|@import", page)


def test_every_picture_has_a_text_and_every_link_and_button_a_target(page, tmp_path):
    elements = Elements(page)
    assert all(image["alt"] for image in elements.of("img"))
    ids = [attributes["id"] for _, attributes in elements.found if "id" in attributes]
    assert len(ids) == len(set(ids))
    opened = {attributes["data-opens"] for attributes in elements.of("button") if "data-opens" in attributes}
    assert opened == {dialog["id"] for dialog in elements.of("dialog")} <= set(ids)
    for link in (attributes["href"] for attributes in elements.of("a")):
        if link.startswith("#"):
            assert link[1:] in ids
        elif link.startswith("figures/"):
            assert (tmp_path / link).is_file()


def test_a_cell_opens_the_scores_figures_and_files_of_its_runs(made):
    cells = made[1]["cells"]
    assert [(cell.task, cell.arm) for cell in cells] == [(task, arm) for task, _ in EVALUATIONS for arm in ARMS]
    cell = cells[1]
    assert [(run.seed, run.name, run.scores) for run in cell.runs] == [
        (0, "busi/linear/simclr/seed0", ["50.0"]),
        (1, "busi/linear/simclr/seed1", ["60.0"]),
    ]
    assert [run.pictures[0].link for run in cell.runs] == [
        f"figures/busi-linear/cells/simclr-seed{seed}/fold0_predictions.png" for seed in SEEDS
    ]
    assert [mark.words for mark in cell.verdicts] == ["worse than imagenet"]


def test_a_failed_run_says_why(tmp_path):
    found, parts = reported(tmp_path, {("busi", "simclr", 1): "loss became NaN <b>"})
    assert "Training 1 failed: loss became NaN &lt;b&gt;" in report_page(
        asked(), found["table"], found["claims"], parts
    )


def test_only_arms_whose_weights_vary_have_a_panel(made):
    (only,) = made[1]["weights"]
    assert only.arm == "simclr"
    assert only.verdicts == ["weighting was exercised (2 trainings)"]
    assert [picture.link for picture in only.pictures] == ["figures/pretraining/seed0/simclr/pair_weights.png"]


def test_texts_from_outside_are_escaped(page):
    assert "<code>&lt;b&gt;</code>" in page
    given = tables()
    odd = given["table"].assign(remarks='<img src=x onerror="alert(1)">')
    assert "<img" not in table_page(asked(), odd, given["claims"])


def test_real_data_carry_no_warning_of_simulation(made):
    found, parts = made
    assert SIMULATED not in report_page(asked(simulated=False), found["table"], found["claims"], parts)


def test_the_tables_and_the_claims_are_pages_of_their_own():
    given = tables()
    page = table_page(asked(), given["table"], given["claims"])
    assert "70.0 ± 2.0" in page
    assert not Elements(page).of("dialog")
    assert not [button for button in Elements(page).of("button") if "data-opens" in button]
    assert "<h2>Part</h2>" in claims_page(asked(), given["claims"], html_of("# Title\n\n## Part", title=False))
    assert "<title>A &lt;b&gt;</title>" in text_page("A <b>", html_of("x"))


def test_equal_studies_are_equal_bytes(tmp_path):
    pages = []
    for name in ("one", "other"):
        found, parts = reported(tmp_path / name)
        pages.append(report_page(asked(), found["table"], found["claims"], parts))
    assert pages[0] == pages[1]

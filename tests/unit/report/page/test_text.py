"""Markdown as HTML, and what to cite."""

from pathlib import Path

from uscl.report.page.markdown import html_of
from uscl.report.page.origin import citations
from uscl.report.pages.card_text import plain

ROOT = Path(__file__).parents[4]
TEXT = "# Title\n\n## Part\n\nA *word*.\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n![frames](sheet.png)\n"


def test_headings_move_down_and_the_title_may_be_left_out():
    assert "<h1>Title</h1>" in html_of(TEXT)
    found = html_of(TEXT, lower=2, title=False)
    assert "Title" not in found
    assert "<h4>Part</h4>" in found
    assert "<em>word</em>" in found


def test_a_table_can_be_scrolled_and_pictures_are_left_out():
    found = html_of(TEXT)
    assert found.count('<div class="wide"') == found.count("</table></div>") == 1
    assert "<td>2</td>" in found
    assert "img" not in found


def test_names_from_outside_are_text():
    name = '<script>alert("x")</script> | *a* [b](javascript:c)'
    found = html_of(f"- {plain(name)}\n- {name}\n- `{name}`\n")
    assert "<script" not in found
    assert "href" not in found
    assert found.count("&lt;script&gt;") == 3


def test_the_benchmark_and_both_papers_are_cited():
    own, meta, first = citations(ROOT / "CITATION.cff")
    assert own.startswith("The USCL benchmark authors: USCL benchmark")
    assert "Chen Yixiong, Zhang Chunhui, Ding Chris H. Q., Liu Li: Generating and Weighting" in meta
    assert meta.endswith("IEEE Transactions on Medical Imaging 42(5), 2023, arXiv:2212.04097.")
    assert "MICCAI" in first

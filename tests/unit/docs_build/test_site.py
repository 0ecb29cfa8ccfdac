"""The site is built without a warning, and asks for nothing from elsewhere."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.documents import ROOT

pytest.importorskip("zensical", reason="zensical is not installed: make docs adds it")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site."""
    folder = tmp_path_factory.mktemp("docs")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    for name in ("docs", "docs_build"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    build = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "site"


def test_a_page_loads_nothing_from_elsewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*?\bsrc=\"?(https?:[^\"> ]+)", text)
        loaded += re.findall(r"<link[^>]*?\bhref=\"?(https?:[^\"> ]+)", text)
        assert loaded == [], page


def test_no_style_loads_a_font_or_a_picture_from_elsewhere(site):
    for style in site.rglob("*.css"):
        assert re.findall(r"url\([\"']?(?:https?:)?//[^)]*", style.read_text(encoding="utf-8")) == []


def test_equations_are_mathml(site):
    text = (site / "explanation/method.html").read_text(encoding="utf-8")
    assert text.count("<math") > 20
    assert "$" not in re.sub(r"<(script|style|pre|code).*?</\1>", "", text, flags=re.DOTALL)


def test_a_link_to_nowhere_fails(site):
    page = site.parent / "docs/index.md"
    page.write_text(page.read_text() + "\n[nowhere](nowhere.md)\n")
    build = [sys.executable, "-m", "zensical", "build", "--strict"]
    done = subprocess.run(build, cwd=site.parent, capture_output=True, text=True)
    assert done.returncode != 0

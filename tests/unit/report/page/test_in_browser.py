"""The report in a headless Chromium, as a reader meets it."""

import shutil

import pytest
from report_folder import asked, reported

from uscl.report.page.page import report_page, table_page

WIDTHS = (390, 1440)
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def chromium():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("there is no Chromium: install it, as with apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    found, parts = reported(folder)
    (folder / "report.html").write_text(report_page(asked(), found["table"], found["claims"], parts), encoding="utf-8")
    (folder / "table.html").write_text(table_page(asked(), found["table"], found["claims"]), encoding="utf-8")
    return (folder / "report.html").as_uri()


@pytest.fixture
def page(chromium, address):
    """The report, opened; at the end nothing may have been loaded from elsewhere, and nothing complained."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900})
    page, complaints, loaded = context.new_page(), [], []
    page.set_default_timeout(10_000)
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(address)
    yield page
    assert complaints == []
    assert [url for url in loaded if not url.startswith("data:")] == [address]
    context.close()


def column(page, number):
    """The texts of a column of the details, of the rows that are shown."""
    cells = page.locator(f"table[data-details] tbody tr:not([hidden]) td:nth-child({number})")
    return cells.all_inner_texts()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_wider_than_the_screen_and_no_word_is_broken(page, width, scheme):
    page.set_viewport_size({"width": width, "height": 844})
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    # A word that is broken over lines makes an element narrower than its longest word.
    narrow = """[...document.querySelectorAll("h1, h2, h3, p, li, th, td, dt, summary, figcaption, caption")].filter(
        (each) => each.checkVisibility() && each.scrollWidth > each.clientWidth + 1 && each.clientWidth > 0)"""
    assert page.evaluate(f"{narrow}.map((each) => each.textContent)") == []
    assert page.locator("ol.answer li").first.is_visible()
    assert page.locator("table.grid").get_by_text("70.0 ± 2.0").is_visible()


def test_a_heading_sorts_the_details_up_and_down_by_number(page):
    heading = page.locator("th", has=page.get_by_role("button", name="mean", exact=True))
    page.get_by_role("button", name="mean", exact=True).click()
    up = [float(text) for text in column(page, 5)]
    assert up == sorted(up)
    assert heading.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")  # the button has the focus
    assert [float(text) for text in column(page, 5)] == up[::-1]
    assert heading.get_attribute("aria-sort") == "descending"


def test_what_is_missing_comes_last_in_both_directions(page):
    button = page.get_by_role("button", name="difference", exact=True)
    for _ in range(2):
        button.click()
        texts = column(page, 10)
        missing = texts.count("")
        assert missing
        assert set(texts[-missing:]) == {""}


def test_fields_and_words_filter_the_details(page):
    shown = page.locator("#details-filter output")
    assert shown.inner_text() == "6 of 8 rows"  # without those of single classes
    page.select_option("select[name=arm]", "simclr")
    assert set(column(page, 1)) == {"simclr"}
    page.fill("input[type=search]", "BUSI worse")
    assert column(page, 12) == ["▼ worse than imagenet"]
    assert shown.inner_text() == "1 of 8 rows"
    page.get_by_role("button", name="reset").click()
    page.wait_for_function("document.querySelector('#details-filter output').value === '6 of 8 rows'")
    page.select_option("select[name=metric]", "F1 of benign")
    assert len(column(page, 1)) == 2


def test_a_score_opens_its_figures_and_runs_by_keyboard_and_escape_closes_them(page):
    page.get_by_role("button", name="60.0 ± 2.0").first.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="simclr on busi (linear)")
    assert dialog.is_visible()
    assert dialog.get_by_text("busi/linear/simclr/seed1").is_visible()
    image = dialog.locator("img").first
    image.scroll_into_view_if_needed()
    assert image.evaluate("async (image) => { await image.decode(); return image.naturalWidth; }") == 90
    page.keyboard.press("Escape")
    assert not dialog.is_visible()


def test_on_paper_everything_is_open_and_nothing_is_cut(page):
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 794, "height": 1123})  # A4
    assert page.locator("details:not([open])").count() == 0
    assert not page.locator("nav").is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 794


def test_the_tables_alone_are_sorted_and_filtered_too(chromium, address):
    page = chromium.new_page()
    page.goto(address.replace("report.html", "table.html"))
    page.select_option("select[name=task]", "pocus")
    assert set(column(page, 2)) == {"pocus"}
    page.close()

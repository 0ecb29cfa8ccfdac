import cv2
import pytest

from docs_build.screenshots import browser, take

pytestmark = pytest.mark.browser


def test_a_picture_of_a_page_is_taken(tmp_path):
    pytest.importorskip("playwright", reason="playwright is not installed: make test adds it")
    if browser() is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    page = tmp_path / "page.html"
    page.write_text("<body style='margin: 0; background: rgb(200, 20, 20)'>")
    take(str(page), tmp_path / "page.png", width=60, height=40, wait_s=0)
    picture = cv2.imread(str(tmp_path / "page.png"))
    assert picture.shape == (40, 60, 3)
    assert picture[20, 30].tolist() == [20, 20, 200]

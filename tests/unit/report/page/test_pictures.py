import base64
import io

import numpy as np
import PIL.Image
import pytest

from uscl.report.page.pictures import Pictures


def png(path, width=300, height=200, seed=0):
    """A picture of noise, which hardly compresses."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    PIL.Image.fromarray(pixels).save(path)
    return path


def pixels(picture):
    data = base64.b64decode(picture.source.removeprefix("data:image/webp;base64,"))
    return np.asarray(PIL.Image.open(io.BytesIO(data)))


def test_a_figure_is_embedded_as_it_is_and_links_to_its_file(tmp_path):
    path = png(tmp_path / "figures/busi-knn/roc.png")
    found = Pictures(tmp_path).of(path, "ROC curves")
    np.testing.assert_array_equal(pixels(found), np.asarray(PIL.Image.open(path)))
    assert (found.link, found.alt, found.width, found.height) == ("figures/busi-knn/roc.png", "ROC curves", 300, 200)


def test_a_wide_figure_is_made_smaller(tmp_path):
    found = Pictures(tmp_path).of(png(tmp_path / "a.png"), "", widest=150)
    assert (found.width, found.height) == (150, 100)
    assert pixels(found).shape == (100, 150, 3)


def test_beyond_the_room_there_are_links_only(tmp_path):
    paths = [png(tmp_path / f"{k}.png", seed=k) for k in range(3)]
    small = png(tmp_path / "small.png", 10, 10)
    size = len(Pictures(tmp_path).of(paths[0], "").source)
    found = Pictures(tmp_path, room=int(2.5 * size)).all(dict.fromkeys([*paths, small], ""))
    assert [bool(picture.source) for picture in found] == [True, True, False, True]
    assert sum(len(picture.source) for picture in found) <= 2.5 * size
    assert found[2].link == "2.png"


def test_figures_that_do_not_exist_are_left_out(tmp_path):
    assert Pictures(tmp_path).of(tmp_path / "a.png", "") is None
    assert Pictures(tmp_path).all({tmp_path / "a.png": "", png(tmp_path / "b.png"): "b"})[0].alt == "b"


@pytest.mark.parametrize("exact", [True, False])
def test_equal_figures_are_equal_bytes(tmp_path, exact):
    path = png(tmp_path / "a.png")
    one, other = (Pictures(tmp_path).of(path, "", exact=exact) for _ in range(2))
    assert one == other

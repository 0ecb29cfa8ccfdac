import cv2
import numpy as np
import pandas as pd
import pytest
from audit_sets import texture

from uscl.audit.text import SIDE, burnt_in_text, text_findings


def speckle(seed=0):
    rng = np.random.default_rng(seed)
    return (rng.rayleigh(30, (SIDE, SIDE)).clip(0, 255)).astype(np.uint8)


def written_on(image, text, place=(60, 400), scale=0.6):
    return cv2.putText(image.copy(), text, place, cv2.FONT_HERSHEY_DUPLEX, scale, 255, 1, cv2.LINE_AA)


@pytest.mark.parametrize("text", ["RT BREAST", "LEFT AXILLA", "DEPTH 16.0"])
@pytest.mark.parametrize("ground", [np.zeros((SIDE, SIDE), np.uint8), speckle()])
def test_words_are_found(text, ground):
    assert burnt_in_text(written_on(ground, text))


@pytest.mark.parametrize("image", [np.zeros((SIDE, SIDE), np.uint8), speckle(1), speckle(2), texture(3, SIDE)])
def test_pictures_without_words_give_no_warning(image):
    assert not burnt_in_text(image)


def test_lines_and_callipers_are_not_words():
    image = speckle(3)
    cv2.line(image, (50, 100), (450, 130), 255, 1)
    for x in (60, 200, 420):
        cv2.drawMarker(image, (x, 300), 255, cv2.MARKER_CROSS, 14, 1)
    assert not burnt_in_text(image)


def test_a_warning_names_the_file_and_missing_files_are_skipped(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), written_on(speckle(), "RIGHT BREAST"))
    cv2.imwrite(str(tmp_path / "b.png"), speckle())
    rows = [(n, name, f"{name}.png", name, "benign") for n, name in enumerate("abc")]
    manifest = pd.DataFrame(rows, columns=["row", "video", "file", "group", "label"])
    manifest = manifest.assign(top=0, left=0, height=SIDE, width=SIDE)
    found = text_findings("breast", manifest, tmp_path, workers=2)
    assert found[["kind", "level", "video_a", "row_a"]].values.tolist() == [["burnt-in text", "warning", "a", 0]]


def test_text_outside_of_the_crop_is_gone(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.hstack([written_on(speckle(), "RIGHT BREAST"), speckle(5)]))
    row = {"row": 0, "video": "a", "file": "a.png", "group": "a", "label": "", "top": 0, "height": SIDE}
    for left, warnings in ((0, 1), (SIDE, 0)):
        manifest = pd.DataFrame([row | {"left": left, "width": SIDE}])
        assert len(text_findings("breast", manifest, tmp_path, workers=1)) == warnings

"""Display matrices: each of the eight orientations gives the picture that a player shows."""

import numpy as np
import pytest
from video_files import quarters, write_film

from uscl.data.decode.image import fit_image
from uscl.data.decode.video import decode

ONE = 1 << 16


def turned(picture, degrees, hflip, vflip):
    """The picture as a player shows it: turned against the clock, then mirrored."""
    shown = np.rot90(picture, degrees // 90)
    shown = shown[:, ::-1] if hflip else shown
    return np.ascontiguousarray(shown[::-1] if vflip else shown)


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".mkv"])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_a_turned_video_is_upright(tmp_path, suffix, degrees):
    path = write_film(tmp_path / f"a{suffix}", quarters(), turn={"degrees": degrees})
    clip = decode(path, 32, None, None)
    expected = turned(quarters()[0], degrees, False, False)
    assert clip.picture.tolist() == [[0, 0, *expected.shape]] * 4
    np.testing.assert_allclose(clip.frames[0].astype(int), fit_image(expected, 32), atol=12)
    assert np.abs(clip.frames[0].astype(int) - fit_image(expected, 32)).mean() < 1.5
    assert clip.note == ""


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize(("hflip", "vflip"), [(True, False), (False, True), (True, True)])
def test_a_mirrored_video_is_shown_as_players_show_it(tmp_path, degrees, hflip, vflip):
    turn = {"degrees": degrees, "hflip": hflip, "vflip": vflip}
    clip = decode(write_film(tmp_path / "a.mp4", quarters(), turn=turn), 33, None, None)
    expected = fit_image(turned(quarters()[0], degrees, hflip, vflip), 33)  # an odd size: the letterbox is not even
    assert np.abs(clip.frames[0].astype(int) - expected).mean() < 1.5


def test_a_turn_that_is_no_quarter_is_rounded_with_a_remark(tmp_path):
    clip = decode(write_film(tmp_path / "a.mp4", quarters(), turn={"degrees": 100}), 32, None, None)
    assert np.abs(clip.frames[0].astype(int) - fit_image(turned(quarters()[0], 90, False, False), 32)).mean() < 1.5
    assert clip.note == "turned by its display matrix, but to a multiple of 90 degrees only"
    slight = decode(write_film(tmp_path / "b.mp4", quarters(), turn={"degrees": 90.5}), 32, None, None)
    assert slight.note == ""


def test_a_matrix_that_also_scales_turns_all_the_same(tmp_path):
    matrix = [0, 2 * ONE, 0, -2 * ONE, 0, 0, 0, 0, 1 << 30]
    clip = decode(write_film(tmp_path / "a.mp4", quarters(), matrix=matrix), 32, None, None)
    assert np.abs(clip.frames[0].astype(int) - fit_image(turned(quarters()[0], 270, False, False), 32)).mean() < 1.5

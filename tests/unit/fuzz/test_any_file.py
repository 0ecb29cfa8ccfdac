"""Damaged and odd files are read, or refused with a reason; `python -m tests.fuzz` tries thousands in processes."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.fuzz.cases import READ, REFUSED, drawn_case, tried
from tests.fuzz.mutations import MUTATIONS
from tests.fuzz.seeds import write_seeds
from uscl.base.errors import UserError
from uscl.data.decode.image import read_image
from uscl.data.decode.masks import read_masks
from uscl.data.decode.video import BadMedia
from uscl.data.picture_box import Box
from uscl.data.sources.unpack import unpack


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    """A file of every format."""
    return write_seeds(tmp_path_factory.mktemp("seeds"))


def test_whole_files_are_read_and_damaged_ones_read_or_refused(seeds, tmp_path):
    for form, path in seeds.items():
        case = drawn_case(seeds, 0, 0)._replace(form=form, name=f"case{path.suffix}", data=path.read_bytes())
        assert tried(case, tmp_path).verdict == READ, form
    verdicts = set()
    for index in range(6 * len(seeds)):
        case = drawn_case(seeds, 7, index)
        result = tried(case, tmp_path)
        assert result.verdict in (READ, REFUSED), (index, case.form, case.mutation, result.words)
        assert "\n" not in result.words
        verdicts.add(result.verdict)
    assert verdicts == {READ, REFUSED}


def test_a_seed_always_gives_the_same_damage(seeds):
    cases = [[drawn_case(seeds, 3, index) for index in range(40)] for _ in range(2)]
    assert cases[0] == cases[1]
    assert len({case.mutation for case in cases[0]}) == len(MUTATIONS)


masks = arrays.arrays(
    st.sampled_from([np.uint8, np.uint16]),
    st.tuples(st.integers(1, 9), st.integers(1, 9))
    | st.tuples(st.integers(1, 9), st.integers(1, 9), st.sampled_from([3, 4])),
)


@given(
    masks, st.sampled_from([".png", ".tif", ".bmp", ".jpg"]), st.integers(1, 9), st.integers(1, 9), st.integers(1, 20)
)
def test_any_picture_as_a_mask_is_binary_or_refused(tmp_path, mask, suffix, height, width, size):
    path = tmp_path / "mask.png"
    written, data = cv2.imencode(suffix, mask if suffix in (".png", ".tif") else mask.astype(np.uint8))
    assert written
    path.write_bytes(data.tobytes())
    try:
        found, *_ = read_masks([path, path], (height, width), size, Box(0, 0, height, width))
    except BadMedia as error:
        assert str(error).startswith("the mask mask.png")  # noqa: PT017 - either will do
        assert mask.shape[:2] != (height, width) or "its values are" in str(error)  # noqa: PT017
    else:
        assert found.shape == (size, size)
        assert found.dtype == np.uint8


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"RIFF\0\0\0\0WEBP"]),
)
def test_any_bytes_are_no_picture(tmp_path, data, head):
    (tmp_path / "a.png").write_bytes(head + data)
    with pytest.raises(BadMedia):
        read_image(tmp_path / "a.png")


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\3\4", b"PK\5\6" + bytes(18), b"\x1f\x8b\x08\0", bytes(512)]))
def test_any_bytes_are_no_archive(tmp_path, data, head):
    (tmp_path / "a.zip").write_bytes(head + data)
    with pytest.raises(UserError):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]

"""Tables with any damage are read whole, or refused with one UserError."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from stores import sound_manifest

from uscl.base.errors import UserError
from uscl.data.manifest import MANIFEST, MANIFEST_FILE, read_manifest, read_problems, write_manifest
from uscl.data.readers.shared.tables import named_files, read_table
from uscl.data.readers.video_folder import read as read_videos
from uscl.data.store import FrameStore, mapped_array
from uscl.data.units import NOUNS

# What a table can carry: no lone surrogates, nor what its head as a CSV would turn into a new line.
words = st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), min_size=1, max_size=8)


@st.composite
def manifests(draw):
    """A sound manifest with names of any letters."""
    count = draw(st.integers(1, 6))
    rows = st.fixed_dictionaries(
        {
            **dict.fromkeys(("dataset", "video", "group", "file"), words),
            **dict.fromkeys(("label", "part", "source", "organ", "event", "patient"), words | st.just("")),
            "unit": st.sampled_from(list(NOUNS)),
            "frame": st.integers(0, 2**40),
            "time_s": st.floats(0, 1e6),
            **dict.fromkeys(("height", "width", "box_height", "box_width"), st.integers(1, 2**40)),
            **dict.fromkeys(("top", "left", "box_top", "box_left"), st.integers(0, 2**40)),
            "colour": st.floats(0, 1),
            "mm_per_pixel": st.floats(1e-9, 1e3) | st.just(float("nan")),
            **dict.fromkeys(("state", "second_state"), st.floats(0, 1) | st.just(float("nan"))),
            **dict.fromkeys(("source_sha256", "sha256"), st.sampled_from(["0" * 64, "ab" * 32])),
        }
    )
    table = pd.DataFrame(draw(st.lists(rows, min_size=count, max_size=count)))
    table["row"] = np.arange(count)
    table["case"] = draw(st.lists(words, min_size=count, max_size=count, unique=True))
    text = [name for name, column in MANIFEST.columns.items() if column.dtype == "str"]
    return table[list(MANIFEST.columns)].astype(dict.fromkeys(text, "str"))


@given(manifests())
def test_a_manifest_comes_back_as_it_was_written(tmp_path, table):
    write_manifest(table, tmp_path)
    pd.testing.assert_frame_equal(read_manifest(tmp_path / MANIFEST_FILE), table)


damage = st.tuples(st.integers(0, 10_000), st.integers(0, 60), st.binary(max_size=40))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of the files of a store, and of a table of problems."""
    folder = tmp_path_factory.mktemp("whole")
    write_manifest(sound_manifest(2, size=4), folder)
    np.save(folder / "frames.npy", np.zeros((2, 4, 4), np.uint8))
    (folder / "problems.csv").write_text("dataset,file,action,reason\nd,a.mp4,kept,only one frame\n")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@given(damage)
def test_a_damaged_manifest_is_refused_or_as_it_was(tmp_path, whole, damage):
    path = tmp_path / MANIFEST_FILE
    path.write_bytes(damaged(whole[MANIFEST_FILE], *damage))
    try:
        table = read_manifest(path)
    except UserError as error:
        assert str(tmp_path) in str(error)  # noqa: PT017 - either will do
    else:
        pd.testing.assert_frame_equal(table, sound_manifest(2, size=4))


@given(damage)
def test_a_damaged_list_of_problems_is_read_or_refused(tmp_path, whole, damage):
    path = tmp_path / "problems.csv"
    path.write_bytes(damaged(whole["problems.csv"], *damage))
    try:
        read_problems(path)
    except UserError as error:
        assert "problems.csv" in str(error)  # noqa: PT017 - either will do


@given(damage)
def test_a_damaged_array_is_read_or_refused(tmp_path, whole, damage):
    path = tmp_path / "frames.npy"
    path.write_bytes(damaged(whole["frames.npy"], *damage))
    try:
        array = mapped_array(path)
    except UserError as error:
        assert "frames.npy" in str(error)  # noqa: PT017 - either will do
    else:
        assert array.nbytes <= path.stat().st_size
        (tmp_path / MANIFEST_FILE).write_bytes(whole[MANIFEST_FILE])
        (tmp_path / "masks.npy").write_bytes(whole["frames.npy"])
        if array.shape != (2, 4, 4):
            with pytest.raises(UserError):
                FrameStore.open(tmp_path)


def damaged(data, start, length, noise):
    """A piece of the file replaced."""
    start %= len(data)
    return data[:start] + noise + data[start + length :]


cells = st.text(max_size=12) | st.sampled_from(["a.mp4", "../a.mp4", "/a.mp4", "C:\\a", "b/a.mp4", "A.MP4", "", '"'])


@given(
    st.lists(st.lists(cells, max_size=4), max_size=5), st.binary(max_size=30), st.sampled_from([",", ";", "\t", '","'])
)
def test_a_users_table_is_read_or_refused(tmp_path, rows, noise, comma):
    path = tmp_path / "table.csv"
    lines = ["file,group,label", *(comma.join(row) for row in rows)]
    path.write_bytes("\n".join(lines).encode("utf-8", "surrogatepass") + noise)
    try:
        table = read_table(path, ["file", "group"])
        named_files(path, table["file"], ["a.mp4", "b/a.mp4", "c.mp4"])
    except UserError as error:
        assert "table.csv" in str(error)  # noqa: PT017 - either will do
    else:
        assert table.map(lambda cell: isinstance(cell, str)).all(axis=None)


@given(st.lists(st.lists(cells, max_size=3), max_size=4))
def test_a_folder_with_such_a_table_is_listed_or_refused(tmp_path, rows):
    for name in ("a.mp4", "b/a.mp4"):
        (tmp_path / "root" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "root" / name).touch()
    lines = ["file,group,label", *(",".join(row) for row in rows)]
    (tmp_path / "root/table.csv").write_bytes("\n".join(lines).encode("utf-8", "surrogatepass"))
    try:
        found = read_videos(tmp_path / "root", table="table.csv")
    except UserError:
        return
    assert set(found.files["file"]) <= {"a.mp4", "b/a.mp4"}
    assert (found.files["group"] != "").all()

"""Tables keep their types: ids stay text, empty cells stay empty text, and wrong tables are refused."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from stores import sound_manifest

from uscl.base.errors import UserError
from uscl.data.manifest import (
    MANIFEST,
    MANIFEST_FILE,
    PROBLEMS,
    read_manifest,
    read_problems,
    write_manifest,
    write_table,
)


def table():
    """Two frames with names that a table may spoil, and all that may be known about a picture."""
    return sound_manifest(
        2,
        case=["037#0", "037#5"],
        video="037",
        patient=["", "037"],
        group="37",
        unit=["video", "patient"],
        label=["", "NA"],
        part=["", "fold 1"],
        source=["", "null"],
        frame=[0, 5],
        left=[0, 3],
        mm_per_pixel=[0.12, np.nan],
        box_top=[0, 1],
        box_height=[8, 6],
        file=['ä, "b".mp4', "1e5"],
        event=["", "null"],
        state=[0.123457, np.nan],
        second_state=[0.5, np.nan],
    )


def test_a_manifest_comes_back_as_it_was(tmp_path):
    write_manifest(table(), tmp_path)
    back = read_manifest(tmp_path / MANIFEST_FILE)
    pd.testing.assert_frame_equal(back, table())
    assert back["group"].tolist() == ["37", "37"]
    assert back["patient"].tolist() == ["", "037"]
    assert back["label"].tolist() == ["", "NA"]
    assert back["row"].dtype == np.int64
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.parquet", "manifest_head.csv"]


def test_the_first_rows_can_be_read_by_eye(tmp_path):
    write_manifest(sound_manifest(1_500), tmp_path)
    lines = (tmp_path / "manifest_head.csv").read_text().splitlines()
    assert len(lines) == 1_001
    assert lines[0] == ",".join(MANIFEST.columns)
    assert len(read_manifest(tmp_path / MANIFEST_FILE)) == 1_500


def test_problems_may_have_only_a_header(tmp_path):
    empty = pd.DataFrame(columns=list(PROBLEMS.columns), dtype="str")
    write_table(empty, PROBLEMS, tmp_path / "problems.csv")
    assert (tmp_path / "problems.csv").read_text() == "dataset,file,action,reason\n"
    assert read_problems(tmp_path / "problems.csv").empty


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("row", [1, 0]),
        ("case", ["a", "a"]),
        ("group", ["", "37"]),
        ("unit", ["patient", ""]),
        ("unit", ["patient", "woman"]),
        ("sha256", ["A", "b"]),
        ("time_s", [0.0, -1.0]),
        ("height", [480, 0]),
        ("state", ["most", "none"]),
        ("mm_per_pixel", [0.0, 1.0]),
        ("box_top", [-1, 0]),
    ],
)
def test_a_wrong_manifest_is_not_written(tmp_path, column, value):
    with pytest.raises(ValueError, match=column):
        write_manifest(table().assign(**{column: value}), tmp_path)
    assert not list(tmp_path.iterdir())


def test_an_unknown_action_is_refused(tmp_path):
    row = pd.DataFrame([["d", "f", "deleted", "r"]], columns=list(PROBLEMS.columns))
    with pytest.raises(ValueError, match="action"):
        write_table(row, PROBLEMS, tmp_path / "problems.csv")


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(UserError, match=r"manifest\.parquet does not exist"):
        read_manifest(tmp_path / MANIFEST_FILE)


def test_a_store_of_an_older_version_is_extracted_again(tmp_path):
    (tmp_path / "manifest.csv").write_text("row,case\n0,a\n")
    with pytest.raises(UserError, match="is a frame store of an older version of this program: extract again"):
        read_manifest(tmp_path / MANIFEST_FILE)


@pytest.mark.parametrize("version", ["1", "3", "ä"])
def test_a_store_of_another_version_is_named(tmp_path, version):
    write_manifest(table(), tmp_path)
    content = pq.read_table(tmp_path / MANIFEST_FILE).replace_schema_metadata({"uscl_frame_store": version})
    pq.write_table(content, tmp_path / MANIFEST_FILE)
    told = f"is a frame store of version {version}, but this program reads version 2: extract again"
    with pytest.raises(UserError, match=told):
        read_manifest(tmp_path / MANIFEST_FILE)


@pytest.mark.parametrize("content", [b"", b"row,case\n0,a\n", b"PAR1PAR1"])
def test_what_is_no_table_is_refused(tmp_path, content):
    (tmp_path / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(UserError, match=r"manifest\.parquet was not written by this program, or is damaged"):
        read_manifest(tmp_path / MANIFEST_FILE)


def test_a_foreign_table_is_refused(tmp_path):
    table().to_parquet(tmp_path / MANIFEST_FILE)
    with pytest.raises(UserError, match=r"was not written by this program, .*names no version"):
        read_manifest(tmp_path / MANIFEST_FILE)


@pytest.mark.parametrize("change", [{"extra": "", "event": None}, {"extra": ""}, {"event": None}, {"frame": 0.5}])
def test_other_columns_are_refused(tmp_path, change):
    wrong = table().assign(**change).drop(columns=[name for name, value in change.items() if value is None])
    content = pa.Table.from_pandas(wrong, preserve_index=False).replace_schema_metadata({"uscl_frame_store": "2"})
    pq.write_table(content, tmp_path / MANIFEST_FILE)
    with pytest.raises(UserError, match="was not written by this program"):
        read_manifest(tmp_path / MANIFEST_FILE)


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "row\nx\n"])
def test_a_foreign_list_of_problems_is_refused(tmp_path, text):
    (tmp_path / "problems.csv").write_text(text)
    with pytest.raises(UserError, match=r"problems\.csv was not written by this program"):
        read_problems(tmp_path / "problems.csv")

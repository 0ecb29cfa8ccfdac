"""Tables keep their types: ids stay text, empty cells stay empty text, and wrong tables are refused."""

import numpy as np
import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.data.manifest import MANIFEST, PROBLEMS, read_manifest, read_problems, write_table


def table():
    return pd.DataFrame(
        {
            "row": [0, 1],
            "case": ["037#0", "037#5"],
            "dataset": ["d", "d"],
            "video": ["037", "037"],
            "patient": ["", "037"],
            "group": ["37", "37"],
            "unit": ["video", "patient"],
            "label": ["", "NA"],
            "frame": [0, 5],
            "time_s": [0.0, 0.2],
            "height": [480, 480],
            "width": [640, 640],
            "file": ['ä, "b".mp4', "1e5"],
            "source_sha256": ["0" * 64, "1" * 64],
            "sha256": ["a" * 64, "b" * 64],
            "organ": ["", ""],
            "event": ["", "null"],
            "state": [0.123457, np.nan],
            "second_state": [0.5, np.nan],
        }
    )


def test_a_manifest_comes_back_as_it_was(tmp_path):
    write_table(table(), MANIFEST, tmp_path / "manifest.csv")
    back = read_manifest(tmp_path / "manifest.csv")
    pd.testing.assert_frame_equal(back, table())
    assert back["group"].tolist() == ["37", "37"]
    assert back["patient"].tolist() == ["", "037"]
    assert back["label"].tolist() == ["", "NA"]
    assert back["row"].dtype == np.int64
    assert [path.name for path in tmp_path.iterdir()] == ["manifest.csv"]


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
    ],
)
def test_a_wrong_manifest_is_not_written(tmp_path, column, value):
    with pytest.raises(ValueError, match=column):
        write_table(table().assign(**{column: value}), MANIFEST, tmp_path / "manifest.csv")
    assert not list(tmp_path.iterdir())


def test_an_unknown_action_is_refused(tmp_path):
    row = pd.DataFrame([["d", "f", "deleted", "r"]], columns=list(PROBLEMS.columns))
    with pytest.raises(ValueError, match="action"):
        write_table(row, PROBLEMS, tmp_path / "problems.csv")


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(UserError, match=r"manifest\.csv does not exist"):
        read_manifest(tmp_path / "manifest.csv")


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "row\nx\n"])
def test_a_foreign_table_is_refused(tmp_path, text):
    (tmp_path / "manifest.csv").write_text(text)
    with pytest.raises(UserError, match=r"manifest\.csv was not written by this program"):
        read_manifest(tmp_path / "manifest.csv")


def test_a_column_too_few_or_too_many_is_refused(tmp_path):
    for wrong in (table().drop(columns="event"), table().assign(extra="")):
        wrong.to_csv(tmp_path / "manifest.csv", index=False)
        with pytest.raises(UserError, match="was not written by this program"):
            read_manifest(tmp_path / "manifest.csv")

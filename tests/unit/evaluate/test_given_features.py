"""Features from a file: its vectors in the order of the store, and one sentence per fault."""

import numpy as np
import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.evaluate.given_features import given_features

CASES = {"lung": pd.Series(["a", "b", "c"]), "breast": pd.Series(["d", "e"])}


def table(**changes):
    """A file with vectors of all cases but c, which no task needs."""
    frame = pd.DataFrame({"case": ["e", "b", "a", "d"], "vector": [[5.0, 5.5], [2.0, 2.5], [1.0, 1.5], [4.0, 4.5]]})
    return frame.assign(**changes)


def read(folder, frame, dataset="lung", needed=("a", "b"), cases=CASES):
    path = folder / "mine.parquet"
    frame.to_parquet(path)
    return given_features(path, dataset, cases, needed)


def test_vectors_come_in_the_order_of_the_store_and_frames_without_one_have_none(tmp_path):
    found = read(tmp_path, table())
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [[1, 1.5], [2, 2.5], [np.nan, np.nan]])
    np.testing.assert_array_equal(read(tmp_path, table(), "breast", ["d", "e"]), [[4, 4.5], [5, 5.5]])


def test_a_case_of_two_data_sets_needs_a_column_that_says_which(tmp_path):
    cases = {"lung": pd.Series(["a", "b"]), "breast": pd.Series(["a", "e"])}
    frame = pd.DataFrame({"case": ["a", "b", "e"], "vector": [[1.0]] * 3})
    with pytest.raises(UserError, match=r"mine\.parquet: case a may be of several data sets \(lung, breast\): add a"):
        read(tmp_path, frame, cases=cases)
    named = pd.concat([frame, frame[:1].assign(vector=[[7.0]])]).assign(dataset=["lung", "lung", "breast", "breast"])
    np.testing.assert_array_equal(read(tmp_path, named, "breast", ["a"], cases), [[7], [1]])
    np.testing.assert_array_equal(read(tmp_path, named, "lung", ["a"], cases), [[1], [1]])


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (table()[:1], "lacks cases a, b of data set lung: add a row for each."),
        (pd.concat([table(), table()[2:3]]), "has case a more than once: keep one row of each."),
        (table(case=["e", "b", "a", "x"]), "has case x, which data set lung doesn't have: remove these rows."),
        (
            table(dataset="liver"),
            "has rows of data set 'liver', but no task of the arm is on it (only on lung, b",
        ),
        (
            table(seed=0),
            "has a column seed, but every training of the study probes the same vectors: give",
        ),
        (table().drop(columns="vector"), "has no column vector, but only case: add it"),
        (table(vector=[[1.0]] * 3 + [[1.0, 2.0]]).assign(case=list("ebda")), "the vector of case a has 2 numbers, but"),
        (table(vector=[[1.0], [1.0], [np.inf], [1.0]]), "the vector of case a holds NaN, infinite or missing numbers"),
        (table(vector=[[1.0], [], None, [1.0]]), "has no vector for cases b, a: fill in the column vector."),
        (table(vector=None), "has no vector for cases b, a: fill in the column vector."),
        (table(vector=["1 2"] * 4), "its column vector holds large_string, not lists of numbers"),
        (table(vector=[["x"]] * 4), "its column vector holds list<element: string>, not lists of numbers"),
    ],
)
def test_a_fault_is_one_sentence_that_names_the_file(tmp_path, frame, sentence):
    with pytest.raises(UserError) as caught:
        read(tmp_path, frame)
    assert str(caught.value).startswith(f"{tmp_path}/mine.parquet")
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"case,vector\n1,2\n", None])
def test_a_file_that_is_no_table_or_missing_is_named(tmp_path, content):
    path = tmp_path / "mine.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"mine\.parquet (can't be read as a table|doesn't exist)"):
        given_features(path, "lung", CASES, ["a"])

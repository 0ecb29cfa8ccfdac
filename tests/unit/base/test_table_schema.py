"""The error for an invalid table names the wrong column and what it must be."""

import pandas as pd
import pytest

from uscl.base.table_schema import NOT_EMPTY, NOT_NEGATIVE, SHA256, UNIQUE, Column, TableSchema, one_of

SCHEMA = TableSchema(
    {
        "case": Column("str", NOT_EMPTY, UNIQUE),
        "level": Column("str", one_of("leak", "warning")),
        "frames": Column("int64", NOT_NEGATIVE),
        "distance": Column("float64", gaps=True),
        "mirrored": Column("bool"),
        "sha256": Column("str", SHA256),
    }
)


def table(**changed):
    columns = {"case": ["037", "NA"], "level": ["leak", "warning"], "frames": [0, 2], "distance": [0.5, None]}
    return pd.DataFrame(columns | {"mirrored": [True, False], "sha256": ["0" * 64, "ab" * 32]} | changed)


def test_a_table_comes_back_from_csv_as_it_was(tmp_path):
    table().to_csv(tmp_path / "table.csv", index=False)
    pd.testing.assert_frame_equal(SCHEMA.read(tmp_path / "table.csv"), table())


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("case", ["", "a"], "'case' must be not empty, but holds ''"),
        ("case", ["a", "a"], "'case' must be unique, but holds 'a'"),
        ("case", [1, 2], "'case' has type int64, not str"),
        ("case", ["a", None], "'case' has a missing value"),
        ("level", ["leak", "worse"], "'level' must be one of leak, warning, but holds 'worse'"),
        ("frames", [0, -1], "'frames' must be 0 or more, but holds"),
        ("frames", [0.0, 1.0], "'frames' has type float64, not int64"),
        ("mirrored", ["yes", "no"], "'mirrored' has type"),
        ("sha256", ["0" * 64, "0" * 63], "'sha256' must be a SHA-256"),
        ("sha256", ["0" * 64, "0" * 64 + "\n"], "'sha256' must be a SHA-256"),
    ],
)
def test_a_wrong_column_is_named_with_what_it_must_be(column, values, message):
    with pytest.raises(ValueError, match=message):
        SCHEMA.validate(table(**{column: values}))


def test_columns_come_in_order_and_no_other():
    for wrong in (table().iloc[:, ::-1], table(more=1)):
        with pytest.raises(ValueError, match="its columns are"):
            SCHEMA.validate(wrong)


def test_a_table_of_no_rows_may_have_columns_of_no_type():
    assert TableSchema({"reason": Column("str", NOT_EMPTY)}).validate(pd.DataFrame(columns=["reason"])).empty

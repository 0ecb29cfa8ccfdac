"""Tables between jobs: read as written, and a damaged one is named."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.base.tables import read_csv, read_parquet


def test_a_table_comes_back_and_a_damaged_one_is_named(tmp_path):
    path, table = tmp_path / "a.parquet", pd.DataFrame({"case": ["a", "b"], "p": [0.25, 0.5]})
    table.to_parquet(path)
    pd.testing.assert_frame_equal(read_parquet(path), table, check_dtype=False)
    whole = path.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:-4] + b"text"):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"a\.parquet is damaged or missing: remove it and run again"):
            read_parquet(path)
    path.unlink()
    with pytest.raises(UserError, match=r"a\.parquet is damaged or missing"):
        read_parquet(path)


NAMES = ["NA", "nan", "None", "null", "true", "True", "007", "1e3", "N/A", "-", "0x10", "__proto__"]


def test_a_csv_comes_back_as_it_was_written_whatever_its_names_are(tmp_path):
    path = tmp_path / "a.csv"
    table = pd.DataFrame(
        {
            "arm": NAMES,
            "commit": ["1234567"] * len(NAMES),
            "seeds": "0",
            "mean": [0.1 + k / 3 for k in range(len(NAMES))],
            "n": range(len(NAMES)),
            "primary": [True, False] * (len(NAMES) // 2),
            "reason": np.nan,
            "deterministic": NAMES,
            "reference_trainings": 1,
        }
    )
    table.loc[0, "mean"] = np.nan
    table.loc[1, "mean"] = np.inf
    table.to_csv(path, index=False)
    found = read_csv(path)
    pd.testing.assert_frame_equal(found, table, check_dtype=False)
    assert found["reason"].isna().all()
    assert (found["primary"].dtype, found["n"].dtype, found["mean"].dtype) == (bool, "int64", "float64")
    table.drop(columns="reference_trainings").assign(deterministic=True).to_csv(path, index=False)
    assert read_csv(path)["deterministic"].dtype == bool
    found.to_csv(tmp_path / "b.csv", index=False)
    table.to_csv(path, index=False)
    assert path.read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_csv_that_is_missing_or_empty_is_named(tmp_path):
    with pytest.raises(UserError, match=r"a\.csv is damaged or missing"):
        read_csv(tmp_path / "a.csv")
    (tmp_path / "a.csv").touch()
    with pytest.raises(UserError, match=r"a\.csv is damaged or missing"):
        read_csv(tmp_path / "a.csv")


def test_every_csv_of_a_result_is_read_with_types():
    """Other readers name their types themselves, or read what this project didn't write."""
    root = Path(__file__).parents[3]
    own = {"uscl/base/tables.py", "uscl/base/table_schema.py", "uscl/data/splits.py"}
    foreign = {"uscl/data/readers/shared/tables.py", "uscl/tracking/read_runs.py", "uscl/report/pages/audit_page.py"}
    foreign |= {"uscl/evaluate/given_tables.py"}
    files = [path for folder in ("uscl", "workflow") for path in (root / folder).rglob("*.py")]
    found = {str(path.relative_to(root)) for path in files if "pd.read_csv(" in path.read_text(encoding="utf-8")}
    assert found == own | foreign

"""Tables between jobs: read as written, and a damaged one is named."""

import pandas as pd
import pytest

from uscl.base.errors import UserError
from uscl.base.tables import read_parquet


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

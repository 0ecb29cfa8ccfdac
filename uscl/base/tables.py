"""Read the tables that jobs exchange; a damaged file raises one sentence."""

from pathlib import Path

import pandas as pd

from uscl.base.errors import UserError


def read_parquet(path: str | Path) -> pd.DataFrame:
    """Read a table as it was written. Raises UserError if the file is damaged or missing."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # Arrow's errors have these types; their texts are about magic bytes
        raise UserError(f"{path} is damaged or missing: remove it and run again to recreate it.") from error

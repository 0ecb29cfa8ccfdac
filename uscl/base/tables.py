"""Tables between jobs, read with one sentence for a file that is damaged."""

from pathlib import Path

import pandas as pd

from uscl.base.errors import UserError


def read_parquet(path: str | Path) -> pd.DataFrame:
    """A table as it was written. Raises UserError for a damaged or missing file."""
    try:
        return pd.read_parquet(path)
    except (OSError, ValueError) as error:  # Arrow's own are of these kinds; its words speak of footers and magic bytes
        raise UserError(f"{path} is damaged or missing: remove it and run again, and it is made anew.") from error

"""The tables of a frame store: its frames (manifest.csv) and the files with a problem (problems.csv)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa

from uscl.base.errors import UserError
from uscl.base.files import written

NUMBERS = {"row": "int64", "frame": "int64", "time_s": "float64"}  # every other column is text
SHA256 = pa.Check.str_matches(r"^[0-9a-f]{64}$")
NOT_EMPTY = pa.Check.str_length(min_value=1)

MANIFEST = pa.DataFrameSchema(
    {
        "row": pa.Column("int64", pa.Check(lambda row: row == np.arange(len(row))), description="row of frames.npy"),
        "case": pa.Column("str", NOT_EMPTY, unique=True, description="the frame: video#frame, or the image"),
        "dataset": pa.Column("str", NOT_EMPTY),
        "video": pa.Column("str", NOT_EMPTY, description="the source file's name within its data set"),
        "group": pa.Column("str", NOT_EMPTY, description="patient or series; never split"),
        "label": pa.Column("str", description='class; "" where unlabelled'),
        "frame": pa.Column("int64", pa.Check.ge(0), description="number of the frame in the source file"),
        "time_s": pa.Column("float64", pa.Check.ge(0), description="seconds since the first frame"),
        "file": pa.Column("str", NOT_EMPTY, description="path relative to the data set's folder"),
        "source_sha256": pa.Column("str", SHA256, description="of the source file"),
        "sha256": pa.Column("str", SHA256, description="of the stored frame's pixels"),
        "organ": pa.Column("str", description='what the simulator drew; "" for real data'),
        "event": pa.Column("str", description='what happens in the simulated frame; "" for real data'),
    },
    strict=True,
    ordered=True,
)

PROBLEMS = pa.DataFrameSchema(
    {
        "dataset": pa.Column("str", NOT_EMPTY),
        "file": pa.Column("str", NOT_EMPTY),
        "action": pa.Column("str", pa.Check.isin(["set aside", "left out", "kept"])),
        "reason": pa.Column("str", NOT_EMPTY),
    },
    strict=True,
    ordered=True,
)


def write_table(table: pd.DataFrame, schema: pa.DataFrameSchema, path: Path) -> None:
    """Check a table against its schema and write it as CSV, whole or not at all."""
    table = schema.validate(table)
    with written(path) as beside:
        table.to_csv(beside, index=False, lineterminator="\n")


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest of a frame store; ids stay text ("037"), empty cells stay "". Raises UserError."""
    return read_checked(path, MANIFEST)


def read_problems(path: Path) -> pd.DataFrame:
    """The files that an extraction set aside, left out or kept with a remark. Raises UserError."""
    return read_checked(path, PROBLEMS)


def read_checked(path: Path, schema: pa.DataFrameSchema) -> pd.DataFrame:
    """A table with the types of its schema, checked against it."""
    dtypes = {name: NUMBERS.get(name, "str") for name in schema.columns}
    try:
        table = pd.read_csv(path, dtype=dtypes, keep_default_na=False)
        if list(table.columns) != list(schema.columns):
            raise ValueError(f"its columns are {', '.join(table.columns)}")
        return schema.validate(table)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: run the extraction that writes it.") from error
    except (pa.errors.SchemaError, ValueError) as error:
        problem = str(error).splitlines()[0]
        raise UserError(f"{path} is not what this program writes ({problem}): extract again.") from error

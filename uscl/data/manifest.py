"""The tables of a frame store: its frames (manifest.csv) and the files with a problem (problems.csv)."""

from pathlib import Path

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.base.table_schema import NOT_EMPTY, NOT_NEGATIVE, POSITIVE, SHA256, UNIQUE, Check, Column, TableSchema, one_of
from uscl.data.units import NOUNS

COUNTED_FROM_0 = Check("0, 1, 2, ...", lambda values: values == np.arange(len(values)))

MANIFEST = TableSchema(
    {
        "row": Column("int64", COUNTED_FROM_0),  # of frames.npy
        "case": Column("str", NOT_EMPTY, UNIQUE),  # the frame: video#frame, or the image
        "dataset": Column("str", NOT_EMPTY),
        "video": Column("str", NOT_EMPTY),  # the source file's name within its data set
        "patient": Column("str"),  # as the data name the patient; "" if unknown
        "group": Column("str", NOT_EMPTY),  # never split
        "unit": Column("str", one_of(*NOUNS)),  # what the group is
        "label": Column("str"),  # class; "" if unlabelled
        "frame": Column("int64", NOT_NEGATIVE),  # number of the frame in the source file
        "time_s": Column("float64", NOT_NEGATIVE),  # seconds since the first frame
        "height": Column("int64", POSITIVE),  # of the source picture in pixels, before scaling; of DICOM its region
        "width": Column("int64", POSITIVE),
        "file": Column("str", NOT_EMPTY),  # path relative to the data set's folder
        "source_sha256": Column("str", SHA256),  # of the source file
        "sha256": Column("str", SHA256),  # of the stored frame's pixels
        "organ": Column("str"),  # what the simulator drew; "" for real data
        "event": Column("str"),  # what happens in the simulated frame; "" for real data
        "state": Column("float64", gaps=True),  # share of the simulated frame that shows what its video begins with
        "second_state": Column("float64", gaps=True),  # share that shows what the video changes to; 0 if it does not
    }
)

PROBLEMS = TableSchema(
    {
        "dataset": Column("str", NOT_EMPTY),
        "file": Column("str", NOT_EMPTY),
        "action": Column("str", one_of("set aside", "left out", "kept")),
        "reason": Column("str", NOT_EMPTY),
    }
)


def write_table(table: pd.DataFrame, schema: TableSchema, path: Path) -> None:
    """Check a table against its schema and write it as CSV, whole or not at all."""
    table = schema.validate(table)
    with written(path) as partial:
        table.to_csv(partial, index=False, lineterminator="\n")


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest of a frame store; ids stay text ("037"), empty cells stay "". Raises UserError."""
    return read_checked(path, MANIFEST)


def read_problems(path: Path) -> pd.DataFrame:
    """The files that an extraction set aside, left out or kept with a remark. Raises UserError."""
    return read_checked(path, PROBLEMS)


def read_checked(path: Path, schema: TableSchema) -> pd.DataFrame:
    """Read a table with the types of its schema and validate it."""
    try:
        return schema.read(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: run the extraction that writes it.") from error
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise UserError(f"{path} was not written by this program ({problem}): extract again.") from error

"""The tables of a frame store: its frames (manifest.parquet) and the files with a problem (problems.csv).

manifest_head.csv has the first rows of the manifest, to read by eye; no job reads it.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.base.table_schema import NOT_EMPTY, NOT_NEGATIVE, POSITIVE, SHA256, UNIQUE, Check, Column, TableSchema, one_of
from uscl.base.tables import defused
from uscl.data.units import NOUNS

VERSION = 2  # of the frame store; a change of what its columns or arrays mean raises it (1 had a manifest.csv)
VERSION_KEY = b"uscl_frame_store"  # in the metadata of the Parquet schema
MANIFEST_FILE = "manifest.parquet"
HEAD_FILE = "manifest_head.csv"
HEAD_ROWS = 1_000
OLD_FILE = "manifest.csv"  # of version 1

COUNTED_FROM_0 = Check("0, 1, 2, ...", lambda values: values == np.arange(len(values)))
ABOVE_0 = Check("above 0", lambda values: ~(values <= 0))  # a gap is not a number, which nothing compares with

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
        "part": Column("str"),  # the split or fold in which the provider puts the file; "" if none
        "source": Column("str"),  # clinic, web page or publication that the file comes from; "" if unknown
        "frame": Column("int64", NOT_NEGATIVE),  # number of the frame in the source file
        "time_s": Column("float64", NOT_NEGATIVE),  # seconds since the first frame
        # The picture in the source frame, in its pixels, before scaling; a DICOM region or `crop` cuts it out.
        "top": Column("int64", NOT_NEGATIVE),
        "left": Column("int64", NOT_NEGATIVE),
        "height": Column("int64", POSITIVE),
        "width": Column("int64", POSITIVE),
        "mm_per_pixel": Column("float64", ABOVE_0, gaps=True),  # of the source picture
        "colour": Column("float64", NOT_NEGATIVE),  # share of the source picture in strong red or blue (colour Doppler)
        # Where the picture lies in the stored frame (uscl.data.picture_box); the rest of the frame is black.
        "box_top": Column("int64", NOT_NEGATIVE),
        "box_left": Column("int64", NOT_NEGATIVE),
        "box_height": Column("int64", POSITIVE),
        "box_width": Column("int64", POSITIVE),
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


def write_manifest(manifest: pd.DataFrame, folder: Path) -> None:
    """Check a manifest and write its first rows as CSV, then all of it as Parquet, which makes the store complete."""
    with written(folder / HEAD_FILE) as partial:
        head = defused(MANIFEST.validate(manifest).head(HEAD_ROWS))
        head.to_csv(partial, index=False, lineterminator="\n")
    content = pa.Table.from_pandas(MANIFEST.validate(manifest), preserve_index=False)
    content = content.replace_schema_metadata({VERSION_KEY: str(VERSION)})
    with written(folder / MANIFEST_FILE) as partial:
        pq.write_table(content, partial, compression="zstd", write_page_checksum=True)


def read_manifest(path: Path) -> pd.DataFrame:
    """The manifest of a frame store; ids stay text ("037"), empty cells stay "". Raises UserError."""
    if not path.exists():
        if path.with_name(OLD_FILE).exists():
            raise UserError(f"{path.parent} is a frame store of an older version of this program: extract again.")
        raise UserError(f"{path} does not exist: run the extraction that writes it.")
    try:
        content = pq.read_table(path, page_checksum_verification=True)
        check_version(path, content.schema.metadata or {})
        return MANIFEST.validate(content.to_pandas())
    except (OSError, ValueError, pa.ArrowException) as error:
        problem = str(error).splitlines()[0]
        raise UserError(f"{path} was not written by this program, or is damaged ({problem}): extract again.") from error


def check_version(path: Path, metadata: dict[bytes, bytes]) -> None:
    """Raise UserError for a store of another version, ValueError for a table of another program."""
    found = metadata.get(VERSION_KEY, b"").decode(errors="replace")
    if not found:
        raise ValueError("it names no version of the frame store")
    if found != str(VERSION):
        raise UserError(
            f"{path.parent} is a frame store of version {found}, but this program reads version {VERSION}: extract"
            " again."
        )


def read_problems(path: Path) -> pd.DataFrame:
    """The files that an extraction set aside, left out or kept with a remark. Raises UserError."""
    return read_checked(path, PROBLEMS)


def read_checked(path: Path, schema: TableSchema) -> pd.DataFrame:
    """Read a CSV table with the types of its schema and validate it."""
    try:
        return schema.read(path)
    except FileNotFoundError as error:
        raise UserError(f"{path} does not exist: run the extraction that writes it.") from error
    except ValueError as error:
        problem = str(error).splitlines()[0]
        raise UserError(f"{path} was not written by this program ({problem}): extract again.") from error

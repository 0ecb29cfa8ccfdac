"""The masks of a frame store at the size of their source pictures: native_masks.parquet, next to frames.npy.

The extraction stores them, instead of a job that scores reading the source files again: that job then needs no reader,
no decoder and no access to the source files, and both masks of an image come from one reading, with the same outlines
filled and the same labels chosen. A mask is the part of the source picture that is used, without a black border.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from uscl.base.errors import UserError
from uscl.base.files import written

FILE = "native_masks.parquet"
COLUMNS = pa.schema({"row": pa.int64(), "png": pa.binary()})


def encoded(labels: NDArray[np.uint8]) -> bytes:
    """Labels [height, width] as a PNG."""
    return cv2.imencode(".png", labels)[1].tobytes()


def decoded(png: bytes) -> NDArray[np.uint8]:
    """The labels [height, width] of `encoded`."""
    return np.asarray(cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED), dtype=np.uint8)


def write_native_masks(folder: Path, pngs: Sequence[bytes]) -> None:
    """Write the encoded masks of a store's rows, in their order; rows without a mask have no bytes and are left out."""
    rows = [row for row, png in enumerate(pngs) if png]
    table = pa.table({"row": rows, "png": [pngs[row] for row in rows]}, schema=COLUMNS)
    with written(folder / FILE) as partial:
        pq.write_table(table, partial, compression="none", write_page_checksum=True)


def read_native_masks(folder: Path) -> Mapping[int, bytes]:
    """The encoded mask of each row of a store that has one. Raises UserError."""
    path = folder / FILE
    try:
        table = pq.read_table(path, schema=COLUMNS, page_checksum_verification=True)
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: the store is incomplete; extract again.") from error
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"{path} is damaged ({str(error).splitlines()[0]}): extract again.") from error
    return dict(zip(table["row"].to_pylist(), table["png"].to_pylist(), strict=True))

"""Frames of a data set in one folder: frames.npy, masks.npy (without rows if there are no masks), manifest.parquet.

`uscl.data.native_masks` has the masks at the size of the source pictures, which only scoring needs.
Row i of the arrays is row i of the manifest. The arrays are ordinary .npy files, read through memory mapping. A mask
holds the number of the structure that each pixel shows: 0 for background, 1, 2, ... for the structures.
"""

import hashlib
import tokenize
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.data.manifest import MANIFEST_FILE, read_manifest
from uscl.data.scratch import on_scratch

# What NumPy raises on a header with damaged bytes: it parses the header as a Python literal.
HEADER_FAULTS = (
    *(ArithmeticError, EOFError, LookupError, MemoryError, SyntaxError, TypeError, ValueError),
    tokenize.TokenError,
)


class FrameStore:
    """An open store: frames uint8 [n, size, size], masks of structures in the same shape or None, manifest with n rows.

    `left_out` are videos that must not be trained on, since the audit found them in a test set.
    """

    def __init__(
        self,
        frames: NDArray[np.uint8],
        masks: NDArray[np.uint8] | None,
        manifest: pd.DataFrame,
        left_out: frozenset[str] = frozenset(),
    ) -> None:
        self.frames = frames
        self.masks = masks
        self.manifest = manifest
        self.left_out = left_out

    @classmethod
    def open(cls, folder: Path, left_out: frozenset[str] = frozenset()) -> "FrameStore":
        """Map a store into memory. Raises UserError if a part is missing or the parts do not match."""
        manifest = read_manifest(folder / MANIFEST_FILE)
        frames = mapped_array(folder / "frames.npy")
        masks = mapped_array(folder / "masks.npy")
        if len(frames) != len(manifest):
            raise UserError(
                f"{folder} has {len(frames)} frames but {len(manifest)} rows in {MANIFEST_FILE}: extract again."
            )
        if len(masks) and masks.shape != frames.shape:
            raise UserError(f"{folder} has masks {masks.shape} for frames {frames.shape}: extract again.")
        return cls(frames, masks if len(masks) else None, manifest, left_out)

    def check_pixels(self) -> None:
        """Compare every frame with its hash in the manifest. Raises UserError that names the first that differs."""
        for case, frame, sha256 in zip(self.manifest["case"], self.frames, self.manifest["sha256"], strict=True):
            if hashlib.sha256(frame.tobytes()).hexdigest() != sha256:
                raise UserError(
                    f"The stored frame {case} of {self.manifest['dataset'].iloc[0]} isn't the one that was extracted:"
                    f" its bytes in frames.npy have changed; extract again (remove the store's {MANIFEST_FILE})."
                )


class ArrayWriter:
    """Appends blocks [k, size, size] of uint8 to a .npy file whose length is not known in advance."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self._shape = (size, size)
        self._rows = 0
        self._write_header()

    def append(self, block: NDArray[np.uint8]) -> None:
        """Append k rows."""
        if block.dtype != np.uint8 or block.shape[1:] != self._shape:
            raise ValueError(f"block {block.dtype} {block.shape} for an array of uint8 [n, *{self._shape}]")
        self._file.write(np.ascontiguousarray(block).data)
        self._rows += len(block)

    def finish(self) -> None:
        """Write the final length into the header, in which NumPy reserves room for it."""
        self._file.seek(0)
        self._write_header()

    def _write_header(self) -> None:
        header = {"descr": "|u1", "fortran_order": False, "shape": (self._rows, *self._shape)}
        np.lib.format.write_array_header_1_0(self._file, header)


@contextmanager
def new_array(path: Path, size: int) -> Iterator[ArrayWriter]:
    """A writer to `path`; the file appears only if the block succeeds."""
    with written(path) as partial, partial.open("wb") as file:
        writer = ArrayWriter(file, size)
        yield writer
        writer.finish()


def mapped_array(path: Path) -> NDArray[np.uint8]:
    """A .npy file of uint8 [n, size, size], mapped into memory. Raises UserError."""
    try:
        array = np.lib.format.open_memmap(on_scratch(path), mode="r")  # np.load would also accept archives and pickles
    except FileNotFoundError as error:
        raise UserError(f"{path} is missing: the store is incomplete; extract again.") from error
    except HEADER_FAULTS as error:
        raise UserError(f"{path} is not a whole .npy file ({error}): extract again.") from error
    if array.dtype != np.uint8 or array.ndim != 3:
        raise UserError(f"{path} holds {array.dtype} {array.shape}, not uint8 [n, size, size]: extract again.")
    return array

"""Read arrays from a pickle without running any code that it contains.

A pickle is a program: loading one of unknown origin gives it control over the machine. The restricted unpickler here
calls only functions that build arrays of numbers, and it replaces even NumPy's own builders, which would trust a forged
description.
"""

import functools
import math
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uscl.data.decode.video import BadMedia

NUMBER_TYPES = ("b1", *(f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)), "f2", "f4", "f8")
MAX_BYTES = 8 * 2**30  # of a file; the largest fold of the POCUS set has 2.6 GB
MAX_ARRAYS = 100  # of a file; a fold has four
LONGEST_NAME = 80  # characters of a name in a message
# What the unpickler raises on a damaged file.
PICKLE_FAULTS = (
    *(ArithmeticError, AttributeError, EOFError, ImportError, LookupError, MemoryError),
    *(RuntimeError, TypeError, ValueError, pickle.UnpicklingError),
)


class NumberType:
    """Replaces a NumPy type while a pickle is read: numbers only."""

    def __init__(self, name: str, align: object = False, copy: object = False) -> None:
        if name in ("O", "O8"):
            raise BadMedia("holds arrays of Python objects instead of arrays of numbers")
        if name not in NUMBER_TYPES:
            raise BadMedia("holds arrays of something other than numbers")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] in ("<", ">"):  # the rest of a state describes types that aren't allowed
            self.dtype = self.dtype.newbyteorder(state[1])


class Array:
    """Replaces a NumPy array while a pickle is read."""

    def __init__(self) -> None:
        self.values: NDArray = np.empty(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, columns_first, data = state
        self.fill(data, kind, shape, "F" if columns_first else "C")

    def fill(self, data: Any, kind: NumberType, shape: tuple[int, ...], order: str) -> "Array":
        """Take values from bytes. Raises ValueError if shape and bytes don't agree."""
        if isinstance(data, str):  # written by Python 2
            data = latin1(data)
        if any(length < 0 for length in shape) or math.prod(shape) * kind.dtype.itemsize != len(data):
            raise ValueError("an array's shape doesn't agree with its bytes")
        values = np.frombuffer(data, kind.dtype) if len(data) else np.empty(0, kind.dtype)
        self.values = values.reshape(shape, order="F" if order == "F" else "C")
        return self


def unfilled(kind: object, shape: object, code: object) -> Array:
    """Replaces numpy's _reconstruct."""
    return Array()


def from_buffer(data: Any, kind: NumberType, shape: tuple[int, ...], order: str) -> Array:
    """Replaces numpy's _frombuffer."""
    return Array().fill(data, kind, shape, order)


def scalar(kind: NumberType, data: Any) -> int | float:
    """Replaces numpy's scalar; returns a plain number."""
    number: int | float = Array().fill(data, kind, (1,), "C").values.item()
    return number


def encoded(text: str, encoding: str) -> bytes:
    """Replaces _codecs.encode, which old pickles use to write bytes."""
    if encoding not in ("latin1", "latin-1"):
        raise ValueError("bytes in another encoding than latin-1")
    return latin1(text)


@functools.cache
def latin1(text: str) -> bytes:
    """The bytes of a text, made once, since a pickle may name one text very often."""
    return text.encode("latin-1")


def no_bytes() -> bytes:
    """Replaces bytes, which old pickles use to write empty bytes."""
    return b""


def no_array(*arguments: object) -> None:
    """Replaces numpy.ndarray, which an array's description names but never calls."""
    raise ValueError("an array that was not made in NumPy's way")


class Allowed:
    """A function that a pickle may only call: a pickle could change the defaults of a bare function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __call__(self, *arguments: Any) -> Any:
        return self.function(*arguments)

    def __setstate__(self, state: object) -> None:
        raise ValueError("a function with a state")


MODULES = {
    "numpy.core.multiarray": "multiarray",
    "numpy._core.multiarray": "multiarray",
    "numpy.core.numeric": "numeric",
    "numpy._core.numeric": "numeric",
    "numpy": "numpy",
    "_codecs": "codecs",
    "__builtin__": "builtins",
    "builtins": "builtins",
}
ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("multiarray", "_reconstruct"): unfilled,
    ("multiarray", "scalar"): scalar,
    ("numeric", "_frombuffer"): from_buffer,
    ("numpy", "ndarray"): no_array,
    ("numpy", "dtype"): NumberType,
    ("codecs", "encode"): encoded,
    ("builtins", "bytes"): no_bytes,
}


class ArrayUnpickler(pickle.Unpickler):
    """An unpickler that accepts only arrays of numbers."""

    def find_class(self, module: str, name: str) -> Any:
        """The replacement for a name in the pickle. Raises BadMedia for anything but arrays."""
        known = ALLOWED.get((MODULES.get(module, ""), name))
        if known is None:
            shown = "".join(letter if letter.isprintable() else "?" for letter in f"{module}.{name}")[:LONGEST_NAME]
            raise BadMedia(f"names {shown}, which a file of arrays does not need: it was not loaded")
        return Allowed(known)


def load_arrays(path: Path) -> tuple[NDArray, ...]:
    """The arrays of a pickle that holds a tuple or list of them; a list of numbers counts as an array.

    The arrays are read-only views of bytes. Raises BadMedia if the file is empty, not a pickle, cut short, larger than
    MAX_BYTES, or contains anything but numbers or more than MAX_ARRAYS arrays.
    """
    size = path.stat().st_size
    if size == 0:
        raise BadMedia("empty file (0 bytes)")
    if size > MAX_BYTES:
        raise BadMedia(f"a pickle of {size} bytes; at most {MAX_BYTES} are read")
    with path.open("rb") as file:
        try:
            content = ArrayUnpickler(file, encoding="latin1").load()
        except PICKLE_FAULTS as error:
            if isinstance(error, EOFError) or "truncated" in str(error):
                raise BadMedia("truncated: the end of the pickle is missing") from error
            raise BadMedia("not a pickle of arrays, or a damaged one") from error
        finally:
            latin1.cache_clear()
    if not isinstance(content, tuple | list):
        raise BadMedia("holds something other than a tuple of arrays")
    if len(content) > MAX_ARRAYS:
        raise BadMedia(f"holds {len(content)} arrays; at most {MAX_ARRAYS} are read")
    parts = {id(part): part for part in content}  # each copied once, however often the pickle names it
    arrays = {key: as_array(part) for key, part in parts.items()}
    return tuple(arrays[id(part)] for part in content)


def as_array(part: object) -> NDArray:
    """A part of the pickle as an array of numbers. Raises BadMedia."""
    if isinstance(part, Array):
        return part.values
    if isinstance(part, list | tuple) and all(isinstance(value, int | float) for value in part):
        try:
            numbers = np.array(part)
        except OverflowError:
            numbers = np.array([], object)
        if numbers.dtype.kind in "biuf":
            return numbers
    raise BadMedia("holds something other than arrays of numbers")

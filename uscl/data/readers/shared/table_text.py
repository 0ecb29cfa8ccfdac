"""The text of a table that a person wrote: which encoding it has, what separates its cells, where its header is."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import NamedTuple

from uscl.base.errors import UserError
from uscl.data.readers.shared.cells import visible

MAX_BYTES = 64 * 2**20  # of a table; a table with a row for each of a million frames is smaller
MAX_COLUMNS = 1000

MARKS = {  # the byte order marks; that of UTF-32 begins with that of UTF-16
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
GUESSED = "cp1252"  # nothing in a file shows which old encoding it has; this one is the most frequent
SEPARATORS = ",;\t|"
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?[ \t]*(\r\n|\r|\n|$)', re.IGNORECASE)  # a first line for Excel alone


class TableText(NamedTuple):
    """The text of a table from the line after `sep=` on, and how to read it."""

    text: str
    separator: str
    blank_lines: int  # above the header
    encoding: str


def table_text(path: Path) -> TableText:
    """The text of a table with ordinary blanks and hyphens (see `visible`). Raises UserError."""
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise UserError(f"{path} has {size} bytes, but a table may have at most {MAX_BYTES}: shorten it.")
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from error
    encoding = encoding_of(data)
    text = visible(decoded(path, data, encoding))
    line = SEPARATOR_LINE.match(text)
    text = text[line.end() :] if line else text
    lines = re.match(r"(?:[ \t]*(?:\r\n|\r|\n))*", text)
    above = lines[0] if lines else ""
    header = re.split(r"[\r\n]", text[len(above) :], maxsplit=1)[0]
    separator = line[1] if line else max(SEPARATORS, key=header.count)
    if header.count(separator) >= MAX_COLUMNS:
        raise UserError(f"{path} has more than {MAX_COLUMNS} columns, so it is not a table of files: fix it.")
    return TableText(text, separator, len(re.findall(r"\r\n|\r|\n", above)), encoding)


def encoding_of(data: bytes) -> str:
    """The encoding of a text: by its byte order mark, by the zeros of UTF-16, else UTF-8, else a guess.

    >>> encoding_of("é".encode()), encoding_of("é".encode("cp1252")), encoding_of("file".encode("utf-16-be"))
    ('utf-8', 'cp1252', 'utf-16-be')
    """
    if marked := [name for mark, name in MARKS.items() if data.startswith(mark)]:
        return marked[0]
    if len(data) > 1 and 0 in data[:2]:
        return "utf-16-be" if data[0] == 0 else "utf-16-le"
    try:
        data.decode()
    except UnicodeDecodeError:
        return GUESSED
    return "utf-8"


def decoded(path: Path, data: bytes, encoding: str) -> str:
    """The text of a file. Raises UserError for bytes that are no text."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is text in an unknown encoding, or no text: save it as CSV in UTF-8.") from error
    if "\0" in text:
        raise UserError(f"{path} is not text, but perhaps a spreadsheet: save it as CSV in UTF-8.")
    return text

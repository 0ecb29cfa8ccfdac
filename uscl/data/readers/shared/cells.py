"""What people write in the cells of a table: invisible characters, words for "no value", one name in several spellings.

Imports no pandas, since every call reads the readers.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

# Characters that nobody sees (zero width, direction marks, byte order mark, soft hyphen); blanks; hyphens.
INVISIBLE = (
    "\u00ad\u061c\u180e\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
)
BLANKS = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
HYPHENS = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d"
PLAIN = str.maketrans(dict.fromkeys(INVISIBLE) | dict.fromkeys(BLANKS, " ") | dict.fromkeys(HYPHENS, "-"))

NO_VALUE = frozenset(
    [
        "-",
        "--",
        ".",
        "?",
        "na",
        "n/a",
        "n.a.",
        "<na>",
        "nan",
        "-nan",
        "missing",
        "not available",
        "undefined",
        "nat",
        "none",
        "null",
        "(null)",
        "<null>",
        "nil",
        "nd",
        "n.d.",
        "n/d",
        "#n/a",
        "#n/a!",
        "#value!",
        "#ref!",
        "#name?",
        "#div/0!",
        "#null!",
        "#num!",
    ]
)
NOBODY = ("unknown", "unk", "anonymous", "anonymized", "anonymised")  # of patients and groups; a class may be unknown

LETTER, ALNUM = r"[^\W\d_]", r"[^\W_]"
SEPARATOR = r"(?:\s*[-_]\s+|[-_]|\s+(?![-_]))"  # not the minus of "grade -1"


def visible(text: str) -> str:
    """Text without invisible characters, and with ordinary blanks and hyphens.

    >>> visible("p\\u00a05\\u20117\\u200b")
    'p 5-7'
    """
    return text if text.isascii() else text.translate(PLAIN)


@lru_cache(maxsize=100_000)
def no_value(cell: str) -> bool:
    """Whether a cell is empty, or says so in a word of R, pandas, a database or a spreadsheet.

    >>> [no_value(cell) for cell in ("", "NaN", "n/a", "#N/A", "0", "Nana")]
    [True, True, True, True, False, False]
    """
    word = visible(cell).strip().lower()
    return not word or word in NO_VALUE


def nobody(cell: str) -> bool:
    """Whether a cell names no patient or group."""
    return no_value(cell) or visible(cell).strip().lower() in NOBODY


@lru_cache(maxsize=100_000)  # a table repeats its names
def name_key(name: str) -> str:
    """A form of a class or patient that is equal for all its spellings: case, blanks, hyphens, zeros in front, 7.0.

    Numbers stay apart: "1 1" is not "11".

    >>> name_key("P_05") == name_key("p-5") == name_key("P5"), name_key("7.0") == name_key("007"), name_key("1 1")
    (True, True, '1-1')
    """
    key = unicodedata.normalize("NFKC", visible(name)).casefold().strip()
    key = re.sub(r"(?<![\d.,])0+(?=\d)", "", whole(key))
    key = re.sub(rf"(?<=\d){SEPARATOR}(?=\d)", "-", key)
    return re.sub(rf"(?<={LETTER}){SEPARATOR}(?={ALNUM})|(?<=\d){SEPARATOR}(?={LETTER})", "", key)


def whole(number: str) -> str:
    """A whole number without the decimals that a spreadsheet or pandas adds; other text as it is.

    >>> whole("7.0"), whole("7,0"), whole("7.5"), whole("7,000"), whole("P7.0")
    ('7', '7', '7.5', '7,000', 'P7.0')
    """
    return re.sub(r"^([0-9]+)(\.0*|,00?)$", r"\1", number)


def one_spelling(names: Sequence[str]) -> tuple[list[str], list[list[str]]]:
    """Each name in the first spelling of it, and the spellings of those that have several; "" stays "".

    >>> one_spelling(["P05", "7.0", "", "p05", "07"])
    (['P05', '7', '', 'P05', '7'], [['P05', 'p05'], ['7', '07']])
    """
    spellings: dict[str, list[str]] = defaultdict(list)
    found = [whole(visible(name).strip()) for name in names]
    keys = [name_key(name) for name in found]
    for key, name in zip(keys, found, strict=True):
        if name not in spellings[key]:
            spellings[key].append(name)
    return [spellings[key][0] for key in keys], [several for several in spellings.values() if len(several) > 1]


def examples(names: Iterable[str], most: int = 5) -> str:
    """The first names in quotes, and how many more there are.

    >>> examples(["a", "b", "c"], most=2)
    "'a', 'b' and 1 more"
    """
    shown = [repr(name) for name in names]
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "")

"""File names: which are the same apart from spelling, and which number one series."""

import re

GENERIC = re.compile(r"(image|img|video|vid|movie|clip|frame|scan|file|us|ultrasound|lung|breast)?-?\d*")
CLIP = re.compile(r"-?(clip|vid|video|v|mov|image|image-?\d*|img|fig|file)?-?\d+[a-z]?$")
SHORTEST = 6  # letters and digits; two files rarely share a longer name by chance


def plain(stem: str) -> str:
    """A name without case and kind of separator.

    >>> plain("Cov-Atlas+(44)")
    'cov-atlas-44'
    """
    return re.sub(r"[^a-z0-9]+", "-", stem.strip().lower()).strip("-")


def meaningful(name: str) -> bool:
    """Whether two files that share this plain name are unlikely to do so by chance.

    >>> meaningful("cov-atlas-44"), meaningful("image-0001"), meaningful("p1")
    (True, False, False)
    """
    return len(name.replace("-", "")) >= SHORTEST and not GENERIC.fullmatch(name)


def series_of(name: str) -> str:
    """The series whose clip a plain name numbers; "" if the name has no number, or no meaningful series.

    >>> series_of("pneu-northumbria-0409-set4-vid2"), series_of("video-12"), series_of("cov-atlas")
    ('pneu-northumbria-0409-set4', '', '')
    """
    series = CLIP.sub("", name)
    return series if series != name and re.search(r"\d", series) and meaningful(series) else ""

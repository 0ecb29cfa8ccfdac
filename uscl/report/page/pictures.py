"""Figures inside the page, as long as there is room; beyond that, links to their files."""

import base64
import io
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import PIL.Image

ROOM = 12_000_000  # bytes of the page that pictures may take
WIDEST = 1500  # pixels of a figure: as wide as the page on a screen of twice the density
QUALITY = 80  # of pictures in which nobody reads small print, of 100


class Picture(NamedTuple):
    """A figure for the page: `source` is a data URI, or "" if only the link to its file has room."""

    source: str
    link: str
    alt: str
    width: int
    height: int


class Pictures:
    """Embeds figures in the order in which they are asked for, so the most important ones come first.

    `results` is the folder that the page is in: links are relative to it.
    """

    def __init__(self, results: Path, room: int = ROOM) -> None:
        self._results = results
        self._room = room

    def of(self, path: Path, alt: str, *, widest: int = WIDEST, exact: bool = True) -> Picture | None:
        """The figure in a PNG file, `exact` or a little smoothed; None if there is no such file."""
        if not path.is_file():
            return None
        with PIL.Image.open(path) as image:
            picture = image.convert("RGB")
        if picture.width > widest:
            picture = picture.resize(
                (widest, round(picture.height * widest / picture.width)), PIL.Image.Resampling.LANCZOS
            )
        source = uri(picture, exact=exact)
        source = source if len(source) <= self._room else ""
        self._room -= len(source)
        link = path.relative_to(self._results).as_posix()
        return Picture(source, link, alt, picture.width, picture.height)

    def all(self, paths: Mapping[Path, str]) -> list[Picture]:
        """Those of several figures that exist, exact."""
        return [found for path, alt in paths.items() if (found := self.of(path, alt))]


def uri(picture: PIL.Image.Image, *, exact: bool) -> str:
    """A picture as a data URI, in the format in which browsers need fewest bytes."""
    data = io.BytesIO()
    picture.save(data, "WEBP", lossless=exact, quality=QUALITY, method=2)
    return f"data:image/webp;base64,{base64.b64encode(data.getvalue()).decode('ascii')}"

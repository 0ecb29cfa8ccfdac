"""Remarks on pictures of another kind than those that a model was trained on: their grey levels, contrast and size."""

from collections.abc import Iterable, Mapping
from typing import Any

from uscl.predict.pictures import Picture

# How far beyond the training pictures' range is unusual: for grey levels as a share of the range (at least so many
# levels), for sides as a factor.
GREY_SHARE, GREY_LEAST, SIDE = 0.5, 10.0, 2.0

Range = tuple[float, float]


def ranges(records: Iterable[Mapping[str, Any]]) -> dict[str, Range]:
    """What is usual for all folds of a model: the range of their training pictures, widened."""
    seen = [record["seen"] for record in records]
    found = {
        name: (min(one[name][0] for one in seen), max(one[name][1] for one in seen))
        for name in ("grey", "contrast", "height", "width")
    }
    for name in ("grey", "contrast"):
        low, high = found[name]
        more = max(GREY_LEAST, GREY_SHARE * (high - low))
        found[name] = (low - more, high + more)
    for name in ("height", "width"):
        low, high = found[name]
        found[name] = (low / SIDE, high * SIDE)
    return found


def remark(picture: Picture, usual: Mapping[str, Range]) -> str:
    """What is unusual about a picture; "" if nothing is."""
    top, left, height, width = picture.box
    inner = picture.frame[top : top + height, left : left + width]
    words = {
        "grey": (float(inner.mean()), "darker", "brighter"),
        "contrast": (float(inner.std()), "less contrast", "more contrast"),
        "height": (picture.height, "lower", "higher"),
        "width": (picture.width, "narrower", "wider"),
    }
    found = []
    for name, (value, less, more) in words.items():
        low, high = usual[name]
        if not low <= value <= high:
            found.append(less if value < low else more)
    said = [f"{', '.join(found)} than the training pictures"] if found else []
    return "; ".join([*said, *(["colour Doppler, turned grey"] if picture.colour else [])])

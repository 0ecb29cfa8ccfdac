"""Read one mask file as labels: its values decide which convention it follows.

Two values, of which one is 0 (0 and 1, 0 and 255, 16 bits, black and one colour), are background and lesion. A few
values or colours that each fill an area are the labels of several structures. Many values that lie close to black and
to the brightest value, with narrow transitions, are a mask with soft edges or one that was compressed as JPEG: it is
cut at half of the brightest value. If the visible colour is one all over, the alpha channel holds the shape. Anything
else is refused with its values.
"""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
from numpy.typing import NDArray

from uscl.data.decode.image import FORMATS, opacity, opened, pictures_in, unpacked
from uscl.data.decode.video import BadMedia

MASK_FORMATS = (*FORMATS, "GIF")
MAX_VALUES = 32  # of a file with several labels; values below it are labels without a further look
FEW = 0.02  # share of the lesion that a soft mask may have as faint specks
SHOWN = 6  # values that a message lists
GREY_MODES = ("1", "L", "I", "F")  # and I;16 in any byte order
BRIGHTEST = (255, 65535)  # of 8 and 16 bits
LOSSY_TIFF = ("jpeg", "tiff_jpeg", "webp")


def read_mask(path: Path, chosen: tuple[int, ...] = ()) -> NDArray[np.uint8]:
    """The labels [height, width] of a mask: 0 is background.

    The brightest value of the file's depth (255, 65535) is label 1, and every other value is its own label; of colours,
    red is 1, green 2, blue 4, and others are sums of these. Only the `chosen` labels are kept, if any are given. Raises
    BadMedia: unreadable, or values of no known convention; OSError.
    """
    data = path.read_bytes()
    image = opened(data, MASK_FORMATS)
    if (count := pictures_in(image)) > 1:
        raise BadMedia(f"it holds {count} pictures, so it is unclear which is the mask: save each in a file of its own")
    lossy = image.format == "JPEG" or image.info.get("compression") in LOSSY_TIFF
    lossy |= image.format == "WEBP" and b"VP8L" not in data[:4096]
    pixels = visible(image)
    read = colour_labels if pixels.ndim == 3 else grey_labels
    return read(pixels, lossy, chosen)


def visible(image: PIL.Image.Image) -> NDArray:
    """What a file shows, [height, width] or [height, width, 3]: its alpha channel if the shape is there.

    Transparent pixels of other files are 0.
    """
    pixels = layer(unpacked(image))
    if not image.has_transparency_data:
        return pixels
    alpha = opacity(image)
    shown = pixels[alpha > alpha.max() / 2]
    if not alpha.any():
        return pixels if (pixels != pixels.reshape(-1, *pixels.shape[2:])[0]).any() else alpha
    if alpha.min() == alpha.max():
        return pixels
    if (shown == shown[0]).all():
        return alpha
    pixels = pixels.copy()
    pixels[alpha <= alpha.max() / 2] = 0
    return pixels


def layer(image: PIL.Image.Image) -> NDArray:
    """The values of a grey image or a palette's indices [height, width], else its colours [height, width, 3]."""
    if image.mode in GREY_MODES or image.mode.startswith("I;16"):
        pixels = np.asarray(image)
        return pixels.astype(np.uint8) if pixels.dtype == bool else pixels.astype(pixels.dtype.newbyteorder("="))
    colours = np.asarray(image.convert("RGB"))
    if image.mode == "P" and (indices := np.asarray(image)).size:
        used, first = np.unique(indices, return_index=True)
        palette = colours.reshape(-1, 3)[first].astype(int)
        distinct, grey = len(np.unique(palette, axis=0)) == len(used), (np.ptp(palette, axis=1) == 0).all()
        black_elsewhere = (palette[used > 0].max(axis=1) == 0).any()
        if not distinct or not (grey or black_elsewhere):
            return indices
    return colours[:, :, 0] if (np.ptp(colours, axis=2) == 0).all() else colours


def grey_labels(pixels: NDArray, lossy: bool, chosen: tuple[int, ...] = ()) -> NDArray[np.uint8]:
    """The labels of a mask with one value per pixel. Raises BadMedia."""
    values = distinct_values(pixels)
    whole = pixels.dtype.kind in "iub" or bool((values == np.floor(values)).all())
    low, top = values[0], values[-1]
    if not np.isfinite(values).all() or low < 0:
        raise unclear(values)
    if top == 0 or (len(values) == 1 and top in (1, *BRIGHTEST)):
        return kept((pixels > 0).astype(np.uint8), chosen)
    if low == 0 and whole and len(values) <= MAX_VALUES:
        sure = len(values) == 2 or (top < MAX_VALUES and not lossy) or bool(chosen)
        if sure or (not lossy and all(fills_an_area(pixels == value) for value in values[1:])):
            return canonical(pixels, values, chosen)
    if not lossy and len(values) == 3 and low == 0 and values[1] == 1 and top in BRIGHTEST:
        raise unclear(values)
    if len(values) > 1 and (top >= MAX_VALUES or not whole) and soft(pixels, float(top), lossy):
        return kept((pixels > top / 2).astype(np.uint8), chosen)
    raise unclear(values)


def kept(labels: NDArray[np.uint8], chosen: tuple[int, ...]) -> NDArray[np.uint8]:
    """The chosen labels only, if any are given; 255 chooses label 1, which is the brightest value."""
    if not chosen:
        return labels
    names = (*chosen, 1) if set(chosen) & set(BRIGHTEST) else chosen
    return np.where(np.isin(labels, names), labels, 0).astype(np.uint8)


def distinct_values(pixels: NDArray) -> NDArray:
    """The values that occur, in order; much faster than np.unique on bytes."""
    if pixels.dtype != np.uint8:
        return np.unique(pixels)
    low, top = int(pixels.min()), int(pixels.max())
    if top - low <= 1:
        return np.arange(low, top + 1)
    return np.flatnonzero(cv2.calcHist([np.ascontiguousarray(pixels)], [0], None, [256], [0, 256]))


def canonical(pixels: NDArray, values: NDArray, chosen: tuple[int, ...]) -> NDArray[np.uint8]:
    """Values as labels: the brightest of the depth is 1; larger values than a byte holds are numbered in order.

    Raises BadMedia for 1 and 255 in one file, of which 255 often means "ignore", unless labels are chosen.
    """
    both = 1 in values and values[-1] in BRIGHTEST
    if both and not chosen:
        raise unclear(values)
    labels = {value: 1 if value in BRIGHTEST and not both else int(value) for value in values}
    if max(labels.values()) > 255:
        labels = {value: number for number, value in enumerate(values)}
    if pixels.dtype == np.uint8 and values[-1] == 1 and not chosen:
        return pixels
    found = np.zeros(pixels.shape, np.uint8)
    for value, label in labels.items():
        if not chosen or value in chosen or label in chosen:
            found[pixels == value] = label
    return found


def colour_labels(colours: NDArray[np.uint8], lossy: bool, chosen: tuple[int, ...] = ()) -> NDArray[np.uint8]:
    """The labels of a mask in colours on black. Raises BadMedia."""
    if lossy and np.ptp(colours, axis=2).max() <= 2 * MAX_VALUES:  # grey, but for the rounding of its colours
        return grey_labels(colours.max(axis=2), lossy, chosen)
    packed = colours.astype(np.int64) @ np.array([1 << 16, 1 << 8, 1])
    values, brightest = np.unique(packed), colours.max(axis=2)
    if not lossy and values[0] == 0 and len(values) <= MAX_VALUES:
        areas = [packed == value for value in values[1:]]
        if len(areas) == 1 or all(fills_an_area(area) for area in areas):
            return kept(colour_codes(colours, areas, 64), chosen)
    top = int(brightest.max())
    if top >= MAX_VALUES and soft(brightest, top, lossy):
        lesion = brightest > top / 2
        return kept(np.where(lesion, colour_code(colours, top / 2), 0).astype(np.uint8), chosen)
    raise unclear([f"#{value:06x}" for value in values[: SHOWN + 1]], len(values))


def colour_codes(colours: NDArray[np.uint8], areas: list[NDArray], bright: float) -> NDArray[np.uint8]:
    """The label of each area of one colour; areas are numbered if two would have one label or one had none."""
    codes = colour_code(colours, bright)
    labels = [int(codes[area][0]) for area in areas]
    if 0 in labels or len(set(labels)) < len(labels):
        labels = list(range(1, len(areas) + 1))
    found = np.zeros(colours.shape[:2], np.uint8)
    for area, label in zip(areas, labels, strict=True):
        found[area] = label
    return found


def colour_code(colours: NDArray[np.uint8], bright: float) -> NDArray[np.uint8]:
    """1 for red, 2 for green, 4 for blue, and sums of these for mixed colours."""
    return ((colours > bright) @ np.array([1, 2, 4])).astype(np.uint8)


def fills_an_area(area: NDArray) -> bool:
    """Whether some 3 x 3 pixels lie in an area: a structure has them, the steps of a soft edge don't."""
    return bool(cv2.erode(area.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).any())


def soft(pixels: NDArray, top: float, lossy: bool) -> bool:
    """Whether a mask is black and white except for narrow transitions, which all begin at its white part."""
    light, high = pixels >= top * 7 / 8, pixels > top / 2
    middle = ~light & (pixels > top / 8)
    if not (pixels <= top / 8).any():
        return False
    narrow = middle.sum() <= high.sum() and 2 * light.sum() >= high.sum()
    if not narrow and fills_an_area(middle):
        return False
    if lossy:  # blocks of 8 x 8 pixels spread faint copies of an edge
        return bool((middle & (cv2.dilate(light.astype(np.uint8), np.ones((17, 17), np.uint8)) == 0)).mean() < 1e-3)
    _, parts = cv2.connectedComponents((middle | light).astype(np.uint8))
    alone = middle & ~np.isin(parts, np.unique(parts[light]))
    return bool(alone.sum() <= FEW * high.sum())


def unclear(values: Iterable, count: int | None = None) -> BadMedia:
    """The error for values of no known convention."""
    listed = [f"{value:g}" if not isinstance(value, str) else value for value in values]
    count = count or len(listed)
    shown = ", ".join(listed[:SHOWN]) + (f" and {count - SHOWN} more" if count > SHOWN else "")
    return BadMedia(
        f"its values are {shown}, so it is unclear which are lesion: save it with two values, 0 and 255, or with a"
        " number for each structure"
    )

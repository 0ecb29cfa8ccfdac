"""Changed copies of a picture, as they occur in published sets: what `audit_recall.py` looks for."""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def text_box(picture: Picture) -> Picture:
    """A dark box with two words in the lower left corner."""
    copy = picture.copy()
    height, width = copy.shape
    cv2.rectangle(copy, (0, round(0.86 * height)), (round(0.35 * width), height), 20, -1)
    place, size = (round(0.02 * width), round(0.96 * height)), height / 500
    cv2.putText(copy, "BREAST RT", place, cv2.FONT_HERSHEY_SIMPLEX, size, 230, 1)
    return copy


def cropped(picture: Picture, by: float) -> Picture:
    """Without `by` of the height and of the width, two thirds of it from the left and from above."""
    height, width = picture.shape
    down, across = round(by * height * 2 / 3), round(by * width * 2 / 3)
    return picture[down : down + round((1 - by) * height), across : across + round((1 - by) * width)].copy()


def turned(picture: Picture, degrees: float, zoom: float = 1.0) -> Picture:
    """Rotated and enlarged about the middle, in a frame of the same size."""
    height, width = picture.shape
    motion = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, zoom)
    return np.asarray(cv2.warpAffine(picture, motion, (width, height), flags=cv2.INTER_AREA), np.uint8)


def gamma(picture: Picture, power: float) -> Picture:
    """With another curve of brightness."""
    return np.round(255 * (picture / 255.0) ** power).astype(np.uint8)


def on_screen(picture: Picture) -> Picture:
    """The picture at 0.65 of its size within a scanner's screen: bars, a grey scale and text."""
    height, width = picture.shape
    screen = np.full((height, width), 12, np.uint8)
    small = cv2.resize(picture, (round(0.65 * width), round(0.65 * height)), interpolation=cv2.INTER_AREA)
    top, left = round(0.2 * height), round(0.25 * width)
    screen[: round(0.12 * height)] = 70
    screen[top : top + len(small), left : left + small.shape[1]] = small
    ramp = np.linspace(255, 0, len(small)).astype(np.uint8)
    screen[top : top + len(small), round(0.93 * width) : round(0.96 * width)] = ramp[:, None]
    for line, words in enumerate(("FR 32 Hz", "RS", "2D 59%", "Dyn R 60", "P Low", "Gen")):
        place = (round(0.02 * width), round((0.25 + 0.09 * line) * height))
        cv2.putText(screen, words, place, cv2.FONT_HERSHEY_SIMPLEX, height / 800, 220, 1)
    return screen


def equalised(picture: Picture) -> Picture:
    """Local contrast raised, as by a viewer."""
    return np.asarray(cv2.createCLAHE(clipLimit=2.0, tileGridSize=(8, 8)).apply(picture), np.uint8)


COPIES: dict[str, Callable[[Picture], Picture]] = {
    "text box in a corner": text_box,
    "cropped by 20 %": lambda picture: cropped(picture, 0.2),
    "cropped by 40 %": lambda picture: cropped(picture, 0.4),
    "zoom 0.7": lambda picture: turned(picture, 0, 0.7),
    "zoom 1.4": lambda picture: turned(picture, 0, 1.4),
    "rotated by 10 degrees": lambda picture: turned(picture, 10),
    "rotated by 90 degrees": lambda picture: np.rot90(picture).copy(),
    "mirrored": lambda picture: picture[:, ::-1].copy(),
    "flipped vertically": lambda picture: picture[::-1].copy(),
    "CLAHE": equalised,
    "gamma 0.5": lambda picture: gamma(picture, 0.5),
    "gamma 1.6": lambda picture: gamma(picture, 1.6),
    "a scanner's screen around it": on_screen,
    "cropped to 40 % of each side": lambda picture: cropped(picture, 0.6),
    "inverted": lambda picture: 255 - picture,
}

"""Videos that are published as a folder of images, one per frame: NAME_frame12.jpg."""

import re
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import numpy as np

from uscl.data.decode.colour import ClipColour, image_colour
from uscl.data.decode.crop import Crop, crop_box, cut
from uscl.data.decode.grey_levels import depth_of, eight_bits
from uscl.data.decode.image import Picture, fit_image, read_picture
from uscl.data.decode.video import FALLBACK_RATE_HZ, BadMedia, Clip, limited_frames, sampled_frames
from uscl.data.picture_box import Box
from uscl.data.source import IMAGE_SUFFIXES

FRAME_NAME = re.compile(rf".*frame[ _-]*(\d{{1,9}})({'|'.join(map(re.escape, IMAGE_SUFFIXES))})", re.IGNORECASE)


def frame_number(path: Path) -> int | None:
    """The number in a frame's name; None if it isn't the name of a frame."""
    match = FRAME_NAME.fullmatch(path.name)
    return int(match[1]) if match else None


def frame_files(folder: Path) -> list[Path]:
    """The frames in a folder in order of their numbers; hidden files don't count."""
    paths = [path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")]
    return in_order(path for path in paths if frame_number(path) is not None)


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Frames in order of their numbers. Raises BadMedia if two have the same number."""
    frames = sorted(paths, key=lambda path: (frame_number(path) or 0, path.name))
    for first, second in pairwise(frames):
        if frame_number(first) == frame_number(second):
            raise BadMedia(f"{first.name} and {second.name} have the same number: it is not one video")
    return frames


def decode_frames(files: list[Path], size: int, rate_hz: float | None, max_frames: int | None, crop: Crop = ()) -> Clip:
    """The first `max_frames` frames at `rate_hz` (None: every frame), cropped, letterboxed to size x size.

    `files` are in order, as `frame_files` returns them; frames keep the numbers in their names, and consecutive numbers
    are assumed to be 1 / FALLBACK_RATE_HZ apart. Sampled as in uscl.data.decode.video.decode. Raises BadMedia: no
    frame, an unreadable one, or more than MAX_FRAMES.
    """
    if not files:
        raise BadMedia("a folder without frames")
    first = frame_number(files[0]) or 0
    numbered = [(frame_number(path) or 0, path) for path in files]
    timed = ((number, (number - first) / FALLBACK_RATE_HZ, path) for number, path in numbered)
    wanted = list(limited_frames(sampled_frames(timed, rate_hz), max_frames))
    depth = None
    colour = ClipColour[tuple[Picture, Box]](lambda seen: image_colour(*seen))
    frames, numbers, times, pictures = [], [], [], []
    for number, time_s, path in wanted:
        picture, box = read_frame(path, crop)
        image = picture.grey
        if image.dtype != np.uint8 and depth is None:  # all frames of a video have one depth: they are read twice
            depth = depth_of(read_frame(path, crop)[0].grey for *_, path in wanted)
        frames.append(fit_image(cut(eight_bits(image, depth), box), size))
        numbers.append(number)
        times.append(time_s)
        pictures.append(box)
        colour.add((picture, box))
    notes = ["only one frame"] if len(files) == 1 else []
    notes += [depth.remark] if depth and depth.remark else []
    notes += [f"a folder of frames without times: {FALLBACK_RATE_HZ:g} Hz assumed"] if rate_hz else []
    places = np.array(numbers, np.int64), np.array(times), np.array(pictures, np.int64)
    return Clip(np.stack(frames), *places, "; ".join(notes), colour=colour.shares())


def read_frame(path: Path, crop: Crop) -> tuple[Picture, Box]:
    """An image of a folder of frames, and the part of it that is used. Raises BadMedia that names the file."""
    try:
        picture = read_picture(path)
        return picture, crop_box(crop, *picture.grey.shape)
    except BadMedia as error:
        raise BadMedia(f"its frame {path.name}: {error}") from error

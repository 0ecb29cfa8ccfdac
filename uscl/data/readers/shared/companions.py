"""Leave out what lies next to pictures and videos but is none of them: masks and previews."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from uscl.base.text import counted
from uscl.data.readers.shared.listing import Problem
from uscl.data.readers.shared.mask_names import paired
from uscl.data.readers.shared.own_data import WHOLE_SET
from uscl.data.readers.shared.tables import spelling
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES

REASONS = {
    "mask": "the mask of an image, which is not used here",
    "preview": "a preview of a file next to it",
}
PREVIEW = r"(?:thumb(?:nail)?s?|previews?|posters?)"
PREVIEW_NAME = re.compile(rf"(?:{PREVIEW}[ _.-]+)?(?P<of>.+?)(?:[ _.-]+{PREVIEW})?")


def without_companions(files: Sequence[str]) -> tuple[list[str], list[Problem]]:
    """The files that are neither masks nor previews of others, the problems of those, and a remark with their number.

    A mask has the name of an image and `_mask`, or lies in a folder of masks as in `image_mask_pairs`. A preview has
    the name of a file and `_thumb`, `_preview` or the like, lies in such a folder, or is an image with a video's name.
    """
    found = dict.fromkeys(masks(files), "mask") | dict.fromkeys(previews(files), "preview")
    problems = [Problem(file, "left out", REASONS[what]) for file, what in found.items()]
    counts = [counted(number, what) for what, number in sorted(Counter(found.values()).items())]
    if counts:
        reason = f"{' and '.join(counts)} of other files, which are not used here: left out"
        problems.append(Problem(WHOLE_SET, "kept", reason))
    return [file for file in files if file not in found], problems


def masks(files: Sequence[str]) -> list[str]:
    """The files that are masks of others."""
    found = paired([file for file in files if is_image(file)]).masks
    return [mask for of_image in found.values() for mask in of_image]


def previews(files: Sequence[str]) -> list[str]:
    """The images that are previews of others."""
    keys = {file: key(file) for file in files}
    originals = {of for of, is_preview in keys.values() if not is_preview}
    videos = {of for file, (of, is_preview) in keys.items() if not is_preview and not is_image(file)}
    return [
        file
        for file, (of, is_preview) in keys.items()
        if is_image(file) and of in (originals if is_preview else videos)
    ]


def key(file: str) -> tuple[str, bool]:
    """What a file shows, as a path without suffix and without the words for previews; and whether it had these.

    >>> key("p1/A.MP4"), key("p1/a_thumb.jpg"), key("p1/Thumbnails/a.jpg"), key("p1/a.mp4.png")
    (('p1/a', False), ('p1/a', True), ('p1/a', True), ('p1/a', False))
    """
    *folders, name = PurePosixPath(spelling(file)).parts
    stem = bare(bare(name))
    match = PREVIEW_NAME.fullmatch(stem)
    of = match["of"] if match else stem
    kept = [folder for folder in folders if not re.fullmatch(PREVIEW, folder)]
    return "/".join([*kept, bare(of)]), of != stem or len(kept) < len(folders)


def bare(name: str) -> str:
    """A name without the suffix of an image or video, if it has one."""
    path = PurePosixPath(name)
    return path.stem if path.suffix in IMAGE_SUFFIXES + VIDEO_SUFFIXES else name


def is_image(file: str) -> bool:
    """Whether a file's name is that of an image."""
    return PurePosixPath(file).suffix.lower() in IMAGE_SUFFIXES

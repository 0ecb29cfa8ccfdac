"""Which files are masks, and of which image: by their folders (images/, masks/) or by their names (x_mask, mask_x)."""

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import NamedTuple

from uscl.data.readers.shared.own_data import MASK_NAME
from uscl.data.readers.shared.tables import spelling

IMAGE_WORDS = ("image", "images", "img", "imgs", "original", "originals")
MASK_WORDS = (
    *("annotation", "annotations", "gt", "ground truth", "ground_truth", "groundtruth", "label", "labels", "mask"),
    *("masks", "seg", "segs", "segmentation", "segmentations"),
)
WORD = "|".join((*IMAGE_WORDS, *MASK_WORDS))
FOLDER = re.compile(rf"(?:(.+)[ _-])?({WORD})(?:[ _-](.+)|(tr|ts|va))?")  # masks, test-mask, labelsTr
IMAGE_STEM = re.compile(rf"(?:[a-z]+[ _-])?(.+?)(?:[ _-](?:{'|'.join(IMAGE_WORDS)}|us|0000))?")
MASK_SUFFIX = re.compile(rf"(.+)[ _-](?:{'|'.join(MASK_WORDS)})(?:[ _-]?\d+)?")
MASK_PREFIX = re.compile(rf"(?:{'|'.join(MASK_WORDS)})[ _-](.+)")


class Place(NamedTuple):
    """A file's role by its path: image or mask, and the image it belongs to, as the part that both paths share."""

    is_mask: bool
    image: str


class Pairs(NamedTuple):
    """Each image with its masks, and the files without a counterpart; `keys` are the images' by file."""

    masks: dict[str, tuple[str, ...]]
    keys: dict[str, str]
    images_alone: list[str]
    masks_alone: list[str]


def paired(files: list[str]) -> Pairs:
    """Assign masks to images. A mask that may belong to several images belongs to none."""
    partners = folder_pairs(files)
    places = {file: place(file, partners) for file in files}
    bare = {file: found.image for file, found in places.items() if not found.is_mask}
    unnamed = {file: key for file, key in bare.items() if not bases(key)}
    known = {*bare.values(), *short_keys(unnamed)}
    images = {}
    for file, found in places.items():
        if not found.is_mask and not known & set(bases(found.image)):
            images[file] = found.image
    exact = {key: file for file, key in images.items()}
    short = short_keys(images)
    masks: dict[str, list[str]] = defaultdict(list)
    alone: list[str] = []
    for file in (file for file in files if file not in images):
        names = [places[file].image, *bases(places[file].image)]
        image = next((index[name] for index in (exact, short) for name in names if name in index), None)
        (masks[image] if image else alone).append(file)
    return Pairs(
        {file: tuple(masks[file]) for file in images if file in masks},
        images,
        [file for file in images if file not in masks],
        alone,
    )


def place(file: str, partners: frozenset[str] = frozenset()) -> Place:
    """Image or mask, by the innermost such folder, else by the name x_mask; and the path without these folders' names.

    A folder such as test-mask counts if it is one of `partners`, that is if there is a test-image next to it.

    >>> place("a/images/x 1.PNG"), place("a/GT/x 1.jpg"), place("a/x 1_mask.png").is_mask
    (Place(is_mask=False, image='a/x 1'), Place(is_mask=True, image='a/x 1'), True)
    """
    *folders, stem = PurePosixPath(spelling(file)).with_suffix("").parts
    named: list[tuple[int, bool, str]] = []
    for at in range(len(folders)):
        role = folder_role(folders[at])
        if role and (not role[1] or "/".join(folders[: at + 1]) in partners):
            named.append((at, *role))
    in_masks = bool(named) and named[-1][1]
    replaced = {at: rest for at, mask, rest in named if not mask or at == named[-1][0]}
    kept = [replaced.get(at, folder) for at, folder in enumerate(folders)]
    return Place(in_masks or bool(MASK_NAME.fullmatch(stem)), "/".join([*filter(None, kept), stem]))


def folder_role(name: str) -> tuple[bool, str] | None:
    """Whether a folder holds masks, and the rest of its name; None for another folder.

    >>> folder_role("masks"), folder_role("test-image"), folder_role("labelstr"), folder_role("benign")
    ((True, ''), (False, 'test'), (True, 'tr'), None)
    """
    match = FOLDER.fullmatch(name)
    return (match[2] in MASK_WORDS, " ".join(filter(None, (match[1], match[3], match[4])))) if match else None


def folder_pairs(files: Iterable[str]) -> frozenset[str]:
    """The folders (test-image, test-mask) that have a counterpart in the same folder."""
    folders = {str(folder) for file in files for folder in PurePosixPath(spelling(file)).parents}
    roles: dict[tuple[str, str], dict[bool, str]] = defaultdict(dict)
    for folder in folders:
        path = PurePosixPath(folder)
        if (role := folder_role(path.name)) and role[1]:
            roles[str(path.parent), role[1]][role[0]] = folder
    return frozenset(folder for found in roles.values() if len(found) == 2 for folder in found.values())


def bases(key: str) -> list[str]:
    """The images that a mask's name may mean: "a/7" for a/7_mask, a/7_seg_1 and a/mask_7."""
    folder, slash, stem = key.rpartition("/")
    found = [pattern.fullmatch(stem) for pattern in (MASK_SUFFIX, MASK_PREFIX)]
    return [folder + slash + match[1] for match in found if match]


def short_keys(images: dict[str, str]) -> dict[str, str]:
    """Images by their names without a word at the beginning (bus_7, image_7) and a word or channel at the end (7_0000).

    Names that are not unique are left out.
    """
    files: dict[str, list[str]] = defaultdict(list)
    for file, key in images.items():
        folder, slash, stem = key.rpartition("/")
        if match := IMAGE_STEM.fullmatch(stem):
            end = re.sub(r"^[a-z]+[ _-]", "", stem)
            start = stem[: len(stem) - (len(end) - len(match[1]))]
            for name in {match[1], end, start} - {stem}:
                files[folder + slash + name].append(file)
    return {name: found[0] for name, found in files.items() if len(found) == 1}

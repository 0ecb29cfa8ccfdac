"""Your own images with masks, for segmentation: in separate folders, or next to each other.

The mask of images/a/7.png is masks/a/7.png (or any other IMAGE_FOLDERS and MASK_FOLDERS), or 7_mask.png next to it. If
an image has several masks (7_mask_1.png, 7_mask_2.png), their union counts. Case and file type of image and mask may
differ. Group: the match of the regular expression `patient` or `group` in the image's path, or the column of this name
in `table`, a CSV in the folder with the column file; else the image. Label: the column label, else none.
"""

from collections import defaultdict
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Problem, Sources, sources
from uscl.data.readers.shared.own_data import (
    MASK_NAME,
    media_below,
    mixed_groups,
    owners_of,
    refuse_twins,
)
from uscl.data.readers.shared.rows import labels_of, rows_of
from uscl.data.readers.shared.tables import spelling
from uscl.data.source import IMAGE_SUFFIXES, Source

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = True
OWN_DATA = True

IMAGE_FOLDERS = ("image", "images", "img", "imgs", "original", "originals")
MASK_FOLDERS = ("gt", "label", "labels", "mask", "masks", "segmentation", "segmentations")
LAYOUT = "images/NAME.png and masks/NAME.png (or original/ and GT/), or NAME.png and NAME_mask.png side by side"


class Place(NamedTuple):
    """A file's role by its path: image or mask, and the image it belongs to, as the part that both paths share."""

    is_mask: bool
    image: str


def read(
    root: Path,
    *,
    group: str | None = None,
    patient: str | None = None,
    table: str | None = None,
    classes: list[str] | None = None,
) -> Sources:
    """List the images that have a mask. Raises UserError."""
    media, problems = media_below(root, IMAGE_SUFFIXES, LAYOUT, table)
    masks, alone = pairs(root, media)
    if not masks:
        raise UserError(f"{root} has no image with a mask: it should hold {LAYOUT}.")
    files = list(masks)
    rows, of_rows = rows_of(root, table, files, classes)
    owners, of_groups = owners_of(root, files, rows, group=group, patient=patient)
    labels, of_labels = labels_of(root, files, rows, classes)
    found = [
        Source(file, file, "image", label=label, masks=masks[file], **owner._asdict())
        for file, owner, label in zip(files, owners, labels, strict=True)
    ]
    return sources(found, [*problems, *alone, *of_rows, *of_groups, *of_labels, *mixed_groups(found)])


def pairs(root: Path, media: list[str]) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """Map each image with masks to its masks; files without a counterpart are problems. Raises UserError for twins."""
    places = {file: place(file) for file in media}
    images = {file: found.image for file, found in places.items() if not found.is_mask}
    refuse_twins(root, images)
    by_key = {key: file for file, key in images.items()}
    masks: dict[str, list[str]] = defaultdict(list)
    problems: list[Problem] = []
    for file in (file for file, found in places.items() if found.is_mask):
        stem = MASK_NAME.fullmatch(places[file].image)
        image = by_key.get(places[file].image) or by_key.get(stem[1] if stem else "")
        if image is None:
            problems.append(Problem(file, "set aside", "a mask without its image"))
        else:
            masks[image].append(file)
    problems += [Problem(file, "set aside", "an image without a mask") for file in images if file not in masks]
    return {file: tuple(masks[file]) for file in images if file in masks}, problems


def place(file: str) -> Place:
    """Image or mask, by the innermost such folder, else by the name; and the path without these folders' names.

    >>> place("a/images/x 1.PNG"), place("a/GT/x 1.jpg"), place("a/x 1_mask.png").is_mask
    (Place(is_mask=False, image='a/x 1'), Place(is_mask=True, image='a/x 1'), True)
    """
    *folders, stem = PurePosixPath(spelling(file)).with_suffix("").parts
    named = [at for at, name in enumerate(folders) if name in IMAGE_FOLDERS + MASK_FOLDERS]
    in_masks = bool(named) and folders[named[-1]] in MASK_FOLDERS
    if in_masks:
        del folders[named[-1]]
    kept = [name for name in folders if name not in IMAGE_FOLDERS]
    return Place(in_masks or bool(MASK_NAME.fullmatch(stem)), "/".join([*kept, stem]))

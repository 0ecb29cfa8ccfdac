"""Your own images with masks, for segmentation: in separate folders, or next to each other.

The mask of images/a/7.png is masks/a/7.png (or another pair of folders, such as imagesTr and labelsTr), or 7_mask.png
next to it (uscl.data.readers.shared.mask_names). If an image has several
masks (7_mask_1.png, 7_mask_2.png), their union counts. Case and file type of image and mask may
differ. Group: the match of the regular expression `patient` or `group` in the image's path, or the column of this name
in `table`, a CSV in the folder with the column file; else the image. Label: the column label, else none.
"""

from pathlib import Path

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Problem, Sources, sources
from uscl.data.readers.shared.mask_names import Pairs, paired
from uscl.data.readers.shared.own_data import media_below, mixed_groups, owners_of, refuse_twins
from uscl.data.readers.shared.rows import labels_of, rows_of
from uscl.data.source import IMAGE_SUFFIXES, Source

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = True
OWN_DATA = True

GIF = ".gif"  # only of masks
LAYOUT = "images/NAME.png and masks/NAME.png (or original/ and GT/), or NAME.png and NAME_mask.png side by side"


def read(
    root: Path,
    *,
    group: str | None = None,
    patient: str | None = None,
    table: str | None = None,
    classes: list[str] | None = None,
    part: str | None = None,
    labels: list[int] | None = None,
) -> Sources:
    """List the images that have a mask; `labels` are the values of a mask that are lesion. Raises UserError."""
    media, problems = media_below(root, (*IMAGE_SUFFIXES, GIF), LAYOUT, table)
    masks, alone = pairs(root, media)
    files = list(masks)
    rows, of_rows = rows_of(root, table, files, classes, part=part)
    owners, of_groups = owners_of(root, files, rows, group=group, patient=patient, part=part)
    classes_of, of_labels = labels_of(root, files, rows, classes)
    found = [
        Source(
            file, file, "image", label=label, masks=masks[file], lesion_labels=tuple(labels or ()), **owner._asdict()
        )
        for file, owner, label in zip(files, owners, classes_of, strict=True)
    ]
    return sources(found, [*problems, *alone, *of_rows, *of_groups, *of_labels, *mixed_groups(found)])


def pairs(root: Path, media: list[str]) -> tuple[dict[str, tuple[str, ...]], list[Problem]]:
    """Map each image with masks to its masks; files without a counterpart are problems. Raises UserError."""
    found = paired(media)
    gifs = {file for file in found.keys if file.lower().endswith(GIF)}
    refuse_twins(root, {file: key for file, key in found.keys.items() if file not in gifs})
    masks = {file: those for file, those in found.masks.items() if file not in gifs}
    problems = [Problem(file, "set aside", "a mask without its image") for file in found.masks_alone]
    problems += [Problem(file, "set aside", "an image without a mask") for file in found.images_alone]
    problems += [
        Problem(file, "set aside", "a GIF is read as a mask, not as an image") for file in gifs & {*found.masks}
    ]
    if not masks:
        raise UserError(f"{root} has no image with a mask: it should hold {LAYOUT}{examples(found)}.")
    return masks, problems


def examples(found: Pairs) -> str:
    """The first image and the first mask that belong to nothing, for a message."""
    named = [f"the image {file}" for file in found.images_alone[:1]] + [
        f"the mask {file}" for file in found.masks_alone[:1]
    ]
    return f"; without a counterpart are, for example, {' and '.join(named)}" if named else ""

"""BUSI (Breast Ultrasound Images): still images with masks of the lesions.

Source: Al-Dhabyani et al., Data in Brief 28 (2020) 104863, doi:10.1016/j.dib.2019.104863. Licence: CC0 1.0
according to copies of the set; cite the paper. 437 benign, 210 malignant and 133 normal images (PNG); 17
have several masks, whose union counts; the masks of normal images are empty.
Label: the folder. Group: the image, as no patient ids exist. The audit of the pixels finds images that occur twice,
such as `benign (433)` = `malignant (145)`.
"""

import re
from pathlib import Path

from uscl.data.readers.shared.listing import Problem, Sources, listing, relative, require, set_aside, sources
from uscl.data.source import Source

FOLDER = "Dataset_BUSI_with_GT"
LANDMARKS = ("benign", "malignant", "normal")
HAS_MASKS = True
SIMULATES = "breast"

LAYOUT = (
    "benign/, malignant/ and normal/ with `benign (1).png`, `benign (1)_mask.png` and so on,"
    f" or the folder {FOLDER} with these"
)
CLASSES = ("benign", "malignant", "normal")


def read(root: Path) -> Sources:
    """List the images with their masks. Raises UserError."""
    files: list[Source] = []
    problems: list[Problem] = []
    for label in CLASSES:
        found, bad = class_files(root, require(root, label, LAYOUT), label)
        files += found
        problems += bad
    return sources(files, problems)


def class_files(root: Path, folder: Path, label: str) -> tuple[list[Source], list[Problem]]:
    """The images of one class with their masks."""
    paths, problems = listing(root, folder, [".png"])
    name = re.compile(rf"({label} \(\d+\))(_mask(_\d+)?)?", re.IGNORECASE)
    images: dict[str, Path] = {}
    masks: dict[str, list[Path]] = {}
    for path in paths:
        match = name.fullmatch(path.stem)
        if not match:
            problems.append(set_aside(root, path, f"the name is not {label} (n).png or {label} (n)_mask.png"))
        elif match[2]:
            masks.setdefault(match[1].lower(), []).append(path)
        elif match[1].lower() in images:
            problems.append(set_aside(root, path, "an image with this name exists in another spelling"))
        else:
            images[match[1].lower()] = path
    files = []
    for image, path in images.items():
        own = tuple(relative(root, mask) for mask in masks.pop(image, []))
        if own or label == "normal":
            files.append(Source(image, relative(root, path), "image", image, label, own, unit="image"))
        else:
            problems.append(set_aside(root, path, "an image without a mask"))
    for path in (path for rest in masks.values() for path in rest):
        problems.append(set_aside(root, path, "a mask without its image"))
    return files, problems

"""UDIAT-B (Dataset B): breast images of the UDIAT Centre, Sabadell, with masks of the lesions.

Source: Yap et al., IEEE JBHI 22 (2018) 1218, doi:10.1109/JBHI.2017.2731873. Licence: by agreement with the owners, who
share the set on request. 163 images in original/, the mask of each under the same name in GT/; folders and names in any
case, optionally inside one more folder.
Label: the column label of labels.csv (file, label) if that file exists, else none. Group: the image, as no patient ids
exist.
"""

from pathlib import Path

from uscl.base.errors import UserError
from uscl.data.readers.shared.listing import Problem, Sources, listing, relative, require, set_aside, sources
from uscl.data.readers.shared.rows import labels_of, rows_of
from uscl.data.readers.shared.tables import spelling
from uscl.data.source import IMAGE_SUFFIXES, Source

FOLDER = "UDIAT_Dataset_B"
LANDMARKS = ("original", "GT")
HAS_MASKS = True

LAYOUT = f"original/NAME.png and GT/NAME.png, or the folder {FOLDER} with these"
LABELS = "labels.csv"


def read(root: Path) -> Sources:
    """List the images that have a mask. Raises UserError."""
    top = top_folder(require(root, ".", LAYOUT))
    images, bad_images = by_name(root, part(root, top, "original"))
    masks, bad_masks = by_name(root, part(root, top, "gt"))
    alone = [set_aside(root, images[name], "an image without a mask") for name in images if name not in masks]
    alone += [set_aside(root, masks[name], "a mask without its image") for name in masks if name not in images]
    both = [name for name in images if name in masks]
    paths = [relative(root, images[name]) for name in both]
    table = relative(root, top / LABELS) if paths and (top / LABELS).exists() else None
    rows, of_rows = rows_of(root, table, paths, None, ("label",))
    labels, of_labels = labels_of(root, paths, rows, None)
    files = [
        Source(images[name].stem, path, "image", images[name].stem, label, (relative(root, masks[name]),), unit="image")
        for name, path, label in zip(both, paths, labels, strict=True)
    ]
    return sources(files, [*bad_images, *bad_masks, *alone, *of_rows, *of_labels])


def top_folder(root: Path) -> Path:
    """root, or the single folder in it that has the images."""
    inner = [path for path in sorted(root.glob("[!.]*")) if path.is_dir() and folder_named(path, "original")]
    return inner[0] if len(inner) == 1 and not folder_named(root, "original") else root


def folder_named(parent: Path, name: str) -> Path | None:
    """The folder with this name, in any case."""
    return next((path for path in sorted(parent.iterdir()) if path.name.lower() == name and path.is_dir()), None)


def part(root: Path, top: Path, name: str) -> Path:
    """The folder of images or masks. Raises UserError."""
    folder = folder_named(top, name)
    if folder is None:
        raise UserError(f"{root} has no {name}: it should hold {LAYOUT}.")
    return folder


def by_name(root: Path, folder: Path) -> tuple[dict[str, Path], list[Problem]]:
    """The images of a folder by their names without suffix and case."""
    paths, problems = listing(root, folder, IMAGE_SUFFIXES)
    found: dict[str, Path] = {}
    for path in paths:
        if found.setdefault(spelling(path.stem), path) != path:
            problems.append(set_aside(root, path, "an image with this name exists in another spelling"))
    return found, problems

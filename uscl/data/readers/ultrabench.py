"""A data set that UltraBench has prepared: still images with classes, masks and a split, as JSON records.

Tupper and Gagné, Revisiting Data Augmentation for Ultrasound Images, TMLR 2025 (arXiv 2501.13193); package ultrabench.
`ultrabench NAME RAW OUT` writes OUT/NAME_v<version>/ with train.json, validation.json and test.json, arrays of records
with the paths of an image, of its scan mask (not used) and of the masks of tasks, and version.txt.
Label: the name of the record's class, else its number `label`. Group: `patient`; without patients the video or image
of the `source`, else the image. Part: the file. Masks: those under the setting `mask`, or the only ones that there are.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from uscl.base.errors import UserError
from uscl.base.text import counted, nearest
from uscl.data.readers.shared.cells import examples
from uscl.data.readers.shared.listing import Problem, Sources, require, sources
from uscl.data.readers.shared.own_data import WHOLE_SET, mixed_groups
from uscl.data.source import Source, kind_of
from uscl.data.units import unit_of_file

FOLDER = None
LANDMARKS: tuple[str, ...] = ()
HAS_MASKS = True
OWN_DATA = True

PARTS = ("train", "validation", "test")
LISTS = tuple(f"{part}.json" for part in PARTS)
CLASS_NAMES = ("pathology", "class", "image_quality")  # the key of a class's name differs between sets
SCAN_MASK = "scan_mask"
LAYOUT = f"{', '.join(LISTS)} and the images that they name, as `ultrabench NAME RAW OUT` writes them"


class Record(NamedTuple):
    """A record, and the part whose file lists it."""

    part: str
    values: dict[str, Any]

    @property
    def image(self) -> str:
        """The path of its image."""
        return str(self.values["image"])


def read(root: Path, *, mask: str | None = None, part: str | None = None, classes: list[str] | None = None) -> Sources:
    """List the images; `part` is only set if a task is tested on the parts. Raises UserError."""
    found = [record for name in PARTS for record in records(root, name)]
    check_listed_once(root, found)
    key, of_masks = mask_key(root, found, mask)
    names = names_of_classes(root, found, classes)
    there = [record for record in found if (root / record.image).is_file()]
    if not there:
        raise UserError(f"{root} has none of the images that its lists name, such as {found[0].image}: restore them.")
    gone = [Problem(record.image, "set aside", "a list names it, but it is not there") for record in found]
    problems = [problem for problem in gone if not (root / problem.file).is_file()] + of_masks + version(root)
    files, without = [], []
    for record in there:
        masks = masks_of(root, record, key)
        without += [record.image] if key and not masks else []
        files.append(source_of(record, names, masks))
    if without:
        reason = f"no {key} of {counted(len(without), 'image')} ({examples(without)}): it counts as empty"
        problems.append(Problem(WHOLE_SET, "kept", reason))
    return sources(files, [*problems, *remarks_on_groups(files), *remark_on_parts(part), *mixed_groups(files)])


def records(root: Path, name: str) -> Iterator[Record]:
    """The records of a part. Raises UserError for a file that is no list of images in the folder."""
    path = require(root, f"{name}.json", LAYOUT)
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read as JSON ({error}): prepare the set again.") from error
    if not isinstance(listed, list):
        raise UserError(f"{path} holds no list of records: prepare the set again.")
    for number, values in enumerate(listed):
        if not (isinstance(values, dict) and inside(values.get("image"))):
            raise UserError(f"{path}: record {number} names no image in the folder: prepare the set again.")
        yield Record(name, values)


def inside(path: Any) -> bool:
    """Whether a value is a path in the set's own folder."""
    return isinstance(path, str) and bool(path) and not PurePosixPath(path).is_absolute() and ".." not in path


def check_listed_once(root: Path, found: list[Record]) -> None:
    """Raise UserError without any record, and for an image that two records name."""
    if not found:
        raise UserError(f"{root}: {', '.join(LISTS)} list no image: prepare the set again.")
    seen: dict[str, str] = {}
    for record in found:
        if record.image in seen:
            raise UserError(
                f"{root}: {seen[record.image]}.json and {record.part}.json both list {record.image}: an image belongs"
                " to one part, so prepare the set again."
            )
        seen[record.image] = record.part


def mask_key(root: Path, found: list[Record], asked: str | None) -> tuple[str | None, list[Problem]]:
    """The key of the masks that are read. Raises UserError for one that no record has."""
    keys = [key for key in dict.fromkeys(key for record in found for key in record.values) if "mask" in key]
    known = [key for key in keys if key != SCAN_MASK]
    if asked is not None:
        if asked not in known:
            raise UserError(
                f"`mask` of {root} is {asked}, but its records have {', '.join(known) or 'no mask'}"
                f"{nearest(asked, known)}"
            )
        return asked, []
    if len(known) > 1:
        return None, [Problem(WHOLE_SET, "kept", f"no mask is read: choose one of {', '.join(known)} by `mask`")]
    return next(iter(known), None), []


def masks_of(root: Path, record: Record, key: str | None) -> tuple[str, ...]:
    """The mask of an image, if it has one. Raises UserError for one that is missing."""
    path = record.values.get(key) if key else None
    if not isinstance(path, str):  # NaN in the place of a path
        return ()
    if not inside(path) or not (root / path).is_file():
        raise UserError(f"{root}: the {key} of {record.image} is {path}, which is not there: restore it.")
    return (path,)


def names_of_classes(root: Path, found: list[Record], classes: list[str] | None) -> dict[int, str]:
    """The name of each class by its number `label`, which itself is the name if there is none. Raises UserError."""
    names: dict[int, str] = {}
    for record in found:
        if (number := record.values.get("label")) is None:
            continue
        name = next((str(record.values[key]) for key in CLASS_NAMES if key in record.values), str(number))
        if names.setdefault(number, name) != name:
            raise UserError(f"{root}: label {number} is {names[number]} and, of {record.image}, {name}: correct one.")
        if classes is not None and name not in classes:
            raise UserError(f"{root}: {record.image} is {name}, which `classes` does not name: add or correct it.")
    return names


def source_of(record: Record, names: dict[int, str], masks: tuple[str, ...]) -> Source:
    """The image of a record."""
    values = record.values
    patient, origin = (str(values.get(key, "")) for key in ("patient", "source"))
    unit = "patient" if patient else unit_of_file(kind_of(Path(origin))) if origin else "image"
    return Source(
        video=record.image,
        file=record.image,
        kind="image",
        group=patient or origin or record.image,
        label=names.get(values.get("label", -1), ""),
        masks=masks,
        unit=unit,
        patient=patient,
        part=record.part,
        origin=origin,
    )


def remarks_on_groups(files: list[Source]) -> list[Problem]:
    """A remark on a set without patients."""
    if files[0].patient:
        return []
    by = "source" if files[0].origin else "image"
    reason = f"no patients: each {by} is a group of its own, so one patient may be on both sides of a fold"
    return [Problem(WHOLE_SET, "kept", reason)]


def remark_on_parts(part: str | None) -> list[Problem]:
    """A remark if no task is tested on the parts."""
    reason = "the study draws its own folds: the parts of UltraBench only go into the manifest"
    return [] if part else [Problem(WHOLE_SET, "kept", reason)]


def version(root: Path) -> list[Problem]:
    """A remark with the version of UltraBench that has prepared the set."""
    path = root / "version.txt"
    text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    found = re.search(r"Version: *(\S+)", text)
    return [Problem(WHOLE_SET, "kept", f"prepared by UltraBench {found[1] if found else 'of an unknown version'}")]

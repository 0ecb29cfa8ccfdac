"""covid19_ultrasound (POCUS): lung videos and images of COVID-19, bacterial pneumonia and healthy lungs.

Source: https://github.com/jannisborn/covid19_ultrasound, `data/` at
298046ae43762f44949c6aff4fb0bb19b0d7bfef; Born et al., Applied Sciences 11 (2021) 672,
doi:10.3390/app11020672. Licence: given per file by dataset_metadata.csv (CC BY, CC BY-NC, CC BY-NC-SA, some
"COVID-19 emergency"). The convex probe only: 121 videos and 28 images; covid 31 files of 11 groups,
pneumonia 50 of 47, regular 66 of 42. Two groups, patients 7 and 37, have files of both pneumonia and
regular, so there are 98 groups. The 2 videos of viral pneumonia are not part of the task.
Label: the beginning of the file name, Cov, Pneu or Reg, in any case.
Group: files that share a patient id of the metadata or a series name, directly or through others. Source: the
metadata's "Source ID".
"""

import re
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path

from uscl.data.readers.shared.cells import no_value, nobody
from uscl.data.readers.shared.listing import Problem, Sources, listing, relative, require, set_aside, sources
from uscl.data.readers.shared.tables import read_table
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source
from uscl.data.units import unit_of_file

FOLDER = "covid19_ultrasound"
LANDMARKS = ("data/dataset_metadata.csv", "data/pocus_videos")
HAS_MASKS = False
SIMULATES = "lung"

LAYOUT = (
    "data/pocus_videos/convex, data/pocus_images/convex and data/dataset_metadata.csv,"
    f" or the folder {FOLDER} with these"
)
CLASSES = {"cov": "covid", "pneu": "pneumonia", "reg": "regular", "vir": "viral"}
PATIENT = "Patient ID / Name"
ORIGIN = "Source ID"


def read(root: Path) -> Sources:
    """List videos and images of the convex probe. Raises UserError."""
    metadata = require(root, "data/dataset_metadata.csv", LAYOUT)
    patients, origins = metadata_patients(metadata), metadata_origins(metadata)
    videos, problems = listing(root, require(root, "data/pocus_videos/convex", LAYOUT), VIDEO_SUFFIXES)
    images: list[Path] = []
    if (still := root / "data/pocus_images/convex").is_dir():
        images, more = listing(root, still, IMAGE_SUFFIXES)
        problems += more
    classes = {path: class_of(path.name) for path in videos + images}
    problems += [
        set_aside(root, path, "the name begins with none of Cov, Pneu, Reg and Vir")
        for path, label in classes.items()
        if not label
    ]
    used = [path for path, label in classes.items() if label not in ("", "viral")]
    viral = [relative(root, path) for path, label in classes.items() if label == "viral"]
    problems += [Problem(file, "left out", "viral pneumonia, which is no class of the task") for file in viral]
    names = [plain(path.name) for path in used]
    groups = shared_groups(names, patients)
    files = []
    for path, name, group in zip(used, names, groups, strict=True):
        kind = "image" if path in images else "video"
        members = [other for other, of_other in zip(names, groups, strict=True) if of_other == group]
        unit, patient = unit_of(group, members, kind), " and ".join(sorted(patients.get(name, ())))
        source = Source(path.name, relative(root, path), kind, group, classes[path], unit=unit, patient=patient)
        files.append(source._replace(origin=origins.get(name, "")))
        if not patients.get(name):
            reason = "no patient id in dataset_metadata.csv: grouped by its name"
            problems.append(Problem(relative(root, path), "kept", reason))
    return sources(files, problems)


def class_of(name: str) -> str:
    """The class that a file name begins with, or ""."""
    match = re.match(r"(cov|pneu|reg|vir)[^a-z]", name.lower())
    return CLASSES[match[1]] if match else ""


def plain(name: str) -> str:
    """A name without extension, case and kind of separator: "Cov-Atlas+(44).gif" -> "cov-atlas-44"."""
    stem = re.sub(r"\.(avi|gif|jpe?g|mov|mp4|mpe?g|png)$", "", name.strip().lower())
    return re.sub(r"[^a-z0-9]+", "-", stem).strip("-")


def metadata_patients(path: Path) -> dict[str, set[str]]:
    """Map each plain file name to its patient ids in the metadata (none if unknown)."""
    patients: dict[str, set[str]] = {}
    for row in read_table(path, ["Filename", PATIENT]).to_dict("records"):
        known = patients.setdefault(plain(row["Filename"]), set())
        patient = row[column_of_patient(row)]
        if not nobody(patient):
            known.add(plain(patient))
    return patients


def metadata_origins(path: Path) -> dict[str, str]:
    """Map each plain file name to the "Source ID" of the metadata: a clinic, a web page or a publication."""
    rows = read_table(path, ["Filename", PATIENT]).to_dict("records")
    return {plain(row["Filename"]): f"source {row[ORIGIN]}" for row in rows if not no_value(row.get(ORIGIN, ""))}


def column_of_patient(row: Mapping[Hashable, str]) -> str:
    """The column in which a row has its patient: in 4 rows most cells are shifted one column to the right.

    In these rows (Reg_liftl_*, Pneu_clarius*) the resolution is in the column of the length, the age in that of
    the patient, and the patient in the next one. Reading the age as an id would split litfl case 3 and join it to
    another patient.
    """
    shifted = re.fullmatch(r"\d+x\d+", row.get("Length (frames)", ""))
    columns = [str(column) for column in row]
    following = columns[columns.index(PATIENT) + 1 :]
    return following[0] if shifted and following else PATIENT


def series_of(name: str) -> tuple[str, bool]:
    """The series that a plain name belongs to, and whether the series as such is one patient."""
    if match := re.search(r"li(?:tf|ft)le?-.*case-?(\d+)", name):
        return f"litfl case {match[1]}", True
    if match := re.search(r"pat(\d+)-?image", name):
        return f"pat{match[1]}", True
    without_class = re.sub(r"^(cov|pneu|reg|vir)-", "", name)
    clip = r"-?(clip|vid|video|v|mov|image|img|fig|file)?-?\d+[a-z]?$"
    return re.sub(clip, "", without_class) or without_class, "atlas-day" in name


def shared_groups(names: Sequence[str], patients: dict[str, set[str]]) -> list[str]:
    """One group per file: the connected components of files and the keys (patients, series) that they share.

    Some series, such as the sets of northumbria, hold several patients; such a series counts as one group only if
    it has a file without a patient id, which could belong to any of them.
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    unknown = {series_of(name)[0] for name in names if not patients.get(name)}
    keys: list[list[str]] = []
    for name in names:
        series, one_patient = series_of(name)
        joined = [f"series {series}"] if one_patient or series in unknown else []
        keys.append(sorted(f"patient {patient}" for patient in patients.get(name, ())) + joined)
    all_keys = sorted({key for of_file in keys for key in of_file})
    edges = [(i, all_keys.index(key)) for i, of_file in enumerate(keys) for key in of_file]
    rows, columns = np.array(edges, dtype=int).reshape(-1, 2).T
    nodes = len(names) + len(all_keys)
    links = coo_array((np.ones(len(edges)), (rows, columns + len(names))), shape=(nodes, nodes))
    _, component = connected_components(links, directed=False)
    first_key = {component[len(names) + j]: key for j, key in reversed(list(enumerate(all_keys)))}
    return [first_key[component[i]] for i in range(len(names))]


def unit_of(group: str, members: Sequence[str], kind: str) -> str:
    """What a group is: a patient if one of its files has an id or is of a series of one patient.

    `members` are the plain names of its files, `kind` is the kind of one of them.
    """
    if group.startswith("patient ") or any(series_of(name)[1] for name in members):
        return "patient"
    return "series" if len(members) > 1 else unit_of_file(kind)

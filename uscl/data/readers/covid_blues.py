"""COVID-BLUES: lung videos of the six BLUE points of patients with suspected COVID-19.

Source: https://github.com/NinaWie/COVID-BLUES at 1857a6fba9b8d00614f133fe8ffb7bc1f1a14f78; Wiedemann et
al., IEEE JBHI 2025. Licence: CC BY-NC-ND 4.0. 362 videos (mp4, 350 x 350) with 31,746 frames of 63
patients, convex probe. Label: the patient's `cov_test` in clinical_variables.csv, 1 positive (33 patients,
197 videos) and 0 negative (30 patients, 165 videos); the scores per video in severity.csv are not read.
Group: the patient in the file name, patient_<patient>_<point>.mp4 (a second take of a point ends in _2).
"""

import re
from pathlib import Path

from uscl.base.errors import UserError
from uscl.data.readers.shared.cells import no_value
from uscl.data.readers.shared.listing import Problem, Sources, listing, relative, require, set_aside, sources
from uscl.data.readers.shared.tables import read_table, row_name, whole_numbers
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES, Source, kind_of

FOLDER = "COVID-BLUES"
LANDMARKS = ("lus_videos", "clinical_variables.csv")
HAS_MASKS = False

LAYOUT = f"lus_videos/patient_<patient>_<point>.mp4 and clinical_variables.csv, or the folder {FOLDER} with these"
VIDEO_NAME = re.compile(r"patient_(\d+)_[LR][1-3](_\d+)?", re.IGNORECASE)
TEST_RESULTS = {"0": "negative", "1": "positive"}


def read(root: Path) -> Sources:
    """List the videos. Without clinical_variables.csv they are unlabelled. Raises UserError."""
    videos, problems = listing(root, require(root, "lus_videos", LAYOUT), VIDEO_SUFFIXES + IMAGE_SUFFIXES)
    labels, remarks = patient_labels(root / "clinical_variables.csv")
    problems += remarks
    files = []
    for path in videos:
        if match := VIDEO_NAME.fullmatch(path.stem):
            patient = int(match[1])
            place, label = (path.stem, relative(root, path), kind_of(path)), labels.get(patient, "")
            files.append(Source(*place, f"patient_{patient}", label, unit="patient", patient=f"{patient}"))
        else:
            problems.append(set_aside(root, path, "the name is not patient_<patient>_<point>.mp4"))
    return sources(files, problems)


def patient_labels(path: Path) -> tuple[dict[int, str], list[Problem]]:
    """Map each patient with a test result to the label; also returns remarks on odd rows."""
    if not path.exists():
        return {}, [Problem(path.name, "kept", "file missing: the videos are unlabelled")]
    table = read_table(path, ["patient_id", "cov_test"])
    nobody = table.index[table["patient_id"].map(no_value)]
    remarks = [Problem(path.name, "kept", f"row {index + 2} has no patient_id: left out") for index in nobody]
    table = table.drop(index=nobody)
    patients = whole_numbers(path, table["patient_id"])
    labels: dict[int, str] = {}
    tests = table["cov_test"].str.replace(r"\.0*$", "", regex=True)
    for index, patient, test in zip(table.index, patients, tests, strict=True):
        if test not in TEST_RESULTS:
            if not no_value(test):
                remarks.append(Problem(path.name, "kept", f"patient {patient} has cov_test {test}: unlabelled"))
        elif labels.setdefault(patient, TEST_RESULTS[test]) != TEST_RESULTS[test]:
            raise UserError(f"{row_name(path, index)}: patient {patient} has another cov_test above: keep one of them.")
    return labels, remarks

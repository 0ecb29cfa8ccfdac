"""COVID-BLUES: lung videos of the six BLUE points of patients with suspected COVID-19.

Source: https://github.com/NinaWie/COVID-BLUES at 1857a6fba9b8d00614f133fe8ffb7bc1f1a14f78; Wiedemann et
al., IEEE JBHI 2025. Licence: CC BY-NC-ND 4.0. 362 videos (mp4, 350 x 350) with 31,746 frames of 63
patients, convex probe. Label: the patient's `cov_test` in clinical_variables.csv, 1 positive (33 patients,
197 videos) and 0 negative (30 patients, 165 videos); the scores per video in severity.csv are not read.
Group: the patient in the file name, patient_<patient>_<point>.mp4 (a second take of a point ends in _2).
"""

import re
from pathlib import Path

import pandas as pd

from uscl.data.readers import Problem, Source, Sources, listing, relative, require, set_aside, sources
from uscl.errors import UserError

LAYOUT = "lus_videos/patient_<patient>_<point>.mp4 and clinical_variables.csv"

_NAME = re.compile(r"patient_(\d+)_[LR][1-3](_\d+)?", re.IGNORECASE)
_LABELS = {0.0: "negative", 1.0: "positive"}


def read(root: Path) -> Sources:
    """Lists the videos. Without clinical_variables.csv they are unlabelled. Raises UserError."""
    videos, problems = listing(root, require(root, "lus_videos", LAYOUT), [".mp4"])
    tests = _tests(root / "clinical_variables.csv")
    if tests is None:
        problems.append(Problem("clinical_variables.csv", "kept", "file missing: the videos are unlabelled"))
    files = []
    for path in videos:
        if match := _NAME.fullmatch(path.stem):
            patient = int(match[1])
            label = (tests or {}).get(patient, "")
            files.append(Source(path.stem, relative(root, path), "video", f"patient_{patient}", label))
        else:
            problems.append(set_aside(root, path, "the name is not patient_<patient>_<point>.mp4"))
    return sources(files, problems)


def _tests(path: Path) -> dict[int, str] | None:
    """Patient -> label; a patient without a test result is left out."""
    if not path.exists():
        return None
    table = pd.read_csv(path)
    if not {"patient_id", "cov_test"} <= set(table.columns):
        raise UserError(f"{path} has no columns patient_id and cov_test: take the file of the public source")
    return {
        int(patient): _LABELS[test]
        for patient, test in zip(table["patient_id"], table["cov_test"], strict=True)
        if test in _LABELS
    }

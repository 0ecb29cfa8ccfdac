"""A lung set in the layout of covid19_ultrasound (Born et al. 2021, doi:10.3390/app11020672)."""

from pathlib import Path

import pandas as pd

from uscl.data.simulator.anatomy_lung import State
from uscl.data.simulator.display import annotate
from uscl.data.simulator.events import Step, render
from uscl.data.simulator.machine import Probe, draw_exam
from uscl.data.simulator.motion import draw_motion
from uscl.data.simulator.patient import lung_scanner
from uscl.data.simulator.video import Format, rotate, write_png, write_video
from uscl.seeds import generator

PREFIXES: dict[State, tuple[str, str]] = {
    "covid": ("Cov-", "COVID-19"),
    "pneumonia": ("Pneu_", "Bacterial pneumonia"),
    "regular": ("Reg_", "regular"),
}
STILL_EVERY, LINEAR_EVERY = 5, 7  # patients of whom there is also a still image, a linear-probe video


def write_lung(out: Path, seed: int, patients: int, videos: int, frames: int) -> None:
    """Writes data/pocus_videos, data/pocus_images and the metadata table; classes take turns by patient."""
    for folder in ("pocus_videos/convex", "pocus_videos/linear", "pocus_images/convex"):
        (out / "data" / folder).mkdir(parents=True)
    states = tuple(PREFIXES)
    rows = []
    for patient in range(patients):
        state = states[patient % len(states)]
        for view in range(videos):
            rows.append(
                _video(
                    out,
                    seed,
                    patient,
                    view,
                    state,
                    frames,
                    "convex",
                    rotate(patient, view, videos, len(states)),
                )
            )
        if patient % STILL_EVERY == 1:
            rows.append(_still(out, seed, patient, videos, state))
        if patient % LINEAR_EVERY == 2:
            rows.append(
                _video(
                    out,
                    seed,
                    patient,
                    videos + 1,
                    state,
                    frames,
                    "linear",
                    rotate(patient, videos, videos, len(states)),
                )
            )
    pd.DataFrame(rows).to_csv(out / "data" / "dataset_metadata.csv", index=False)


def _video(
    out: Path, seed: int, patient: int, view: int, state: State, frames: int, probe: Probe, form: Format
) -> dict[str, object]:
    rng = generator(seed, "lung", patient, view)
    exam, rate = draw_exam(rng, probe, "lung"), int(rng.choice(form.rates))
    scanner = lung_scanner(seed, ("lung", patient), view, exam, state)
    pictures = render([Step(k) for k in range(frames)], [scanner], draw_motion(rng, "lung"), rate)
    name = f"{PREFIXES[state][0]}sim-p{patient:03d}-{view + 1}"
    folder = f"data/pocus_videos/{probe}"
    write_video(out / folder / f"{name}{form.suffix}", [annotate(p, scanner) for p in pictures], form, rate)
    size = f"{exam.width}x{exam.height}"
    return _row(folder, name, state, "video", probe, patient) | {
        "Framerate": rate,
        "Resolution": size,
        "Length (frames)": frames,
    }


def _still(out: Path, seed: int, patient: int, view: int, state: State) -> dict[str, object]:
    rng = generator(seed, "lung", patient, view)
    exam = draw_exam(rng, "convex", "lung")
    scanner = lung_scanner(seed, ("lung", patient), view, exam, state)
    name = f"{PREFIXES[state][0]}sim-p{patient:03d}-still"
    folder = "data/pocus_images/convex"
    write_png(out / folder / f"{name}.png", annotate(scanner.frame(draw_motion(rng, "lung").pose(0, 1)), scanner))
    return _row(folder, name, state, "Image", "convex", patient) | {"Resolution": f"{exam.width}x{exam.height}"}


def _row(folder: str, name: str, state: State, medium: str, probe: Probe, patient: int) -> dict[str, object]:
    """Columns named as in the public table."""
    return {
        "Current location": folder,
        "Filename": name,
        "Label": PREFIXES[state][1],
        "License": "CC0 1.0",
        "InThisRepo": "Yes",
        "Type": medium,
        "Probe": probe,
        "Title": "Simulated",
        "Framerate": None,
        "Resolution": None,
        "Length (frames)": None,
        "Patient ID / Name": patient + 1,
    }

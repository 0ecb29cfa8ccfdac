"""A lung set in the layout of covid19_ultrasound (Born et al. 2021, doi:10.3390/app11020672)."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from uscl.base.progress import shown
from uscl.base.seeds import generator
from uscl.simulator.anatomy_lung import State
from uscl.simulator.display import annotate
from uscl.simulator.events import Step, render
from uscl.simulator.machine import Probe
from uscl.simulator.motion import draw_motion
from uscl.simulator.patient import lung_scanner
from uscl.simulator.video import Format, rotate, write_png, write_video
from uscl.simulator.world import World

PREFIXES: dict[State, tuple[str, str]] = {
    "covid": ("Cov-", "COVID-19"),
    "pneumonia": ("Pneu_", "Bacterial pneumonia"),
    "regular": ("Reg_", "regular"),
}
STATES = tuple(PREFIXES)
STILL_EVERY, LINEAR_EVERY = 5, 7  # every 5th patient also has a still image, every 7th a linear-probe video


class Recording(NamedTuple):
    """One file of the set."""

    patient: int
    view: int
    probe: Probe
    form: Format | None  # None: a still image

    @property
    def state(self) -> State:
        """The patient's class: the classes alternate from patient to patient."""
        return STATES[self.patient % len(STATES)]


def write_lung(out: Path, seed: int, patients: int, videos: int, frames: int, world: World) -> None:
    """Write data/pocus_videos, data/pocus_images and the metadata table."""
    for folder in ("pocus_videos/convex", "pocus_videos/linear", "pocus_images/convex"):
        (out / "data" / folder).mkdir(parents=True)
    planned = [recording for patient in range(patients) for recording in recordings(patient, videos)]
    rows = [
        write_clip(out, seed, recording, recording.form, frames, world)
        if recording.form
        else write_still(out, seed, recording, world)
        for recording in shown(planned, len(planned), "simulating the lung set")
    ]
    pd.DataFrame(rows).to_csv(out / "data" / "dataset_metadata.csv", index=False)


def recordings(patient: int, videos: int) -> Iterator[Recording]:
    """The recordings of one patient: `videos` convex videos; some patients also have a still or a linear video."""
    for view in range(videos):
        yield Recording(patient, view, "convex", rotate(patient, view, videos, len(STATES)))
    if patient % STILL_EVERY == 1:
        yield Recording(patient, videos, "convex", None)
    if patient % LINEAR_EVERY == 2:
        yield Recording(patient, videos + 1, "linear", rotate(patient, videos, videos, len(STATES)))


def write_clip(
    out: Path, seed: int, recording: Recording, form: Format, frames: int, world: World
) -> dict[str, object]:
    """Write one video of `frames` frames; returns its row of the metadata."""
    patient, view, probe, _ = recording
    rng = generator(seed, "lung", patient, view)
    exam, rate = world.exam(rng, probe, "lung"), int(rng.choice(form.rates))
    scanner = lung_scanner(seed, ("lung", patient), view, exam, recording.state, world.lungs)
    pictures = render([Step(k) for k in range(frames)], [scanner], draw_motion(rng, "lung"), rate)
    name = f"{PREFIXES[recording.state][0]}sim-p{patient:03d}-{view + 1}"
    folder = f"data/pocus_videos/{probe}"
    write_video(out / folder / f"{name}{form.suffix}", [annotate(p, scanner) for p in pictures], form, rate)
    return metadata_row(folder, name, recording, "video") | {
        "Framerate": rate,
        "Resolution": f"{exam.width}x{exam.height}",
        "Length (frames)": frames,
    }


def write_still(out: Path, seed: int, recording: Recording, world: World) -> dict[str, object]:
    """Write one still image; returns its row of the metadata."""
    patient, view, probe, _ = recording
    rng = generator(seed, "lung", patient, view)
    exam = world.exam(rng, probe, "lung")
    scanner = lung_scanner(seed, ("lung", patient), view, exam, recording.state, world.lungs)
    name = f"{PREFIXES[recording.state][0]}sim-p{patient:03d}-still"
    folder = f"data/pocus_images/{probe}"
    write_png(out / folder / f"{name}.png", annotate(scanner.frame(draw_motion(rng, "lung").pose(0, 1)), scanner))
    return metadata_row(folder, name, recording, "Image") | {"Resolution": f"{exam.width}x{exam.height}"}


def metadata_row(folder: str, name: str, recording: Recording, medium: str) -> dict[str, object]:
    """A row of the metadata, with the column names of the public table."""
    return {
        "Current location": folder,
        "Filename": name,
        "Label": PREFIXES[recording.state][1],
        "License": "CC0 1.0",
        "InThisRepo": "Yes",
        "Type": medium,
        "Probe": recording.probe,
        "Title": "Simulated",
        "Framerate": None,
        "Resolution": None,
        "Length (frames)": None,
        "Patient ID / Name": recording.patient + 1,
    }

"""The pretraining pool: unlabelled videos of three organs, some with planted nuisances of known truth."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.progress import shown
from uscl.base.seeds import generator
from uscl.simulator.display import annotate
from uscl.simulator.events import SHORTEST, Event, Step, render, timeline
from uscl.simulator.machine import Exam, Probe
from uscl.simulator.motion import draw_motion
from uscl.simulator.patient import breast_scanner, liver_scanner, lung_scanner
from uscl.simulator.scan import Scanner
from uscl.simulator.video import Format, rotate, write_video
from uscl.simulator.world import World

ORGANS = ("lung", "liver", "breast")
# The organ that the probe moves to when it leaves an organ.
NEIGHBOUR = {"lung": "liver", "liver": "lung", "breast": "lung"}
FINDINGS = {
    "lung": ("regular", "covid", "pneumonia"),
    "liver": ("normal",),
    "breast": ("normal", "benign", "malignant"),
}
OTHER_PLACE = 1000  # added to the view of a body after the probe has moved on it
TRUTH = ["file", "frame", "organ", "event", "state", "second_state"]


@dataclass(frozen=True)
class Video:
    """One row of videos.csv."""

    file: str
    patient: str
    organ: str
    probe: Probe
    codec: str
    fps: int
    frames: int
    event: Event


def write_pool(
    out: Path,
    seed: int,
    patients: int,
    videos: int,
    frames: int,
    shares: dict[Event, float],
    *,
    world: World,
    organs: Sequence[str] = ORGANS,
) -> None:
    """Write videos/, videos.csv (one row per video) and frames.csv (what each frame shows).

    A frame's state is the share of it that shows what its video begins with, its second state the share that shows what
    the video changes to.
    `shares` gives the share of the videos that get each event; a video has at most one event. Patients come for the
    organs in turn, so an organ that is named twice has twice as many.
    """
    if frames < SHORTEST:
        raise UserError(f"A pool video of {frames} frames has no room for an event: use at least {SHORTEST} frames.")
    if "class_change" in shares and "liver" in organs:
        raise UserError("A liver has no other class to change to: name organs of the pool without it.")
    (out / "videos").mkdir()
    events = assign_events(patients * videos, shares, generator(seed, "pool", "events"))
    rows, moments = [], []
    for number, event in enumerate(shown(events, len(events), "simulating the pool")):
        patient, view = divmod(number, videos)
        form = rotate(patient, view, videos, len(organs))
        video, steps = write_clip(out, seed, patient, view, form, frames, event, organs, world)
        rows.append(video)
        second = NEIGHBOUR[video.organ] if event == "organ_change" else video.organ
        moments += [
            (video.file, k, second if s.blend > 0.5 else video.organ, s.note, *np.round((s.state, s.second_state), 6))
            for k, s in enumerate(steps)
        ]
    pd.DataFrame(rows).to_csv(out / "videos.csv", index=False)
    pd.DataFrame(moments, columns=TRUTH).to_csv(out / "frames.csv", index=False)


def assign_events(count: int, shares: dict[Event, float], rng: np.random.Generator) -> list[Event]:
    """Events of `count` videos: the rounded share of each, in random places. Raises UserError for impossible shares."""
    if any(share < 0 for share in shares.values()) or sum(shares.values()) > 1:
        raise UserError(f"The shares of nuisances {shares} must lie between 0 and 1 and add up to 1 at most.")
    events: list[Event] = [event for event, share in shares.items() for _ in range(round(share * count))]
    events = (events + ["none"] * count)[:count]
    return [events[k] for k in rng.permutation(count)]


def write_clip(
    out: Path,
    seed: int,
    patient: int,
    view: int,
    form: Format,
    frames: int,
    event: Event,
    organs: Sequence[str],
    world: World,
) -> tuple[Video, list[Step]]:
    """Write one video; returns its row of videos.csv and its steps."""
    rng = generator(seed, "pool", patient, view)
    organ = organ_of(patient, view, organs, rng)
    probe: Probe = "linear" if organ == "breast" else "convex"
    exam, rate = world.exam(rng, probe, organ), int(rng.choice(form.rates))
    shown = [(view, organ, finding_of(seed, patient, organ))]
    if event == "organ_change":
        shown.append((view, NEIGHBOUR[organ], finding_of(seed, patient, NEIGHBOUR[organ])))
    if event == "class_change":
        shown.append((view + OTHER_PLACE, organ, other_finding(seed, patient, view, organ)))
    scanners = [scanner_of(seed, patient, *what, exam, world) for what in shown]
    steps = timeline(event, frames, rng)
    pictures = render(steps, scanners, draw_motion(rng, organ), rate)
    file = f"patient_{patient:03d}_{organ}_{view + 1}{form.suffix}"
    write_video(out / "videos" / file, [annotate(p, scanners[0]) for p in pictures], form, rate)
    return Video(file, f"patient_{patient:03d}", organ, probe, codec_name(form), rate, frames, event), steps


def organ_of(patient: int, view: int, organs: Sequence[str], rng: np.random.Generator) -> str:
    """The organ of a video: each patient comes for one organ; lung and liver patients may also show the other one."""
    organ = organs[patient % len(organs)]
    moves = view and organ != "breast" and rng.random() < 0.25
    return NEIGHBOUR[organ] if moves and NEIGHBOUR[organ] in organs else organ


def finding_of(seed: int, patient: int, organ: str) -> Any:
    """Whether and which disease the patient has: the same in every video."""
    return generator(seed, "pool", patient, "state").choice(FINDINGS[organ])


def other_finding(seed: int, patient: int, view: int, organ: str) -> Any:
    """What the probe finds at another place of the same organ: not what it has found at the first."""
    first = finding_of(seed, patient, organ)
    others = [finding for finding in FINDINGS[organ] if finding != first]
    return generator(seed, "pool", patient, view, "second state").choice(others)


def scanner_of(seed: int, patient: int, view: int, organ: str, finding: Any, exam: Exam, world: World) -> Scanner:
    """The patient under the scanner."""
    case = ("pool", patient)
    if organ == "lung":
        return lung_scanner(seed, case, view, exam, finding, world.lungs)
    if organ == "liver":
        return liver_scanner(seed, case, view, exam)
    return breast_scanner(seed, case, view, exam, finding, int(finding != "normal"))


def codec_name(form: Format) -> str:
    """The codec as players name it: h264, not libx264."""
    return form.codec.removeprefix("lib").replace("x264", "h264")

"""Faults of recordings, planted with known truth: changes of what is seen, lost contact, frozen frames."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from uscl.simulator.beam import BEAMS
from uscl.simulator.motion import Motion
from uscl.simulator.phantom import Floats
from uscl.simulator.scan import FULL_CONTACT, Scanner

Event = Literal["none", "organ_change", "class_change", "dropout", "freeze"]
SHORTEST = 8  # frames that a video needs to have room for an event


@dataclass(frozen=True)
class Step:
    """One frame of a video: when it was taken, what it shows, and what is wrong with it."""

    moment: int  # frame index at which the body is imaged; repeated while frozen
    blend: float = 0.0  # 0 what the video begins with, 1 what it changes to
    contact: Floats | None = None  # per beam; None means full contact
    note: Literal["", "transition", "dropout", "freeze"] = ""

    @property
    def state(self) -> float:
        """The share of the frame that shows what its video begins with."""
        return (1 - self.blend) * self.seen

    @property
    def second_state(self) -> float:
        """The share of the frame that shows what its video changes to."""
        return self.blend * self.seen

    @property
    def seen(self) -> float:
        """The share of the beams that reach the body."""
        return 1.0 if self.contact is None else float(np.mean(self.contact))


def timeline(event: Event, frames: int, rng: np.random.Generator) -> list[Step]:
    """The steps of a video of `frames` frames (at least SHORTEST) with this event in its middle part."""
    steps = [Step(k) for k in range(frames)]
    start = int(rng.integers(frames // 4, frames // 2 + 1))
    if event == "organ_change":
        return changing(steps, start, int(rng.integers(3, 6)), lifted=True)
    if event == "class_change":
        return changing(steps, start, int(rng.integers(1, 4)), lifted=False)
    if event == "dropout":
        contact = lost_contact(rng)
        for k in range(start, min(start + int(rng.integers(2, 6)), frames - 1)):
            steps[k] = Step(k, contact=contact, note="dropout")
    if event == "freeze":
        for k in range(start, min(start + int(rng.integers(4, 9)), frames)):
            steps[k] = Step(start, note="freeze")
    return steps


def changing(steps: list[Step], start: int, length: int, *, lifted: bool) -> list[Step]:
    """The probe moves to another place: lifted and set down again, so that both pictures are weak halfway, or slid."""
    changed = [Step(k, blend=1.0) for k in range(len(steps))]
    for k in range(start, min(start + length, len(steps) - 1)):
        blend = (k - start + 1) / (length + 1)
        contact = np.full(BEAMS, 1 - 0.9 * np.sin(np.pi * blend), np.float32) if lifted else None
        changed[k] = Step(k, blend, contact, "transition")
    return steps[:start] + changed[start:]


def lost_contact(rng: np.random.Generator) -> Floats:
    """Contact per beam with air under the whole face, or under part of it."""
    if rng.random() < 0.5:
        return np.full(BEAMS, 0.004, np.float32)
    place = np.linspace(0, 1, BEAMS)
    centre, width = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.4)
    return np.where(np.abs(place - centre) < width, 0.004, 1).astype(np.float32)


def render(steps: list[Step], scanners: list[Scanner], motion: Motion, rate: float) -> list[NDArray[np.uint8]]:
    """Frames of the steps, each uint8 (height, width); two scanners of one exam if what they show changes."""
    frames: list[NDArray[np.uint8]] = []
    for k, step in enumerate(steps):
        if step.note == "freeze" and k and steps[k - 1].moment == step.moment:
            frames.append(frames[-1])
            continue
        pose = motion.pose(step.moment, rate)
        contact = FULL_CONTACT if step.contact is None else step.contact
        shares = [(scanners[0], 1 - step.blend)] + [(other, step.blend) for other in scanners[1:]]
        parts = [(s.frame(pose, contact), share) for s, share in shares if share > 0]
        mixed = np.max([part * np.float32(min(1, 1.6 * share)) for part, share in parts], axis=0)
        frames.append(np.round(mixed).astype(np.uint8))
    return frames

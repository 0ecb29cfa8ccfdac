"""What all patients and exams of a simulated world have in common."""

from dataclasses import dataclass

import numpy as np

from uscl.base.seeds import generator
from uscl.simulator.anatomy_lung import OWN, Variety
from uscl.simulator.machine import Exam, Probe, draw_exam


@dataclass(frozen=True)
class World:
    """By default every exam has settings of its own, and lungs differ as patients' lungs do."""

    machine: int | None = None  # seed of the settings that all exams with one kind of probe share
    lungs: Variety = OWN

    def exam(self, rng: np.random.Generator, probe: Probe, organ: str) -> Exam:
        """The settings of one exam; `rng` ends in the same state whether or not it decides them."""
        own = draw_exam(rng, probe, organ)
        if self.machine is None:
            return own
        return draw_exam(generator(self.machine, "pool", "machine", probe), probe, organ="lung")

"""Motion of body and probe during a video."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pose:
    """The state at one instant. Shifts in mm."""

    probe_x: float = 0.0  # of the body relative to the probe
    probe_z: float = 0.0
    breath_x: float = 0.0  # of the mobile tissue relative to the rest
    breath_z: float = 0.0
    squeeze: float = 0.0  # relative compression by the probe
    exchange: float = 0.0  # rad; elevational motion swaps this share of the scatterers' strength
    flicker: float = 0.0  # rad; phase of slow changes of B-lines
    index: int = 0  # of the frame


@dataclass(frozen=True)
class Motion:
    """Amplitudes (mm) and periods (s) of one video."""

    breath: tuple[float, float]
    period: float
    phase: float
    pulse: float
    drift: tuple[float, float]  # mm/s of the probe, lateral and elevational
    tremor: float
    squeeze: float
    slice_thickness: float  # mm; elevational motion by this much replaces the speckle

    def pose(self, index: int, rate: float) -> Pose:
        """The state at frame `index` of a video with `rate` frames per second."""
        t = index / rate
        cycle = 2 * np.pi * (t / self.period + self.phase)
        wave = np.sin(cycle) + 0.2 * np.sin(2 * cycle)
        beat = self.pulse * np.sin(2 * np.pi * 1.2 * t) ** 3
        sway = self.tremor * np.sin(2 * np.pi * 0.7 * t + 5 * self.phase)
        elevation = self.drift[1] * t + 0.3 * sway + 0.15 * wave
        return Pose(
            probe_x=self.drift[0] * t + sway,
            probe_z=0.2 * sway,
            breath_x=self.breath[0] * wave + beat,
            breath_z=self.breath[1] * wave + beat,
            squeeze=self.squeeze * float(np.sin(2 * np.pi * 0.4 * t + 3 * self.phase)),
            exchange=elevation / self.slice_thickness,
            flicker=2 * np.pi * 0.5 * t + 2 * self.phase,
            index=index,
        )


def draw_motion(rng: np.random.Generator, organ: str) -> Motion:
    """Draw a plausible motion: a lung slides, a liver moves with breathing, the probe pushes a breast around."""
    breath = {
        "lung": (rng.uniform(2, 8), rng.uniform(0, 0.3)),
        "liver": (rng.uniform(3, 10), rng.uniform(0.5, 3)),
        "breast": (rng.uniform(0, 0.3), rng.uniform(0, 0.3)),
    }[organ]
    return Motion(
        breath=breath,
        period=rng.uniform(2.8, 5),
        phase=rng.uniform(0, 1),
        pulse=rng.uniform(0, 0.4) if organ != "breast" else 0.05,
        drift=(rng.normal(0, 2.5), rng.normal(0, 1.5)),
        tremor=abs(rng.normal(0, 0.8)),
        squeeze=rng.uniform(0, 0.02) if organ != "breast" else rng.uniform(0.01, 0.05),
        slice_thickness=rng.uniform(3, 5),
    )

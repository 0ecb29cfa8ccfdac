"""The exam: probe geometry, machine settings and display of one video."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

Probe = Literal["convex", "linear"]


@dataclass(frozen=True)
class Exam:
    """Settings that stay fixed during a video: lengths in mm, angles in rad, levels in dB re soft tissue."""

    probe: Probe
    radius: float  # of the convex probe's face; 0 for a linear probe
    half: float  # half the field of view: rad (convex) or mm (linear)
    depth: float
    frequency: float  # MHz
    focus: float
    f_number: float
    cycles: float  # length of the pulse
    looks: int  # frequency compounding: envelopes of this many sub-bands are averaged
    tgc: float  # attenuation that the time gain compensation assumes, dB/(cm MHz)
    noise: float  # electronic noise before time gain compensation, dB
    gain: float  # dB
    dynamic_range: float  # dB
    gamma: float  # exponent of the gray map
    smoothing: float  # the machine's speckle filter: sigma in samples of the beam grid
    contact: tuple[float, float]  # part of the face, from the left and from the right, that touches poorly
    ring: float  # strength of the lens reverberation right under the face, dB
    height: int  # display, px
    width: int
    crop: float  # 1 shows the whole sector; a smaller value cuts its sides off, as in published clips
    ticks: bool  # depth scale
    marker: bool  # orientation mark

    @property
    def wavelength(self) -> float:
        """Wavelength in mm, for 1540 m/s."""
        return 1.54 / self.frequency

    @property
    def span(self) -> float:
        """Lateral extent of the whole sector at its deepest line, mm."""
        if self.probe == "linear":
            return 2 * self.half
        return 2 * (self.radius + self.depth) * float(np.sin(self.half))


def face_drop(radius: float, half: float, crop: float) -> float:
    """How far above the apex of a convex face the display begins, mm; cropped clips show less."""
    return float(radius * (1 - np.cos(half)) * crop**2)


def even(value: float) -> int:
    """The nearest even number; codecs with halved chroma reject odd sides."""
    return 2 * round(value / 2)


def draw_exam(rng: np.random.Generator, probe: Probe, organ: str) -> Exam:
    """Settings as an operator might choose them for this probe and organ."""
    often, most = (0.35, 0.3) if probe == "convex" else (0.12, 0.1)
    loose = float(rng.uniform(0.02, most)) if rng.random() < often else 0.0
    contact = (loose, 0.0) if rng.random() < 0.5 else (0.0, loose)
    common = {"contact": contact, "ticks": bool(rng.random() < 0.25), "marker": bool(rng.random() < 0.25)}
    return draw_convex(rng, organ, common) if probe == "convex" else draw_linear(rng, organ, common)


def draw_convex(rng: np.random.Generator, organ: str, common: dict) -> Exam:
    """An abdominal probe: deep field of view, low frequency."""
    depth = rng.uniform(90, 150) if organ == "lung" else rng.uniform(120, 165)
    radius, half = rng.uniform(42, 62), np.radians(rng.uniform(27, 34))
    crop = rng.uniform(0.55, 0.78) if rng.random() < 0.7 else 1.0
    width = 2 * (radius + depth) * np.sin(half) * crop
    height = depth + face_drop(radius, half, crop)
    scale = rng.uniform(262, 348) / max(width, height)
    return Exam(
        probe="convex",
        radius=radius,
        half=half,
        depth=depth,
        frequency=rng.uniform(3.0, 4.8),
        focus=rng.uniform(0.3, 0.6) * depth,
        f_number=rng.uniform(3.5, 5.8),
        cycles=rng.uniform(2.0, 3.2),
        looks=int(rng.integers(1, 3)),
        tgc=rng.uniform(0.5, 0.62),
        noise=rng.uniform(-90, -68),
        gain=rng.normal(-6 if organ == "lung" else -5, 4),
        dynamic_range=rng.uniform(50, 64),
        gamma=rng.uniform(1.1, 1.6),
        smoothing=rng.uniform(0.8, 1.4),
        ring=rng.uniform(-4, 8),
        height=even(height * scale),
        width=even(width * scale),
        crop=crop,
        **common,
    )


def draw_linear(rng: np.random.Generator, organ: str, common: dict) -> Exam:
    """A small-parts probe: shallow field of view, high frequency."""
    depth, half = rng.uniform(28, 42), rng.uniform(18, 25)
    scale = rng.uniform(280, 380) / max(depth, 2 * half)
    return Exam(
        probe="linear",
        radius=0.0,
        half=half,
        depth=depth,
        frequency=rng.uniform(8, 12),
        focus=rng.uniform(0.35, 0.7) * depth,
        f_number=rng.uniform(1.8, 2.6),
        cycles=rng.uniform(1.6, 2.4),
        looks=3,
        tgc=rng.uniform(0.36, 0.58),
        noise=rng.uniform(-84, -66),
        gain=rng.normal(1.5 if organ == "breast" else -4, 3),
        dynamic_range=rng.uniform(52, 64),
        gamma=rng.uniform(1.0, 1.5),
        smoothing=rng.uniform(0.5, 0.9),
        ring=rng.uniform(-10, 3),
        height=even(depth * scale),
        width=even(2 * half * scale),
        crop=1.0,
        **common,
    )

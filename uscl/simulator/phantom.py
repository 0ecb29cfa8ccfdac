"""Tissue in material coordinates, before any motion: x to the right, z down from the skin, both in mm."""

from collections.abc import Callable
from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Interface:
    """A coherent reflector: a line whose echo cancels where the line is tilted against the beam."""

    x: Floats
    z: Floats
    level: Floats | float  # dB
    roughness: float = 0.02  # mm; the part of the echo that is diffuse
    mobile: bool = False  # moves with breathing


@dataclass
class Phantom:
    """Maps of shape (depth, width) over [0, depth] x [-half, half], plus interfaces, pleura and artefact sources."""

    step: float  # mm per map cell
    half: float
    echo: Floats  # echogenicity, dB
    attenuation: Floats  # dB/(cm MHz)
    mobility: Floats  # 0 rests, 1 moves with breathing
    interfaces: list[Interface] = field(default_factory=list)
    pleura: Floats | None = None  # its depth at each map column
    mirror: Floats | None = None  # its reflection at each map column, 0 to 1: source of the A-lines
    ringdown: list[tuple[float, float, float, float]] = field(default_factory=list)  # x, z, dB, fading dB/mm
    lesions: list[Bools] = field(default_factory=list)  # maps

    @property
    def columns(self) -> Floats:
        """x of every map column, mm."""
        cells = np.arange(self.echo.shape[1], dtype=np.float32)
        return (cells + 0.5) * np.float32(self.step) - np.float32(self.half)

    @property
    def rows(self) -> Floats:
        """z of every map row, mm."""
        return (np.arange(self.echo.shape[0], dtype=np.float32) + 0.5) * np.float32(self.step)

    def sample(self, image: Floats, x: Floats, z: Floats) -> Floats:
        """Look up a map bilinearly at points (mm) of any shape; values at the edges extend outwards."""
        column, row = (x + np.float32(self.half)) / np.float32(self.step), z / np.float32(self.step)
        at = folded_rows(column - np.float32(0.5)), folded_rows(row - np.float32(0.5))
        got = np.ravel(cv2.remap(image, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE))
        return got[: x.size].reshape(x.shape).astype(np.float32, copy=False)

    def dampen(self, factor: Floats | float) -> None:
        """Weaken the pleura's reflection, by one factor or by one per map column."""
        assert self.mirror is not None, "only a phantom with a pleura has a mirror"
        self.mirror = (self.mirror * factor).astype(np.float32)


def folded_rows(values: Floats) -> Floats:
    """The values as rows of 1024, because cv2.remap accepts no axis longer than 32767."""
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    return np.pad(flat, (0, -flat.size % 1024)).reshape(-1, 1024)


def blank(half: float, depth: float, step: float, attenuation: float) -> Phantom:
    """Uniform soft tissue: 0 dB everywhere, at rest."""
    shape = (int(np.ceil(depth / step)), int(np.ceil(2 * half / step)))
    zero = np.zeros(shape, np.float32)
    return Phantom(step, half, zero, np.full(shape, attenuation, np.float32), zero.copy())


def texture(rng: np.random.Generator, like: Phantom, length: float, height: float) -> Floats:
    """Smooth noise of unit variance, shape of the map, with correlation lengths (mm) along x and z."""
    shape, step = like.echo.shape, like.step
    # Draw coarse noise and enlarge it: long correlation lengths would need huge kernels on the fine map.
    cell = (max(height, step), max(length, step))
    coarse = [max(4, int(n * step / c) + 3) for n, c in zip(shape, cell, strict=True)]
    noise = rng.standard_normal(coarse).astype(np.float32)
    big = cv2.resize(noise, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return big / big.std()


def curve(rng: np.random.Generator, x: Floats, depth: float, waviness: float, length: float) -> Floats:
    """A layer's depth (mm) along x: a mean, a slight tilt and undulations of the given height and length."""
    knots = np.arange(x[0] - 2 * length, x[-1] + 3 * length, length)
    heights = rng.normal(0, waviness, knots.size)
    smooth = cv2.GaussianBlur(np.interp(x, knots, heights)[None].astype(np.float32), (0, 0), length / (x[1] - x[0]) / 3)
    tilt = rng.normal(0, 0.02) * x
    return (depth + smooth[0] + tilt).astype(np.float32)


def along(phantom: Phantom, z: Floats, level: Floats | float, roughness: float = 0.02, mobile: bool = False) -> None:
    """Add an interface that spans the phantom at depth z (one value per map column)."""
    phantom.interfaces.append(Interface(phantom.columns, z, level, roughness, mobile))


def outline(
    rng: np.random.Generator,
    centre: tuple[float, float],
    radii: tuple[float, float],
    rough: Callable[[int], float],
) -> tuple[Floats, Floats]:
    """A closed contour of 360 points: an ellipse with harmonics n = 2 ... 14 of amplitude rough(n)."""
    angle = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    swell = np.ones_like(angle)
    for n in range(2, 15):
        swell += rough(n) * rng.standard_normal() * np.cos(n * angle + rng.uniform(0, 2 * np.pi))
    swell = np.clip(swell, 0.35, 1.9)
    x = centre[0] + radii[0] * swell * np.cos(angle)
    z = centre[1] + radii[1] * swell * np.sin(angle)
    return x.astype(np.float32), z.astype(np.float32)


def region(phantom: Phantom, x: Floats, z: Floats) -> Bools:
    """Map cells inside a closed contour (mm)."""
    points = np.stack([(x + phantom.half) / phantom.step - 0.5, z / phantom.step - 0.5], axis=1)
    inside = np.zeros(phantom.echo.shape, np.uint8)
    cv2.fillPoly(inside, [np.round(points * 16).astype(np.int32)], 1, shift=4)
    return inside.astype(bool)

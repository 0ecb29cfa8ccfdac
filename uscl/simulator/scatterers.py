"""The echoing points of a phantom: diffuse scatterers and coherent interfaces."""

from dataclasses import dataclass

import numpy as np

from uscl.simulator.beam import BEAMS, ROWS, Beams
from uscl.simulator.phantom import Floats, Interface, Phantom

DENSITY = 0.8  # scatterers per cell of the beam grid, enough for fully developed speckle even at the focus
FAINTEST = -40.0  # dB; weaker scatterers are below the gray map


@dataclass(frozen=True)
class Points:
    """Material positions (mm): first n scatterers, then m points of interfaces."""

    x: Floats  # (n + m,)
    z: Floats
    mobility: Floats
    diffuse: Floats  # (2, n): strength now, and after the slice has moved by its thickness
    coherent: Floats  # (m,)


def place_points(beams: Beams, phantom: Phantom, rng: np.random.Generator) -> Points:
    """Place scatterers uniformly in beam coordinates, with a margin around the field of view, and interfaces."""
    count = int(DENSITY * ROWS * 1.04 * BEAMS * 1.2)
    row = rng.uniform(-0.01 * ROWS, 1.03 * ROWS, count).astype(np.float32)
    beam = rng.uniform(-0.1 * BEAMS, 1.1 * BEAMS, count).astype(np.float32)
    x, z = beams.to_body(row, beam)
    level = phantom.sample(phantom.echo, x, z)
    keep = level > FAINTEST
    x, z, level = x[keep], z[keep], level[keep]
    scale = np.power(np.float32(10), level / 20) / np.float32(np.sqrt(DENSITY))
    # Equal strengths with random signs come closest to Rayleigh statistics for this number of scatterers.
    diffuse = rng.choice(np.array([-1, 1], np.float32), (2, x.size)) * scale
    lines = [interface_points(beams, interface, rng) for interface in phantom.interfaces]
    parts = [(x, z, phantom.sample(phantom.mobility, x, z)), *(line[:3] for line in lines)]
    x, z, mobility = (np.concatenate(part) for part in zip(*parts, strict=True))
    coherent = np.concatenate([np.zeros(0, np.float32), *(line[3] for line in lines)])
    return Points(x, z, mobility, diffuse, coherent)


def interface_points(
    beams: Beams, interface: Interface, rng: np.random.Generator
) -> tuple[Floats, Floats, Floats, Floats]:
    """x, z, mobility and strength of points that are denser than the beams and in phase except for the roughness."""
    length = np.hypot(np.diff(interface.x), np.diff(interface.z)).cumsum(dtype=float)
    length = np.concatenate([np.zeros(1), length])
    spacing = beams.pitch(np.array([max(float(interface.z.mean()), 1)], np.float32))[0] / 3
    spots = np.arange(0, length[-1], spacing)
    x = np.interp(spots, length, interface.x).astype(np.float32)
    z = np.interp(spots, length, interface.z) + rng.normal(0, interface.roughness, spots.size)
    level = np.interp(spots, length, np.broadcast_to(interface.level, interface.x.shape))
    strength = 10 ** (level / 20) * spacing / beams.pitch(np.maximum(z, 0))
    mobility = np.full(x.size, interface.mobile, np.float32)
    return x, z.astype(np.float32), mobility, strength.astype(np.float32)

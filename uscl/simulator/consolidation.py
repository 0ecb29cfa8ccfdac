"""Airless lung and the fluid around it, as pneumonia shows them below the pleura."""

import cv2
import numpy as np

from uscl.simulator.phantom import Bools, Floats, Interface, Phantom, along, outline, region, texture


def effusion(phantom: Phantom, view: np.random.Generator, pleura: Floats, thick: float) -> None:
    """Add anechoic fluid between the pleural layers; the lung's surface is visible through it."""
    bottom = pleura + np.maximum(thick * (1 + 0.5 * texture(view, phantom, 30, 1)[0]), 0)
    inside = (phantom.rows[:, None] > pleura + 0.5) & (phantom.rows[:, None] < bottom)
    phantom.echo[inside], phantom.attenuation[inside] = -38, 0.02
    phantom.dampen((bottom - pleura < 1).astype(np.float32))
    along(phantom, bottom.astype(np.float32), 8.0, roughness=0.1, mobile=True)


def consolidate(
    phantom: Phantom, view: np.random.Generator, pleura: Floats, centre: float, radii: tuple[float, float]
) -> None:
    """Add airless lung as dense as liver, with a shredded deep border and air left in some bronchi."""
    at = float(np.interp(centre, phantom.columns, pleura))
    x, z = outline(view, (centre, at + 0.1 * radii[1]), radii, lambda n: 0.16 / n**0.4)
    inside = region(phantom, x, z) & (phantom.rows[:, None] > pleura + 0.6)
    solid = view.uniform(-10, -3) + 2 * texture(view, phantom, 5, 4) + 1.5 * texture(view, phantom, 12, 10)
    phantom.echo[inside] = solid[inside]
    phantom.attenuation[inside] = view.uniform(0.35, 0.6)
    phantom.dampen(np.where(inside.any(axis=0), 0.15, 1))
    shred_border(phantom, view, inside)
    if min(radii) > 7:
        for _ in range(int(view.integers(3, 9))):
            add_bronchogram(phantom, view, inside)


def shred_border(phantom: Phantom, view: np.random.Generator, inside: Bools) -> None:
    """Draw the border to aerated lung as bright crumbs with dirty tails instead of a clean line."""
    edge = inside & ~cv2.erode(inside.astype(np.uint8), np.ones((5, 1), np.uint8), anchor=(0, 0)).astype(bool)
    rows, columns = np.nonzero(edge & (np.cumsum(inside[::-1], axis=0)[::-1] <= 6))
    if not rows.size:
        return
    phantom.echo[rows, columns] = 1 + 6 * view.standard_normal(rows.size)
    level, fading = view.uniform(-12, -3), view.uniform(0.02, 0.2)
    for k in view.choice(rows.size, min(rows.size, np.unique(columns).size // 2)):
        x, z = float(phantom.columns[columns[k]]), float(phantom.rows[rows[k]])
        phantom.ringdown.append((x, z, level + view.normal(0, 2.5), fading))


def add_bronchogram(phantom: Phantom, view: np.random.Generator, inside: Bools) -> None:
    """Add a branching row of bright dashes: air in a bronchus of the airless lung."""
    rows, columns = np.nonzero(inside)
    k = int(view.integers(rows.size))
    x, z, heading = float(phantom.columns[columns[k]]), float(phantom.rows[rows[k]]), view.uniform(-1.2, 1.2)
    for _ in range(int(view.integers(3, 8))):
        length = view.uniform(1, 4)
        heading += view.normal(0, 0.5)
        nx, nz = x + length * np.cos(heading), z + length * np.sin(heading)
        j, i = int((nx + phantom.half) / phantom.step), int(nz / phantom.step)
        if not (0 <= i < inside.shape[0] and 0 <= j < inside.shape[1] and inside[i, j]):
            heading += np.pi / 2
            continue
        dash = Interface(
            np.array([x, nx], np.float32),
            np.array([z, nz], np.float32),
            view.uniform(14, 22),
            roughness=0.3,
            mobile=True,
        )
        phantom.interfaces.append(dash)
        x, z = nx + 0.5, nz

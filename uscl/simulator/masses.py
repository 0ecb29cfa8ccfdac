"""Benign and malignant masses of the breast with their exact outlines."""

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np

from uscl.simulator.phantom import Bools, Floats, Interface, Phantom, outline, region, texture

Finding = Literal["normal", "benign", "malignant"]


def draw_mass(
    view: np.random.Generator, finding: Finding, x: float, layers: tuple[float, float], scale: float
) -> tuple[Floats, Floats, dict[str, float]]:
    """Draw outline and character of a mass. An eighth of each kind looks like the other."""
    gland, muscle = layers
    typical = view.random() > 0.12
    suspicious = (finding == "malignant") == typical
    wide = float(np.exp(view.normal(1.7 if finding == "benign" else 2.05, 0.36))) * scale
    ratio = view.uniform(0.75, 1.35) if suspicious else view.uniform(0.5, 0.85)
    wide = min(wide, 14 * scale)
    tall = min(wide * ratio, 0.55 * (muscle - gland) + 3)
    z = max(view.uniform(gland + 0.5 * tall, max(muscle - tall, gland + 0.6 * tall)), tall + 2.2)
    rough = view.uniform(0.10, 0.24) if suspicious else view.uniform(0.02, 0.07)
    power = view.uniform(0.25, 0.7) if suspicious else 1.3
    x_out, z_out = outline(view, (x, z), (wide, tall), lambda n: rough / n**power)
    cyst = not suspicious and view.random() < 0.35
    character = {
        "level": -32.0 if cyst else view.uniform(-21, -10),
        "attenuation": 0.05 if cyst else view.uniform(0.7, 1.6) if suspicious else view.uniform(0.15, 0.8),
        "texture": 0.5 if cyst else view.uniform(2, 4) if suspicious else view.uniform(0.6, 2),
        "halo": view.uniform(2, 7) if suspicious else 0.0,
        "rim": view.uniform(-2, 4) if suspicious else view.uniform(5, 12),
        "blur": view.uniform(0.2, 0.8) if suspicious else view.uniform(0.05, 0.25),
    }
    return x_out, z_out, character


def add_mass(phantom: Phantom, view: np.random.Generator, x: Floats, z: Floats, look: dict[str, float]) -> None:
    """Paint a mass of this outline and character, and its effect on the tissue around and behind it."""
    inside = region(phantom, x, z)
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), look["blur"] / phantom.step)
    distance = cv2.distanceTransform((~inside).astype(np.uint8), cv2.DIST_L2, 5) * np.float32(phantom.step)
    tissue = phantom.echo + look["halo"] * np.exp(-distance / 1.3)
    grain = (texture(view, phantom, 2.5, 1.5) + texture(view, phantom, 6, 4)) / np.sqrt(2)
    content = look["level"] + look["texture"] * grain
    phantom.echo[:] = tissue * (1 - soft) + content * soft
    phantom.attenuation[inside] = look["attenuation"]
    phantom.interfaces = [ended_at(phantom, interface, inside) for interface in phantom.interfaces]
    phantom.interfaces.append(Interface(x, z, look["rim"], roughness=0.03))
    if look["halo"] > 0:
        add_spicules(phantom, view, x, z)
        if view.random() < 0.4:
            add_calcifications(phantom, view, inside)
    elif view.random() < 0.6:
        add_edge_shadows(phantom, x, z, view.uniform(0.3, 1.2))
    phantom.lesions.append(inside)


def ended_at(phantom: Phantom, interface: Interface, inside: Bools) -> Interface:
    """The interface with its part inside the mass removed: fibres and fasciae end at the mass."""
    within = phantom.sample(inside.astype(np.float32), interface.x, interface.z)
    return replace(interface, level=(interface.level - 60 * within).astype(np.float32))


def add_spicules(phantom: Phantom, view: np.random.Generator, x: Floats, z: Floats) -> None:
    """Add dark rays of tumour into the surroundings; they are not part of the outlined mass."""
    cx, cz = float(x.mean()), float(z.mean())
    for k in view.choice(x.size, int(view.integers(3, 12))):
        reach = 1 + view.uniform(0.15, 0.5)
        tip = cx + (x[k] - cx) * reach, cz + (z[k] - cz) * reach
        a, b = (k - 5) % x.size, (k + 5) % x.size
        ray = region(phantom, np.array([x[a], tip[0], x[b]]), np.array([z[a], tip[1], z[b]]))
        phantom.echo[ray] -= view.uniform(3, 9)


def add_calcifications(phantom: Phantom, view: np.random.Generator, inside: Bools) -> None:
    """Add microcalcifications: bright points that are too small to cast shadows."""
    rows, columns = np.nonzero(inside)
    for k in view.choice(rows.size, min(rows.size, int(view.integers(4, 16)))):
        x, z = float(phantom.columns[columns[k]]), float(phantom.rows[rows[k]])
        phantom.interfaces.append(Interface(np.array([x, x + 0.25]), np.array([z, z]), view.uniform(8, 16)))


def add_edge_shadows(phantom: Phantom, x: Floats, z: Floats, strength: float) -> None:
    """Add two thin shadows: refraction at the sides of a smooth mass deflects the beam."""
    for k in (int(x.argmin()), int(x.argmax())):
        off = np.hypot((phantom.columns - x[k])[None] / 0.5, (phantom.rows[:, None] - z[k]) / 1.2)
        phantom.attenuation += (strength * np.exp(-0.5 * off**2)).astype(np.float32)

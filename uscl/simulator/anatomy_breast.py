"""Normal breast: skin, fat lobules, fibroglandular tissue, chest muscle; with masses added on request."""

import cv2
import numpy as np

from uscl.simulator.masses import Finding, add_mass, draw_mass
from uscl.simulator.phantom import Floats, Interface, Phantom, along, blank, curve, texture

STEP = 0.1  # mm


def breast(
    body: np.random.Generator,
    view: np.random.Generator,
    finding: Finding,
    lesions: int,
    half: float,
    depth: float,
) -> Phantom:
    """`body` draws what stays the same per patient, `view` what changes with the probe's position; extent in mm.

    Masses stay within the inner 70 % of the width; their outlines are `phantom.lesions`, in drawing order.
    """
    phantom = blank(half, depth, STEP, 0.6)
    gland, muscle = paint_layers(phantom, body, view)
    centres = np.linspace(-0.25, 0.25, lesions) * half if lesions > 1 else view.uniform(-0.3, 0.3, lesions) * half
    for centre in centres:
        shape = draw_mass(view, finding, float(centre), (gland, muscle), 1 / max(1, lesions) ** 0.5)
        add_mass(phantom, view, *shape)
    return phantom


def paint_layers(phantom: Phantom, body: np.random.Generator, view: np.random.Generator) -> tuple[float, float]:
    """Paint the normal breast; returns the mean depths of gland and muscle."""
    x, z = phantom.columns, phantom.rows[:, None]
    skin, fat = body.uniform(1.0, 2.0), body.uniform(4, 11)
    muscle_depth = max(fat + 8, body.uniform(18, 30))
    gland = np.clip(curve(view, x, fat, 1.8, 9), skin + 1.5, None)
    muscle = np.maximum(curve(view, x, muscle_depth, 1.0, 16) + view.normal(0, 0.07) * x, gland + 4)
    retro = muscle - np.clip(curve(view, x, body.uniform(0, 3), 1.0, 8), 0, None)
    density = body.uniform(-2, 6)
    phantom.echo[:] = np.where(z < gland, fat_echo(phantom, view), gland_echo(phantom, view, density))
    phantom.echo[:] = np.where(z > retro, fat_echo(phantom, view) - 1, phantom.echo)
    phantom.echo[:] = np.where(z > muscle, muscle_echo(phantom, view), phantom.echo)
    phantom.echo[:] = np.where(z < skin, 5, phantom.echo)
    for depth, level in ((0.25, 10.0), (skin, 8.0)):
        along(
            phantom,
            depth + curve(view, x, 0, 0.06, 12),
            level + 2 * texture(view, phantom, 6, 1)[0],
            roughness=0.02,
        )
    along(phantom, gland, 3 + 4 * texture(view, phantom, 5, 1)[0], roughness=0.05)
    add_fascia(phantom, view, muscle, body.random() < 0.6)
    add_strands(phantom, view, skin, fat, muscle_depth)
    return fat, muscle_depth


def fat_echo(phantom: Phantom, view: np.random.Generator) -> Floats:
    """Hypoechoic lobules between bright septa (Cooper's ligaments), which are level lines of smooth noise."""
    field = texture(view, phantom, 11, 3.2) + 0.35 * texture(view, phantom, 4, 1.5)
    septa = np.exp(-((field / 0.08) ** 2))
    return view.uniform(-14, -9) + 1.2 * texture(view, phantom, 5, 2) + view.uniform(8, 14) * septa


def gland_echo(phantom: Phantom, view: np.random.Generator, density: float) -> Floats:
    """Echogenic stroma streaked along the skin, with darker ducts and fat lobules in it."""
    streaks = 3.2 * texture(view, phantom, 6, 0.5) + 2.6 * texture(view, phantom, 10, 1.8)
    ducts = np.clip(texture(view, phantom, 4, 1.3) - 1.1, 0, 1) * view.uniform(6, 16)
    lobules = np.clip(texture(view, phantom, 9, 4) - 0.9, 0, 0.6) * view.uniform(2, 14)
    return density + streaks + 2 * texture(view, phantom, 10, 6) - ducts - lobules


def muscle_echo(phantom: Phantom, view: np.random.Generator) -> Floats:
    """Pectoral muscle: dark, with bright fibrous striae along it."""
    tilt = view.uniform(-0.12, 0.12)
    striae = texture(view, phantom, 12, 0.8)
    shear = np.array([[1, 0, 0], [tilt, 1, 0]], np.float32)
    size = striae.shape[::-1]
    striae = np.asarray(cv2.warpAffine(striae, shear, size, borderMode=cv2.BORDER_REFLECT))
    return view.uniform(-14, -8) + 9 * np.clip(striae, -0.4, 1.6) + texture(view, phantom, 8, 3)


def add_fascia(phantom: Phantom, view: np.random.Generator, muscle: Floats, lung_seen: bool) -> None:
    """Bright sheets in front of and behind the muscle; ribs and lung below the deeper one give no true echoes."""
    along(phantom, muscle, view.uniform(6, 12) + 4 * texture(view, phantom, 7, 1)[0], roughness=0.05)
    back = muscle + curve(view, phantom.columns, view.uniform(6, 11), 0.5, 15)
    along(phantom, back, view.uniform(8, 15) + 4 * texture(view, phantom, 9, 1)[0], roughness=0.05)
    if lung_seen:
        below = phantom.rows[:, None] > back
        phantom.echo[below] -= np.broadcast_to(8 + 0.5 * (phantom.rows[:, None] - back), below.shape)[below]


def add_strands(phantom: Phantom, view: np.random.Generator, skin: float, fat: float, muscle: float) -> None:
    """Thin bright fibres along the skin: few in the fat, many in the gland, dense in the muscle."""
    bands = ((skin + 0.5, fat, 8, 0.12), (fat, muscle, 40, 0.16), (muscle + 0.5, muscle + 9, 26, 0.05))
    for top, bottom, count, tilt in bands:
        slope = view.normal(0, 0.05)
        for _ in range(int(view.poisson(count))):
            length, centre = view.uniform(3, 16), view.uniform(-1, 1) * phantom.half
            s = np.linspace(-0.5, 0.5, 24)
            bow = view.normal(0, 0.35) * np.cos(3 * s + view.uniform(0, 6))
            z = view.uniform(top, bottom) + (slope + view.normal(0, tilt)) * s * length + bow
            level = view.uniform(4, 16) - 14 * np.abs(s) ** 2 * 4
            x = (centre + s * length).astype(np.float32)
            phantom.interfaces.append(Interface(x, z.astype(np.float32), level.astype(np.float32), roughness=0.04))

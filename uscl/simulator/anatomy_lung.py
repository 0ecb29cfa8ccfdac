"""Chest wall, pleura and lung: regular, COVID-19 and pneumonia."""

from typing import Literal, NamedTuple

import numpy as np

from uscl.simulator.consolidation import consolidate, effusion
from uscl.simulator.phantom import (
    Bools,
    Floats,
    Interface,
    Phantom,
    along,
    blank,
    curve,
    region,
    texture,
)

State = Literal["regular", "covid", "pneumonia"]


class Variety(NamedTuple):
    """The ranges within which lungs differ in other things than disease."""

    wall: tuple[float, float] = (13, 30)  # thickness of the chest wall, mm
    haze: tuple[float, float] = (-16, -4)  # level of the echoes below the pleura, dB
    fading: tuple[float, float] = (0.06, 0.38)  # of the haze, dB/mm
    mirror: tuple[float, float] = (0.07, 0.3)  # reflection of the pleura, hence the strength of A-lines
    ribs: float = 0.5  # share of the views with ribs in them


OWN = Variety()
ALIKE = Variety(wall=(17, 27), haze=(-13, -7), fading=(0.15, 0.3), mirror=(0.12, 0.25), ribs=0)


def lung(
    body: np.random.Generator,
    view: np.random.Generator,
    state: State,
    half: float,
    depth: float,
    variety: Variety = OWN,
) -> Phantom:
    """`body` draws what stays the same per patient, `view` what changes with the probe's position.

    `half` and `depth` (mm) are the extent to fill. The states overlap: a mild case may show only one B-line, a
    regular lung may have one, and pneumonia often has some.
    """
    shallow = depth < 60
    step = 0.25 if shallow else 0.5
    phantom = blank(half, depth, step, 0.55)
    x, z = phantom.columns, phantom.rows[:, None]
    wall = body.uniform(*variety.wall) * (0.6 if shallow else 1)
    severity = float(np.clip(body.beta(3.2, 1.4) + view.normal(0, 0.12), 0.05, 1))
    pleura = curve(view, x, wall, 0.5 if shallow else 0.9, 18)
    paint_chest_wall(phantom, body, view, pleura)
    paint_air(phantom, view, z > pleura, pleura, variety)
    phantom.pleura = pleura
    phantom.mirror = np.full(x.size, view.uniform(*variety.mirror), np.float32)
    {"regular": paint_regular, "covid": paint_covid, "pneumonia": paint_pneumonia}[state](
        phantom, view, pleura, severity
    )
    if view.random() < variety.ribs:
        add_ribs(phantom, view, pleura)
    return phantom


def paint_chest_wall(phantom: Phantom, body: np.random.Generator, view: np.random.Generator, pleura: Floats) -> None:
    """Skin, fat and muscle down to the pleura, with bright fasciae."""
    x, z = phantom.columns, phantom.rows[:, None]
    wall = float(np.median(pleura))
    skin = body.uniform(1.2, 2.2)
    fat = np.clip(curve(view, x, skin + body.uniform(0.2, 0.55) * (wall - skin), 0.8, 25), skin + 1, pleura - 2)
    phantom.echo[:] = np.where(z < skin, 3, np.where(z < fat, body.uniform(-7, -2), body.uniform(-6, 1)))
    phantom.echo += np.where(z < pleura, 4.5 * texture(view, phantom, 12, 0.8) + 3 * texture(view, phantom, 18, 3), 0)
    for share in np.sort(view.uniform(0.08, 0.9, int(view.integers(5, 12)))):
        level = view.uniform(0, 12) + 5 * texture(view, phantom, 12, 1)[0]
        along(phantom, share * (pleura + curve(view, x, 0, 0.5, 20)), level, roughness=0.06)
    along(phantom, np.full(x.size, skin, np.float32), 4.0, roughness=0.05)
    along(phantom, fat, view.uniform(2, 9) + 3 * texture(view, phantom, 12, 1)[0], roughness=0.08)


def paint_air(phantom: Phantom, view: np.random.Generator, below: Bools, pleura: Floats, variety: Variety) -> None:
    """Air reflects everything: the display below it shows multiple scattering that fades with the path."""
    deep = np.maximum(phantom.rows[:, None] - pleura, 0)
    haze = view.uniform(*variety.haze) - view.uniform(*variety.fading) * deep + 2 * texture(view, phantom, 12, 30)
    phantom.echo[:] = np.where(below, haze, phantom.echo)
    phantom.mobility[:] = below
    phantom.attenuation[:] = np.where(below, 0.5, phantom.attenuation)


def add_pleural_line(phantom: Phantom, view: np.random.Generator, pleura: Floats, irregular: float) -> Floats:
    """Add the bright line, layered where it is thickened and with gaps where it is broken; returns its depth."""
    rough = irregular * phantom.step * (1.0 * texture(view, phantom, 4, 1)[0] + 0.8 * texture(view, phantom, 1.5, 1)[0])
    level = (
        view.uniform(20, 29) + 2 * texture(view, phantom, 20, 1)[0] - 9 * irregular * (rough > irregular * phantom.step)
    )
    line = (pleura + rough).astype(np.float32)
    for layer in range(1 + round(2 * irregular)):
        shifted = line + np.float32(0.5 * layer)
        along(phantom, shifted, level - 4 * layer, roughness=0.015 + 0.12 * irregular, mobile=True)
    return line


def add_b_lines(phantom: Phantom, view: np.random.Generator, line: Floats, count: int, confluent: float) -> None:
    """Add bundles of ringing points: narrow bundles appear as single lines, wide ones merge."""
    reach, scale = 0.5 * phantom.half, phantom.step / 0.5
    for _ in range(count):
        centre = view.uniform(-reach, reach)
        wide = scale * (view.uniform(3, 10) if view.random() < confluent else view.uniform(0.4, 2))
        level, fading = view.uniform(-7, 6), view.uniform(-0.02, 0.08)
        for offset in np.clip(view.normal(0, 0.5, 5 + int(3 * wide)), -1.5, 1.5):
            x = float(centre + wide * offset)
            z = float(np.interp(x, phantom.columns, line))
            phantom.ringdown.append((x, z, level + view.normal(-1, 2) - 4 * offset**2, fading))


def paint_regular(phantom: Phantom, view: np.random.Generator, pleura: Floats, severity: float) -> None:
    """A smooth pleural line and, rarely, a B-line, whatever the severity."""
    line = add_pleural_line(phantom, view, pleura, view.uniform(0, 0.2))
    add_b_lines(phantom, view, line, int(view.choice([0, 1, 2], p=[0.78, 0.17, 0.05])), 0.05)


def paint_covid(phantom: Phantom, view: np.random.Generator, pleura: Floats, severity: float) -> None:
    """An irregular pleural line, merging B-lines, small consolidations below the pleura."""
    irregular = 0.15 + 0.85 * severity
    line = add_pleural_line(phantom, view, pleura, irregular)
    phantom.dampen(1 - 0.75 * severity)
    add_b_lines(phantom, view, line, int(view.poisson(1 + 4.5 * severity)), 0.15 + 0.5 * severity)
    for _ in range(int(view.poisson(1.6 * severity))):
        size = view.uniform(2, 6)
        centre = view.uniform(-0.4, 0.4) * phantom.half
        consolidate(phantom, view, pleura, centre, (size, size * view.uniform(0.4, 0.9)))


def paint_pneumonia(phantom: Phantom, view: np.random.Generator, pleura: Floats, severity: float) -> None:
    """One large consolidation, sometimes under an effusion, and few B-lines."""
    line = add_pleural_line(phantom, view, pleura, view.uniform(0.05, 0.6))
    phantom.dampen(1 - 0.6 * severity)
    add_b_lines(phantom, view, line, int(view.poisson(1.1)), 0.3)
    if view.random() < 0.06:
        return
    scale = 0.4 if phantom.step < 0.4 else 1.0
    size = scale * (7 + 36 * severity * view.uniform(0.5, 1))
    if severity > 0.35 and view.random() < 0.35:
        effusion(phantom, view, pleura, scale * view.uniform(3, 12))
    centre = view.uniform(-0.25, 0.25) * phantom.half
    consolidate(phantom, view, pleura, centre, (size * view.uniform(0.8, 1.4), size))


def add_ribs(phantom: Phantom, view: np.random.Generator, pleura: Floats) -> None:
    """One or two ribs across the view: a bright cap, and nothing behind it."""
    x = phantom.columns
    small = 0.55 if phantom.step < 0.4 else 1.0
    first, gap = view.uniform(-0.55, 0.1) * phantom.half, small * view.uniform(26, 36)
    for centre in first + gap * np.arange(int(view.integers(1, 4))):
        top = float(np.interp(centre, x, pleura)) * view.uniform(0.55, 0.8)
        width, height = small * view.uniform(5, 8), small * view.uniform(3, 4.5)
        ring = np.linspace(0, 2 * np.pi, 80)
        inside = region(phantom, centre + width * np.cos(ring), top + height + height * np.sin(ring))
        phantom.echo[inside], phantom.attenuation[inside] = -14, view.uniform(4, 12)
        cap = np.linspace(-0.75, 0.75, 40) * width
        rise = top + height - height * np.sqrt(1 - (cap / width) ** 2)
        phantom.interfaces.append(
            Interface(
                (centre + cap).astype(np.float32),
                rise.astype(np.float32),
                view.uniform(8, 14),
                roughness=0.12,
            )
        )

"""Upper abdomen: abdominal wall, liver with vessels, diaphragm, and sometimes kidney or gallbladder."""

import numpy as np

from uscl.simulator.phantom import Interface, Phantom, along, blank, curve, outline, region, texture


def liver(body: np.random.Generator, view: np.random.Generator, half: float, depth: float) -> Phantom:
    """`body` draws what stays the same per patient, `view` what changes with the probe's position; extent in mm."""
    phantom = blank(half, depth, 0.5, 0.55)
    wall = body.uniform(14, 26)
    paint_abdominal_wall(phantom, body, view, wall)
    paint_parenchyma(phantom, body, view, wall)
    deep = min(depth - 25, body.uniform(95, 135))
    for portal in [False] * int(view.integers(1, 4)) + [True] * int(view.integers(1, 5)):
        start = view.uniform(-0.5, 0.5) * phantom.half, view.uniform(wall + 14, deep - 12)
        heading = view.uniform(-0.9, 0.9) if portal else np.pi / 2 + view.uniform(-1, 1)
        add_vessel(phantom, view, start, heading, view.uniform(1.5, 4.2), wall, portal)
    neighbour = view.random()
    if neighbour < 0.22:
        add_kidney(phantom, view, deep)
    elif neighbour < 0.8:
        add_diaphragm(phantom, view, deep)
    if view.random() < 0.25:
        add_gallbladder(phantom, view, wall)
    return phantom


def paint_abdominal_wall(phantom: Phantom, body: np.random.Generator, view: np.random.Generator, wall: float) -> None:
    """Skin, fat and muscle down to depth `wall`, with bright fasciae."""
    x, z = phantom.columns, phantom.rows[:, None]
    fat = curve(view, x, body.uniform(0.3, 0.7) * wall, 0.6, 25)
    edge = curve(view, x, wall, 0.6, 30)
    phantom.echo[:] = np.where(z < 2, 3, np.where(z < fat, body.uniform(-7, -2), body.uniform(-7, -3)))
    phantom.echo += 4 * texture(view, phantom, 12, 0.8) + 2 * texture(view, phantom, 18, 3)
    for share in np.sort(view.uniform(0.1, 0.9, int(view.integers(4, 9)))):
        level = view.uniform(0, 12) + 5 * texture(view, phantom, 12, 1)[0]
        along(phantom, share * edge + curve(view, x, 0, 0.4, 20), level, roughness=0.06)
    along(phantom, fat, view.uniform(3, 9), roughness=0.08)
    along(phantom, edge, view.uniform(8, 14) + 3 * texture(view, phantom, 15, 1)[0], roughness=0.05)


def paint_parenchyma(phantom: Phantom, body: np.random.Generator, view: np.random.Generator, wall: float) -> None:
    """Liver below depth `wall`; only the liver moves with breathing."""
    z = phantom.rows[:, None]
    inside = np.broadcast_to(z > wall + 1, phantom.echo.shape)
    # Steatosis: a brighter liver that attenuates more.
    steatosis = body.beta(1.2, 3)
    level = body.uniform(-5, -1) + 4 * steatosis + 1.2 * texture(view, phantom, 4, 4) + texture(view, phantom, 20, 15)
    phantom.echo[:] = np.where(inside, level, phantom.echo)
    phantom.attenuation[:] = np.where(inside, 0.5 + 0.25 * steatosis, phantom.attenuation)
    phantom.mobility[:] = 1 / (1 + np.exp((wall + 2 - z) / 0.6))


def add_vessel(
    phantom: Phantom,
    view: np.random.Generator,
    start: tuple[float, float],
    heading: float,
    width: float,
    wall: float,
    portal: bool,
) -> None:
    """A tapering, winding tube with branches; only portal vessels have an echogenic wall."""
    length = width * view.uniform(6, 15)
    s = np.linspace(0, 1, 40)
    bend = heading + view.normal(0, 0.5) * s + 0.25 * np.sin(view.uniform(3, 8) * s + view.uniform(0, 6))
    x = start[0] + np.cumsum(np.cos(bend)) * length / 40
    z = start[1] + np.cumsum(np.sin(bend)) * length / 40
    half = 0.7 * width * (1 - 0.55 * s) * np.sqrt(np.sin(np.pi * np.clip(s + 0.02, 0, 0.98)) ** 0.5)
    for k in view.choice(np.arange(8, 36), int(view.integers(0, 3))) if width > 1.6 else ():
        turn = bend[k] + view.choice([-1, 1]) * view.uniform(0.4, 0.9)
        add_vessel(phantom, view, (float(x[k]), float(z[k])), float(turn), 0.6 * width, wall, portal)
    nx, nz = -np.sin(bend), np.cos(bend)
    if portal:
        grown = half + view.uniform(0.8, 1.6)
        wide = region(phantom, *ribbon(x, z, nx, nz, grown))
        phantom.echo[wide] += view.uniform(5, 9)
        for side in (1, -1):
            line = (x + side * half * nx).astype(np.float32), (z + side * half * nz).astype(np.float32)
            phantom.interfaces.append(Interface(*line, view.uniform(0, 6), roughness=0.1, mobile=True))
    rim = [part.astype(np.float32) for part in ribbon(x, z, nx, nz, half)]
    lumen = region(phantom, *rim) & (phantom.rows[:, None] > wall + 3)
    phantom.echo[lumen], phantom.attenuation[lumen] = view.uniform(-30, -22), 0.15


def ribbon(x: np.ndarray, z: np.ndarray, nx: np.ndarray, nz: np.ndarray, half: np.ndarray) -> list[np.ndarray]:
    """Outline x and z of a band of half width `half` around a line with normals nx, nz."""
    return [np.concatenate([p + half * n, (p - half * n)[::-1]]) for p, n in ((x, nx), (z, nz))]


def add_diaphragm(phantom: Phantom, view: np.random.Generator, deep: float) -> None:
    """A bright arc; the lung behind it shows a fainter mirror image of the liver."""
    x, z = phantom.columns, phantom.rows[:, None]
    centre, radius = view.uniform(-40, 40), view.uniform(90, 150)
    arc = deep - radius + np.sqrt(np.maximum(radius**2 - (x - centre) ** 2, (0.5 * radius) ** 2))
    arc = (arc + 0.6 * texture(view, phantom, 25, 1)[0]).astype(np.float32)
    behind = z > arc
    phantom.echo[:] = np.where(behind, phantom.echo - view.uniform(5, 11) - 0.25 * np.maximum(z - arc, 0), phantom.echo)
    level = view.uniform(16, 24) + 3 * texture(view, phantom, 20, 1)[0]
    for layer in (0.0, 0.9):
        along(phantom, arc + np.float32(layer), level - 3 * layer, roughness=0.15, mobile=True)


def add_kidney(phantom: Phantom, view: np.random.Generator, deep: float) -> None:
    """Hypoechoic cortex in a bright capsule around the echogenic sinus."""
    centre = view.choice([-1, 1]) * view.uniform(0.15, 0.4) * phantom.half, view.uniform(0.55, 0.8) * deep
    radii = view.uniform(38, 52), view.uniform(17, 23)
    x, z = outline(view, centre, radii, lambda n: 0.02 / n)
    cortex = region(phantom, x, z)
    phantom.echo[cortex] = (view.uniform(-9, -5) + 1.5 * texture(view, phantom, 4, 4))[cortex]
    sx, sz = outline(view, centre, (0.6 * radii[0], 0.45 * radii[1]), lambda n: 0.12 / n**0.5)
    sinus = region(phantom, sx, sz)
    phantom.echo[sinus] = (view.uniform(2, 7) + 4 * texture(view, phantom, 4, 2))[sinus]
    phantom.interfaces.append(Interface(x, z, view.uniform(8, 14), roughness=0.15, mobile=True))


def add_gallbladder(phantom: Phantom, view: np.random.Generator, wall: float) -> None:
    """A pear of clear bile, with enhancement behind it and sometimes a stone that shadows."""
    centre = view.uniform(-0.3, 0.3) * phantom.half, wall + view.uniform(25, 40)
    radii = view.uniform(18, 30), view.uniform(8, 13)
    x, z = outline(view, centre, radii, lambda n: 0.05 / n)
    bile = region(phantom, x, z)
    phantom.echo[bile], phantom.attenuation[bile] = -40, 0.0
    phantom.interfaces.append(Interface(x, z, view.uniform(8, 14), roughness=0.12, mobile=True))
    if view.random() < 0.35:
        ring, size = np.linspace(0, 2 * np.pi, 60), view.uniform(2, 4.5)
        at = centre[0] + view.uniform(-6, 6), centre[1] + 0.9 * radii[1] - size
        stone = region(phantom, at[0] + size * np.cos(ring), at[1] + size * np.sin(ring))
        phantom.echo[stone], phantom.attenuation[stone] = 10, 9

"""Properties that simulated echoes must share with real ones."""

from dataclasses import replace

import numpy as np
import pytest

from uscl.base.seeds import generator
from uscl.simulator.anatomy_lung import ALIKE, OWN, Variety, lung
from uscl.simulator.beam import BEAMS, ROWS
from uscl.simulator.display import lesion_masks
from uscl.simulator.events import timeline
from uscl.simulator.machine import Exam, draw_exam
from uscl.simulator.motion import Pose
from uscl.simulator.patient import breast_scanner, extent, liver_scanner
from uscl.simulator.phantom import Interface, Phantom, along, blank, outline, region
from uscl.simulator.scan import Scanner

MIDDLE = slice(BEAMS // 4, -BEAMS // 4)
SILENT = -200.0  # dB


def plain(probe: str = "linear", **changes: object) -> Exam:
    """An exam without noise, lens reverberation or poor contact."""
    exam = draw_exam(generator(1, "test", probe), probe, "breast" if probe == "linear" else "lung")  # type: ignore[arg-type]
    quiet = {"noise": SILENT, "ring": SILENT, "contact": (0.0, 0.0), "looks": 1, "tgc": 0.55}
    return replace(exam, **(quiet | changes))  # type: ignore[arg-type]


def uniform(exam: Exam, echo: float = 0.0) -> Phantom:
    half, depth = extent(exam)
    phantom = blank(half, depth, 0.25, exam.tgc)
    phantom.echo[:] = echo
    return phantom


def scan(exam: Exam, phantom: Phantom) -> Scanner:
    return Scanner(exam, phantom, generator(0, "test", "scatterers"))


@pytest.mark.parametrize("probe", ["linear", "convex"])
def test_speckle_is_fully_developed_and_calibrated(probe: str) -> None:
    exam = plain(probe, tgc=0.4)  # below the cap of the time gain compensation down to the last row
    envelope = scan(exam, uniform(exam)).envelope()[40:-40, 20:-20]
    assert envelope.mean() / envelope.std() == pytest.approx(1.91, abs=0.12)  # Rayleigh: sqrt(pi / (4 - pi))
    assert np.sqrt((envelope**2).mean()) == pytest.approx(1, rel=0.15)  # 0 dB tissue


@pytest.mark.parametrize(("attenuation", "darker"), [(2.5, True), (0.0, False)])
def test_a_mass_shadows_or_enhances_the_tissue_behind_it(attenuation: float, darker: bool) -> None:
    exam = plain()
    phantom = uniform(exam)
    x, z = outline(generator(0, "test"), (0.0, 0.4 * exam.depth), (4.0, 4.0), lambda n: 0.0)
    phantom.attenuation[region(phantom, x, z)] = attenuation
    scanner = scan(exam, phantom)
    envelope, rows = scanner.envelope(), slice(int(0.65 * ROWS), int(0.9 * ROWS))
    behind = np.abs(scanner.beams.b) < 2
    ratio = envelope[rows, behind].mean() / envelope[rows, np.abs(scanner.beams.b) > 8].mean()
    assert ratio < 0.5 if darker else ratio > 1.5


@pytest.mark.parametrize("probe", ["linear", "convex"])
def test_a_lines_appear_at_multiples_of_the_pleural_depth(probe: str) -> None:
    exam = plain(probe)
    phantom, depth = uniform(exam, echo=-39), 0.22 * exam.depth
    phantom.pleura = np.full(phantom.columns.size, depth, np.float32)
    phantom.mirror = np.full(phantom.columns.size, 0.3, np.float32)
    along(phantom, phantom.pleura, 20.0)
    scanner = scan(exam, phantom)
    profile = scanner.envelope()[:, BEAMS // 2 - 3 : BEAMS // 2 + 4].mean(axis=1)
    first = int(profile.argmax())
    assert first * scanner.beams.dr == pytest.approx(depth, abs=0.6)
    for n in (2, 3):
        window = slice(n * first - 12, n * first + 13)
        assert profile[window].argmax() == pytest.approx(12, abs=3)
        assert profile[window].max() > 4 * np.median(profile[window])
        assert profile[window].max() < profile[first]


def test_a_rib_leaves_no_a_line_behind_it() -> None:
    exam = plain("convex")
    phantom, depth = uniform(exam), 25.0
    phantom.pleura = np.full(phantom.columns.size, depth, np.float32)
    phantom.mirror = np.full(phantom.columns.size, 0.3, np.float32)
    along(phantom, phantom.pleura, 20.0)
    phantom.attenuation[(phantom.rows[:, None] > 15) & (phantom.rows[:, None] < 22) & (phantom.columns < -2)] = 12
    scanner = scan(exam, phantom)
    envelope = scanner.envelope()
    row = round(2 * depth / scanner.beams.dr)
    left, right = (
        envelope[row - 5 : row + 6, : BEAMS // 3],
        envelope[row - 5 : row + 6, BEAMS // 2 + 4 : BEAMS // 2 + 12],
    )
    assert left.max() < 0.05 * right.max()


def test_a_b_line_reaches_the_bottom_and_slides_with_the_lung() -> None:
    exam = plain("convex")
    phantom = uniform(exam, echo=-20)
    phantom.ringdown.append((0.0, 25.0, 6.0, 0.0))
    scanner = scan(exam, phantom)
    for shift in (0.0, 6.0):
        deep = scanner.envelope(Pose(breath_x=shift))[int(0.8 * ROWS) : -10].mean(axis=0)
        angle = np.arctan2(shift, 25 + exam.radius)
        line = int(np.abs(scanner.beams.b - angle).argmin())
        assert abs(int(deep.argmax()) - line) <= 2
        assert deep[line] > 3 * np.median(deep)


@pytest.mark.parametrize(("rows", "beams"), [(7, 0), (0, 5), (-4, 3)])
def test_speckle_moves_with_the_tissue(rows: int, beams: int) -> None:
    exam = plain()
    scanner = scan(exam, uniform(exam))
    still = scanner.envelope()
    moved = scanner.envelope(Pose(probe_x=beams * scanner.beams.db, probe_z=rows * scanner.beams.dr))
    inner = slice(100, 400), slice(40, 130)
    shifts = [(i, j) for i in range(-9, 10) for j in range(-7, 8)]
    match = [np.corrcoef(np.roll(still, s, (0, 1))[inner].ravel(), moved[inner].ravel())[0, 1] for s in shifts]
    best = shifts[int(np.argmax(match))]
    assert abs(best[0] - rows) <= 1
    assert best[1] == beams
    assert max(match) > 0.8


def test_elevational_motion_replaces_the_speckle() -> None:
    exam = plain()
    scanner = scan(exam, uniform(exam))
    still = scanner.envelope()[100:400].ravel()
    near, far = (scanner.envelope(Pose(exchange=e))[100:400].ravel() for e in (0.3, np.pi / 2))
    assert np.corrcoef(still, near)[0, 1] > 0.8
    assert abs(np.corrcoef(still, far)[0, 1]) < 0.2


def test_an_interface_is_brightest_where_the_beam_meets_it_squarely() -> None:
    exam = plain()
    phantom = uniform(exam, echo=-39)
    x = phantom.columns
    for z in (0.3 * exam.depth + 0 * x, 0.7 * exam.depth + 0.25 * x):
        phantom.interfaces.append(Interface(x, z.astype(np.float32), 10.0, roughness=0.0))
    envelope = scan(exam, phantom).envelope()[:, MIDDLE]
    assert envelope[: ROWS // 2].max(axis=0).mean() > 5 * envelope[ROWS // 2 :].max(axis=0).mean()


def test_beam_and_body_coordinates_are_inverse() -> None:
    beams = scan(plain("convex"), uniform(plain("convex"))).beams
    row, beam = (v.astype(np.float32) for v in np.meshgrid(np.linspace(5, 500, 30), np.linspace(3, 170, 30)))
    back = beams.to_beam(*beams.to_body(row, beam))
    np.testing.assert_allclose(back[0], row, atol=1.0)
    np.testing.assert_allclose(back[1], beam, atol=1.0)


def test_masks_lie_on_the_mass() -> None:
    exam = plain()
    scanner = breast_scanner(0, ("test", 4), 0, exam, "benign", 2)
    masks = lesion_masks(scanner)
    assert len(masks) == 2
    for mask, mass in zip(masks, scanner.phantom.lesions, strict=True):
        assert mask.shape == (exam.height, exam.width)
        area = (mask > 0).sum() * (2 * exam.half / exam.width) * (exam.depth / exam.height)
        assert area == pytest.approx(mass.sum() * scanner.phantom.step**2, rel=0.05)


def test_lung_states_differ_in_what_defines_them() -> None:
    tails = {}
    for state in ("regular", "covid"):
        views = [lung(generator(k, "b"), generator(k, "v"), state, 60, 110) for k in range(30)]  # type: ignore[arg-type]
        tails[state] = np.array([len(view.ringdown) > 0 for view in views])
    assert 0 < tails["regular"].mean() < 0.6 < tails["covid"].mean()


def test_lungs_that_are_alike_differ_in_disease_alone() -> None:
    def walls_and_haze(variety: Variety) -> np.ndarray:
        views = [lung(generator(k, "b"), generator(k, "v"), "regular", 60, 110, variety) for k in range(30)]
        return np.array([(np.median(v.pleura), v.echo[-20:].mean(), v.mirror.mean()) for v in views])

    own, alike = walls_and_haze(OWN), walls_and_haze(ALIKE)
    assert (alike.std(axis=0) < 0.7 * own.std(axis=0)).all()
    assert (np.abs(alike.mean(axis=0) - own.mean(axis=0)) < own.std(axis=0)).all()


def test_frames_are_dark_outside_the_sector() -> None:
    exam = plain("convex", crop=1.0)
    frame = liver_scanner(0, ("test", 1), 0, exam).frame()
    assert frame.dtype == np.uint8
    assert frame[-1, 0] == frame[-1, -1] == frame[0, 0] == 0
    assert frame[exam.height // 2, exam.width // 2 - 20 : exam.width // 2 + 20].mean() > 20


@pytest.mark.parametrize("event", ["organ_change", "dropout", "freeze", "none"])
def test_events_leave_normal_frames_before_and_after(event: str) -> None:
    for seed in range(20):
        for frames in (8, 24):
            steps = timeline(event, frames, generator(seed, "test"))  # type: ignore[arg-type]
            notes = [step.note for step in steps]
            assert len(steps) == frames
            assert notes[0] == ""
            assert event == "freeze" or notes[-1] == ""
            assert any(notes) == (event != "none")
            assert (steps[-1].blend == 1) == (event == "organ_change")

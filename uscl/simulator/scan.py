"""One scanner on one body: it turns a pose into a frame."""

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.simulator.beam import BEAMS, ROWS, Beams, Complex
from uscl.simulator.machine import Exam
from uscl.simulator.motion import Pose
from uscl.simulator.phantom import Floats, Phantom
from uscl.simulator.scatterers import place_points

COARSE_ROWS, COARSE_BEAMS = ROWS // 4, BEAMS // 2
ECHOES = 4  # number of simulated reverberations between pleura and probe

REST = Pose()
FULL_CONTACT = np.ones(BEAMS, np.float32)


class Scanner:
    """Scatterers, interfaces and artefacts of one phantom as one exam images them."""

    def __init__(self, exam: Exam, phantom: Phantom, rng: np.random.Generator) -> None:
        self.beams, self.phantom = Beams(exam), phantom
        self._points = place_points(self.beams, phantom, rng)
        rows = (np.arange(COARSE_ROWS, dtype=np.float32) + 0.5) * (ROWS / COARSE_ROWS) - 0.5
        columns = (np.arange(COARSE_BEAMS, dtype=np.float32) + 0.5) * (BEAMS / COARSE_BEAMS) - 0.5
        self._coarse = self.beams.to_body(*(v.copy() for v in np.meshgrid(rows, columns, indexing="ij")))
        self._noise = complex_noise(rng, (2 * ROWS, BEAMS)) * np.float32(10 ** (exam.noise / 20))
        ring = exam.ring - 1.6 * self.beams.r[:, None] / exam.wavelength  # dB
        self._ring = (complex_noise(rng, (ROWS, 1)) * 10 ** (ring / 20)).astype(np.complex64)
        self._tails = complex_noise(rng, (len(phantom.ringdown), ROWS))
        self._edges = edge_contact(exam)

    def frame(self, pose: Pose = REST, contact: Floats = FULL_CONTACT) -> NDArray[np.uint8]:
        """The displayed picture, uint8 (height, width); `contact` weakens single beams (0 to 1)."""
        return self.beams.display(self.envelope(pose, contact))

    def envelope(self, pose: Pose = REST, contact: Floats = FULL_CONTACT) -> Floats:
        """Detected echoes before log compression, float (ROWS, BEAMS)."""
        gain = self.gain(pose) * (contact * self._edges)
        grid = self.echoes(pose) * gain
        if self.phantom.pleura is not None:
            self._reverberate(grid, gain, pose)
        self._ring_down(grid, gain, pose)
        grid += self._ring
        start = 97 * pose.index % ROWS
        return self.beams.envelope(grid, self._noise[start : start + ROWS])

    def echoes(self, pose: Pose) -> Complex:
        """I/Q of all scatterers in the pose, before attenuation."""
        points = self._points
        x, z = moved(points.x, points.z, points.mobility, pose)
        cos, sin = np.float32(np.cos(pose.exchange)), np.float32(np.sin(pose.exchange))
        amplitude = np.concatenate([points.diffuse[0] * cos + points.diffuse[1] * sin, points.coherent])
        return self.beams.deposit(*self.beams.to_beam(x, z), amplitude)

    def gain(self, pose: Pose) -> Floats:
        """Two-way transmission to each sample times time gain compensation, amplitude (ROWS, BEAMS)."""
        exam, phantom = self.beams.exam, self.phantom
        x, z = self._coarse
        x, z = x - np.float32(pose.probe_x), (z - np.float32(pose.probe_z)) / np.float32(1 - pose.squeeze)
        mobility = phantom.sample(phantom.mobility, x, z)
        x, z = x - mobility * np.float32(pose.breath_x), z - mobility * np.float32(pose.breath_z)
        loss = np.cumsum(phantom.sample(phantom.attenuation, x, z), axis=0)
        loss *= np.float32(2 * exam.frequency * self.beams.dr * ROWS / COARSE_ROWS / 10)
        level = cv2.resize(np.ascontiguousarray(loss), (BEAMS, ROWS), interpolation=cv2.INTER_LINEAR)
        return np.power(np.float32(10), np.clip(-level / 20, -6, 0)) * self.beams.tgc[:, None]

    def _pleura(self, pose: Pose) -> tuple[NDArray[np.int64], Floats]:
        """Row of the pleura and its reflection, per beam."""
        phantom, columns = self.phantom, self.phantom.columns
        assert phantom.pleura is not None
        assert phantom.mirror is not None
        typical = np.full(BEAMS, np.median(phantom.pleura) / self.beams.dr, np.float32)
        x, _ = self.beams.to_body(typical, np.arange(BEAMS, dtype=np.float32))
        depth = np.interp(x - pose.probe_x, columns, phantom.pleura) * (1 - pose.squeeze) + pose.probe_z
        mirror = np.interp(x - pose.probe_x - pose.breath_x, columns, phantom.mirror)
        row, _ = self.beams.to_beam(x, depth.astype(np.float32))
        return np.round(row).astype(np.int64), mirror.astype(np.float32)

    def _reverberate(self, grid: Complex, gain: Floats, pose: Pose) -> None:
        """A-lines: the chest wall's echo returns again one pleural depth later, and again."""
        row, mirror = self._pleura(pose)
        # In a rib's shadow the pleura reflects nothing either.
        mirror = mirror * np.minimum(gain[np.clip(row, 0, ROWS - 1), np.arange(BEAMS)], 1)
        depth = np.arange(ROWS)[:, None]
        copy = np.where(depth <= row + 6, grid, 0)
        source = (depth - row) * BEAMS + np.arange(BEAMS)
        turn = -mirror * np.exp(-2j * self.beams.wavenumber * row * self.beams.dr).astype(np.complex64)
        for _ in range(ECHOES):
            copy = np.where(depth >= row, copy.reshape(-1)[np.maximum(source, 0)] * turn, 0)
            grid += copy

    def _ring_down(self, grid: Complex, gain: Floats, pose: Pose) -> None:
        """B-lines: the ringing of a trapped bubble extends below it along its beam."""
        for k, (x, z, level, fading) in enumerate(self.phantom.ringdown):
            at = moved(np.array([x], np.float32), np.array([z], np.float32), np.array([1], np.float32), pose)
            row, beam = (float(v[0]) for v in self.beams.to_beam(*at))
            if not (0 <= row < ROWS - 1 and 0 <= beam < BEAMS - 1):
                continue
            i, j, part = int(row), int(beam), beam % 1
            swing = 1 + 0.35 * np.sin(pose.flicker * (1 + k % 3) + k)
            fade = 10 ** ((level - fading * self.beams.dr * np.arange(ROWS - i)) / 20)
            tail = self._tails[k, : ROWS - i] * (fade * swing * min(gain[i, j], 3.0)).astype(np.float32)
            grid[i:, j] += tail * np.float32(1 - part)
            grid[i:, j + 1] += tail * np.float32(part)


def moved(x: Floats, z: Floats, mobility: Floats, pose: Pose) -> tuple[Floats, Floats]:
    """The positions (mm) of material points in this pose."""
    x = x + mobility * np.float32(pose.breath_x) + np.float32(pose.probe_x)
    z = (z + mobility * np.float32(pose.breath_z)) * np.float32(1 - pose.squeeze) + np.float32(pose.probe_z)
    return x, z


def complex_noise(rng: np.random.Generator, shape: tuple[int, int]) -> Complex:
    """Circular Gaussian noise of unit power."""
    parts = rng.standard_normal((2, *shape)).astype(np.float32) * np.float32(np.sqrt(0.5))
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def edge_contact(exam: Exam) -> Floats:
    """Contact per beam, 0.02 to 1: beams at the ends of the face may touch the skin poorly."""
    place = np.linspace(0, 1, BEAMS)
    left, right = exam.contact
    weak = np.zeros(BEAMS)
    for loose, distance in ((left, place), (right, 1 - place)):
        if loose:
            weak += 1 / (1 + np.exp((distance - loose) * 40))
    return np.clip(1 - 0.98 * weak, 0.02, 1).astype(np.float32)

"""From point scatterers to B-mode: beam-space I/Q, point spread function, time gain compensation, display.

Moving point scatterers are convolved with a separable point spread function in beam coordinates:
Bamber & Dickinson, Phys Med Biol 25 (1980) 463, doi:10.1088/0031-9155/25/3/006 (speckle as a convolution);
Meunier & Bertrand, IEEE Trans Med Imaging 14 (1995) 293 (speckle that follows tissue motion);
Gao et al., COLE, IEEE TUFFC 56 (2009) 404 (fast cardiac sequences).
An element-by-element simulation is too slow: PyMUST 0.1.9's simus took 22.7 CPU-seconds for one plane-wave
transmit of 4,000 scatterers (C5-2v probe); a frame here holds 80,000 and may take 0.03 s.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from uscl.simulator.machine import Exam, face_drop
from uscl.simulator.phantom import Floats

ROWS, BEAMS = 512, 176
COMPLIANCE = 25.0  # mm; deeper than this the body no longer takes the shape of a convex probe's face

Complex = NDArray[np.complex64]


class Beams:
    """Everything about an exam that does not change from frame to frame."""

    def __init__(self, exam: Exam) -> None:
        self.exam = exam
        self.dr = exam.depth / (ROWS - 1)  # mm per row
        self.db = 2 * exam.half / (BEAMS - 1)  # rad or mm per beam
        self.wavenumber = 2 * np.pi / exam.wavelength
        self.r = np.arange(ROWS, dtype=np.float32) * np.float32(self.dr)
        self.b = np.linspace(-exam.half, exam.half, BEAMS, dtype=np.float32)
        self.tgc = np.power(10, np.minimum(2 * exam.tgc * exam.frequency * self.r / 10, 75) / 20, dtype=np.float32)
        self._pulses = self._axial()
        self._kernels, self._mix = self._lateral()
        self.map_x, self.map_y = self._scan_conversion()
        self.visible = (self.map_x >= 0) & (self.map_x <= BEAMS - 1) & (self.map_y >= 0) & (self.map_y <= ROWS - 1)

    def pitch(self, r: Floats) -> Floats:
        """Distance between neighbouring beams at depth r, mm."""
        return np.float32(self.db) * (self.exam.radius + r if self.exam.radius else np.ones_like(r))

    def to_beam(self, x: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Convert a body position (mm) to (row, beam) indices; the skin follows the probe's face."""
        r, b = z, x
        if self.exam.radius:
            radius = np.float32(self.exam.radius)
            down = z + self._sag(x) * np.exp(-z / np.float32(COMPLIANCE)) + radius
            r, b = np.sqrt(x * x + down * down) - radius, np.arctan2(x, down)
        return r / np.float32(self.dr), (b + np.float32(self.exam.half)) / np.float32(self.db)

    def to_body(self, row: Floats, beam: Floats) -> tuple[Floats, Floats]:
        """Inverse of `to_beam`, by fixed-point iteration."""
        r, b = row * np.float32(self.dr), beam * np.float32(self.db) - np.float32(self.exam.half)
        if not self.exam.radius:
            return b, r
        radius = np.float32(self.exam.radius)
        x, down = (radius + r) * np.sin(b), (radius + r) * np.cos(b) - radius
        z, sag = r.copy(), self._sag(x)
        for _ in range(12):
            z = 0.5 * (z + down - sag * np.exp(-np.maximum(z, -5) / np.float32(COMPLIANCE)))
        return x, z

    def _sag(self, x: Floats) -> Floats:
        """How far the convex face recedes at lateral position x, mm (0 at its middle)."""
        radius = np.float32(self.exam.radius)
        return np.sqrt(np.maximum(radius * radius - x * x, (0.5 * radius) ** 2)) - radius

    def deposit(self, row: Floats, beam: Floats, amplitude: Floats) -> Complex:
        """Sum echoes with carrier phase exp(-2jkr) onto the beam grid, bilinearly: complex (ROWS, BEAMS)."""
        keep = (row >= 0) & (row < ROWS - 1) & (beam >= 0) & (beam < BEAMS - 1)
        row, beam, amplitude = row[keep], beam[keep], amplitude[keep]
        # The phase changes fast with depth: reduce it to a fraction of a turn before the float32 sine.
        turns = row * np.float32(2 * self.dr / self.exam.wavelength)
        phase = (turns - np.floor(turns)) * np.float32(2 * np.pi)
        i, j = row.astype(np.int32), beam.astype(np.int32)
        u, v = row - i, beam - j
        cell = i * BEAMS + j
        grid = np.zeros((2, ROWS * BEAMS))
        for part, wave in enumerate((amplitude * np.cos(phase), -amplitude * np.sin(phase))):
            right = wave * v
            left = wave - right
            for offset, weight in (
                (0, left * (1 - u)),
                (1, right * (1 - u)),
                (BEAMS, left * u),
                (BEAMS + 1, right * u),
            ):
                grid[part] += np.bincount(cell + offset, weight, ROWS * BEAMS)
        return (grid[0] + 1j * grid[1]).reshape(ROWS, BEAMS).astype(np.complex64)

    def envelope(self, grid: Complex, noise: Complex) -> Floats:
        """Apply point spread function, amplified noise and detection: (ROWS, BEAMS); tissue of 0 dB has RMS 1."""
        planes = grid.view(np.float32).reshape(ROWS, BEAMS, 2)
        spread = sum(
            cv2.filter2D(planes * mix[:, None, None], -1, kernel[None], borderType=cv2.BORDER_CONSTANT)
            for kernel, mix in zip(self._kernels, self._mix, strict=True)
        )
        spread += (noise * self.tgc[:, None]).view(np.float32).reshape(ROWS, BEAMS, 2)
        total = np.zeros((ROWS, BEAMS), np.float32)
        for pulse in self._pulses:
            real = cv2.filter2D(spread, -1, np.ascontiguousarray(pulse.real)[:, None], borderType=cv2.BORDER_CONSTANT)
            re, im = real[..., 0], real[..., 1]
            if len(self._pulses) > 1:
                turned = cv2.filter2D(spread, -1, np.ascontiguousarray(pulse.imag)[:, None])
                re, im = re - turned[..., 1], im + turned[..., 0]
            total += cv2.magnitude(np.ascontiguousarray(re), np.ascontiguousarray(im))
        return total / np.float32(len(self._pulses))

    def display(self, envelope: Floats) -> NDArray[np.uint8]:
        """Log compression, gray map and scan conversion: uint8 (height, width), black outside the sector."""
        exam = self.exam
        level = np.log10(np.maximum(envelope, 1e-6)) * np.float32(20)
        # Tissue of 0 dB at gain 0 is 36 dB above the darkest gray.
        gray = np.clip((level + np.float32(36 + exam.gain)) / np.float32(exam.dynamic_range), 0, 1)
        gray = cv2.GaussianBlur(gray, (0, 0), exam.smoothing)
        picture = cv2.remap(gray, self.map_x, self.map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        picture = np.where(self.visible, cv2.pow(picture, exam.gamma) * 255, 0)
        return np.round(picture).astype(np.uint8)

    def _axial(self) -> list[Complex]:
        """Pulse envelopes of unit energy, one per sub-band."""
        length = self.exam.cycles * self.exam.wavelength / 2  # mm; the way back halves it
        sigma = max(length / 2.355 / self.dr, 1.0)  # rows
        n = np.arange(-int(4 * sigma) - 1, int(4 * sigma) + 2)
        shape = np.exp(-0.5 * (n / sigma) ** 2)
        shifts = np.linspace(-1, 1, self.exam.looks) if self.exam.looks > 1 else np.zeros(1)
        pulses = [shape * np.exp(1j * shift * n / sigma) for shift in shifts]
        return [(p / np.linalg.norm(p)).astype(np.complex64) for p in pulses]

    def _lateral(self) -> tuple[list[Floats], list[Floats]]:
        """Three lateral profiles of unit energy and their weight at each depth: narrowest at the focus."""
        exam = self.exam
        waist = 0.5 * exam.wavelength * exam.f_number
        reach = 7 * exam.wavelength * exam.f_number**2
        width = waist * np.sqrt(1 + ((self.r - exam.focus) / reach) ** 2) / self.pitch(self.r)  # beams
        width = np.clip(width, 0.9, 12)
        sizes = np.geomspace(width.min(), max(width.max(), width.min() * 1.01), 3)
        place = np.interp(width, sizes, np.arange(3))
        mix = [np.clip(1 - np.abs(place - k), 0, 1) for k in range(3)]
        energy = np.sqrt(sum(m * m for m in mix) + 2 * 0.93 * (mix[0] * mix[1] + mix[1] * mix[2]))
        kernels = []
        for size in sizes:
            n = np.arange(-int(3 * size) - 1, int(3 * size) + 2)
            shape = np.exp(-0.5 * (n / size) ** 2)
            kernels.append((shape / np.linalg.norm(shape)).astype(np.float32))
        return kernels, [(m / energy).astype(np.float32) for m in mix]

    def _scan_conversion(self) -> tuple[Floats, Floats]:
        """Beam and row index of every display pixel."""
        exam = self.exam
        half = exam.span / 2 * exam.crop
        top = face_drop(exam.radius, exam.half, exam.crop)
        x, z = np.meshgrid(
            np.linspace(-half, half, exam.width, dtype=np.float32),
            np.linspace(-top, exam.depth, exam.height, dtype=np.float32),
        )
        if exam.radius:
            down = z + np.float32(exam.radius)
            r, b = np.hypot(x, down) - np.float32(exam.radius), np.arctan2(x, down)
        else:
            r, b = z, x
        return (b + np.float32(exam.half)) / np.float32(self.db), r / np.float32(self.dr)

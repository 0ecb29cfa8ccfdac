"""How a grey DICOM file wants its stored values shown: modality transform, then VOI lookup table or window.

DICOM PS3.3, C.11.1 and C.11.2. Own code instead of pydicom's, which turns the window around for a negative slope, and
cannot unpack tables of 8 bits.
"""

from dataclasses import dataclass

import numpy as np
import pydicom
from numpy.typing import NDArray

from uscl.data.decode.dicom_header import GROUPS, MODALITY, VOI, number, values
from uscl.data.decode.grey_levels import DARK

GROUP_PARTS = {"PixelValueTransformationSequence": MODALITY, "FrameVOILUTSequence": VOI}


@dataclass
class Table:
    """A lookup table: `entries` of `bits` bits each, the first for the value `first`."""

    entries: NDArray[np.int64]
    first: int
    bits: int

    def __call__(self, pixels: NDArray) -> NDArray[np.int64]:
        """The entries for pixels; values outside of the table take its first or last entry."""
        return self.entries[(np.rint(pixels).astype(np.int64) - self.first).clip(0, len(self.entries) - 1)]


@dataclass
class Window:
    """The values from black to white, around `centre`; `function` says how they rise."""

    centre: float
    width: float
    function: str

    def __call__(self, pixels: NDArray) -> NDArray[np.float64]:
        """Brightness from 0 (black) to 1 (white)."""
        if self.function == "SIGMOID":
            return 1 / (1 + np.exp((-4 * (pixels - self.centre) / self.width).clip(-700, 700)))
        exact = self.function == "LINEAR_EXACT"
        centre, width = (self.centre, self.width) if exact else (self.centre - 0.5, max(self.width - 1, 1e-6))
        return ((pixels - centre) / width + 0.5).clip(0, 1)


@dataclass
class Display:
    """The transforms of a file; None for one that it doesn't have.

    Without a VOI table or window, slope and intercept only count if `rescaled`: 0.5 x 510 is the white of 8 bits.
    """

    modality: Table | None
    slope: float
    intercept: float
    voi: Table | Window | None
    rescaled: bool = False

    @property
    def inverts(self) -> bool:
        """Whether a higher stored value is darker. A window after a negative slope sees to that itself."""
        return self.slope < 0 and self.voi is None and self.modality is None

    def __call__(self, stored: NDArray) -> NDArray:
        """Stored values as shown: 8 bits, or values of any depth if the file has neither VOI table nor window."""
        if stored.dtype == np.uint8 and stored.size > 256 and (self.voi or self.modality):
            return self(np.arange(256))[stored]
        output = self.modality(stored) if self.modality else stored
        if self.rescaled:
            return np.rint(self.slope * stored + self.intercept).astype(np.int64)
        if self.voi is None:
            return output
        if not self.modality:
            output = stored * self.slope + self.intercept
        if isinstance(self.voi, Window):
            return np.rint(self.voi(output) * 255).astype(np.uint8)
        return (self.voi(output) >> (self.voi.bits - 8)).clip(0, 255).astype(np.uint8)

    def rescales(self, least: int) -> bool:
        """Whether slope and intercept alone make levels from 0 on; `least` is the least stored value."""
        alone = self.voi is None and self.modality is None and self.slope > 0
        from_zero = self.slope * least + self.intercept >= 0 and (self.intercept == 0 or least < 0)
        return alone and (self.slope, self.intercept) != (1, 0) and from_zero

    def shows(self, least: int, most: int) -> bool:
        """Whether any of the stored values from `least` to `most` can be distinguished from another and is not dark."""
        if self.voi is None:
            return True
        shown = self(np.linspace(least, most, 4096).astype(np.int64))
        return int(shown.max()) >= DARK and int(shown.max()) > int(shown.min())


def display_of(tags: pydicom.Dataset) -> Display:
    """The transforms of a grey file. A window without a usable width doesn't count."""
    tags = with_group_tags(tags)
    modality = table_of(tags, "ModalityLUTSequence")
    slope = number(tags.get("RescaleSlope")) or 1.0
    voi = table_of(tags, "VOILUTSequence") or window_of(tags)
    return Display(modality, slope, number(tags.get("RescaleIntercept")), voi)


def with_group_tags(tags: pydicom.Dataset) -> pydicom.Dataset:
    """The tags with the transforms of an enhanced file, where they lie in sequences; those of the first frame."""
    found = pydicom.Dataset()
    places = [(tags, [*MODALITY, *VOI, "PixelRepresentation"])]
    for group in GROUPS:
        for item in (tags.get(group) or [])[:1]:
            places += [(inner, names) for part, names in GROUP_PARTS.items() for inner in (item.get(part) or [])[:1]]
    for place, names in places:
        for name in names:
            if name in place:
                found.add(place[name])
    return found


def window_of(tags: pydicom.Dataset) -> Window | None:
    """The first window, or None."""
    centres, widths = values(tags, "WindowCenter"), values(tags, "WindowWidth")
    function = str(tags.get("VOILUTFunction") or "LINEAR")
    if not centres or not widths or number(widths[0]) < (1 if function == "LINEAR" else 1e-9):
        return None
    return Window(number(centres[0]), number(widths[0]), function)


def table_of(tags: pydicom.Dataset, name: str) -> Table | None:
    """The lookup table in the first item of a sequence, or None."""
    if not tags.get(name):
        return None
    item = tags[name].value[0]
    count, first, bits = (int(value) for value in item.LUTDescriptor)
    count = count or 1 << 16
    data = item.LUTData
    if isinstance(data, bytes):
        words = "<u2" if item.original_encoding[1] else ">u2"
        data = np.frombuffer(data, "u1" if len(data) < 2 * count else words)
    entries = np.asarray(data, np.int64)[:count]
    if not len(entries) or not 8 <= bits <= 16:
        return None
    signed = first >= 1 << 15 and tags.get("PixelRepresentation") == 1
    return Table(entries, first - (1 << 16 if signed else 0), bits)

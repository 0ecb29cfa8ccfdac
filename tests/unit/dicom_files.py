"""Small DICOM files for tests."""

from pathlib import Path

import cv2
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import ExplicitVRLittleEndian, UltrasoundMultiFrameImageStorage

NAME = "Planted^Patient"


def write_dicom(path: Path, pixels: np.ndarray, syntax: str = ExplicitVRLittleEndian, **tags: object) -> Path:
    """Frames [n, height, width] or [n, height, width, 3], uncompressed; `tags` are added, and None removes one."""
    data = dataset(pixels, syntax)
    data.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    return saved(path, data, tags)


def write_packed(
    path: Path,
    pixels: np.ndarray,
    packed: list[bytes],
    syntax: str,
    table: bool = True,
    pieces: int = 1,
    **tags: object,
) -> Path:
    """Frames as `packed`, one compressed picture each, in so many pieces, with or without a table of offsets."""
    data = dataset(pixels, syntax)
    data.PixelData = encapsulate(packed, fragments_per_frame=pieces, has_bot=table)
    return saved(path, data, tags)


def dataset(pixels: np.ndarray, syntax: str) -> Dataset:
    """A patient's file without its pixels."""
    data = Dataset()
    data.file_meta = FileMetaDataset()
    data.file_meta.TransferSyntaxUID = syntax
    data.SOPClassUID = data.file_meta.MediaStorageSOPClassUID = UltrasoundMultiFrameImageStorage
    data.SOPInstanceUID = data.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    data.PatientName, data.PatientID, data.PatientComments = NAME, NAME, NAME
    colour = pixels.ndim == 4
    data.NumberOfFrames, data.Rows, data.Columns = pixels.shape[:3]
    data.SamplesPerPixel, data.PhotometricInterpretation = (3, "RGB") if colour else (1, "MONOCHROME2")
    if colour:
        data.PlanarConfiguration = 0
    data.BitsAllocated = data.BitsStored = 8 * pixels.itemsize
    data.HighBit, data.PixelRepresentation = data.BitsStored - 1, int(pixels.dtype.kind == "i")
    return data


def saved(path: Path, data: Dataset, tags: dict) -> Path:
    """Write the file with these tags."""
    for name, value in tags.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    data["PixelData"].VR = "OB" if data.BitsAllocated == 8 else "OW"
    data.save_as(path, enforce_file_format=True)
    return path


def region(left: int, top: int, right: int, bottom: int, kind: int = 1) -> Dataset:
    """An item of SequenceOfUltrasoundRegions; right and bottom belong to the region."""
    item = Dataset()
    item.RegionSpatialFormat = kind
    item.RegionLocationMinX0, item.RegionLocationMinY0 = left, top
    item.RegionLocationMaxX1, item.RegionLocationMaxY1 = right, bottom
    return item


def jpeg(grey: np.ndarray, suffix: str = ".jpg") -> bytes:
    """A picture as JPEG (or JPEG 2000)."""
    written, data = cv2.imencode(suffix, grey)
    assert written
    return data.tobytes()


def raw_tag(path: Path, name: str, value: bytes) -> Path:
    """Put bytes into a tag, whatever its type allows."""
    data = pydicom.dcmread(path)
    tag = pydicom.tag.Tag(name)
    kind = pydicom.datadict.dictionary_VR(tag).split(" ")[0]
    data._dict[tag] = pydicom.dataelem.RawDataElement(tag, kind, len(value), value, 0, False, True)
    data.save_as(path)
    return path

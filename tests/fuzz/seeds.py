"""Small undamaged files in every format that the readers accept, from which the mutations start."""

import pickle
import shutil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydicom.uid import JPEG2000Lossless, JPEGBaseline8Bit

from tests.unit.dicom_files import jpeg, region, write_dicom, write_packed
from uscl.simulator.video import FORMATS, write_png, write_video

HEIGHT, WIDTH, FRAMES = 48, 64, 8
# OpenCV writes these under their own suffixes; renamed to .png, their content must still decide how they are read.
DISGUISED = (".bmp", ".tif", ".webp")


def write_seeds(folder: Path) -> dict[str, Path]:
    """One file per format, by the format's name."""
    frames = pictures()
    seeds = {}
    for form in FORMATS:
        seeds[name := f"{form.suffix[1:]} {form.codec}"] = folder / f"{form.codec}{form.suffix}"
        write_video(seeds[name], list(frames), form, 25)
    write_png(folder / "still.png", frames[0])
    seeds["png"] = folder / "still.png"
    for suffix in (".jpg", *DISGUISED):
        written = folder / f"still{suffix}"
        cv2.imwrite(str(written), frames[0])
        seeds[suffix[1:]] = written if suffix == ".jpg" else Path(shutil.move(written, folder / f"{suffix[1:]}.png"))
    return seeds | dicom_seeds(folder, frames) | pickle_seeds(folder, frames)


def pictures() -> NDArray[np.uint8]:
    """Frames [n, height, width] of a bright disc that moves through noise."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    noise = np.random.default_rng(0).integers(0, 60, (FRAMES, HEIGHT, WIDTH))
    discs = [(np.hypot(rows - 24, columns - 12 - 5 * k) < 9) * 150 for k in range(FRAMES)]
    return (noise + np.stack(discs)).astype(np.uint8)


def dicom_seeds(folder: Path, frames: NDArray[np.uint8]) -> dict[str, Path]:
    """DICOM files with raw, JPEG and JPEG 2000 frames, with a region and frame times."""
    tags = {"SequenceOfUltrasoundRegions": [region(4, 4, 60, 44)], "FrameTime": "40"}
    syntaxes = {".jpg": JPEGBaseline8Bit, ".jp2": JPEG2000Lossless}
    seeds = {"dicom raw": write_dicom(folder / "raw.dcm", frames, **tags)}
    for suffix, syntax in syntaxes.items():
        packed = [jpeg(frame, suffix) for frame in frames]
        seeds[f"dicom {suffix[1:]}"] = write_packed(folder / f"packed{suffix}.dcm", frames, packed, syntax, **tags)
    return seeds


def pickle_seeds(folder: Path, frames: NDArray[np.uint8]) -> dict[str, Path]:
    """A fold in the format of the POCUS set, in an old and a new pickle protocol."""
    images = np.repeat(frames[:, None, :16, :16], 3, axis=1)
    fold = (images, np.zeros(FRAMES, np.int64), images, np.arange(FRAMES) % 3)
    seeds = {}
    for protocol in (2, 4):
        seeds[f"pickle {protocol}"] = folder / f"protocol{protocol}.pkl"
        seeds[f"pickle {protocol}"].write_bytes(pickle.dumps(fold, protocol))
    return seeds

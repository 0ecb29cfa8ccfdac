"""Read a source of any kind as a clip, with the decoder for that kind."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from uscl.base.files import file_sha256, sha256
from uscl.data.content import content
from uscl.data.decode.colour import image_colour
from uscl.data.decode.crop import crop_box, cut
from uscl.data.decode.frame_folder import decode_frames, frame_files
from uscl.data.decode.grey_levels import depth_of, eight_bits
from uscl.data.decode.image import fit_image, read_picture
from uscl.data.decode.masks import read_masks
from uscl.data.decode.pickled_folds import decode_fold
from uscl.data.decode.video import Clip, decode
from uscl.data.native_masks import encoded
from uscl.data.source import DICOM_SUFFIXES, Source


def source_sha256(root: Path, source: Source) -> str:
    """The hash of a source's file, or of all its frames in order. Raises OSError, BadMedia."""
    path = root / source.file
    if source.kind == "frames":
        return sha256(*frame_files(path))
    return file_sha256(path)


def read_source(
    root: Path, source: Source, size: int, rate_hz: float | None, max_frames: int | None
) -> tuple[Clip, NDArray[np.uint8]]:
    """The frames of a source and their masks [n, size, size], all 0 if it has none. Raises BadMedia, OSError.

    `rate_hz` and `max_frames` apply to videos only; all images are read, alone or in a fold.
    """
    path = root / source.file
    if source.kind == "image":
        read = read_picture(path)
        image = read.grey
        box = crop_box(source.crop, *image.shape)
        paths = [root / mask for mask in source.masks]
        masks, note, labels = read_masks(paths, image.shape, size, box, source.lesion_labels)
        depth, colour = depth_of([image]), (image_colour(read, box),)
        frames = fit_image(cut(eight_bits(image, depth), box), size)[None]
        remark = "; ".join(filter(None, (read.remark, depth.remark, note)))
        picture = np.array([box], np.int64)
        native = encoded(labels) if paths else b""
        clip = Clip(frames, np.zeros(1, np.int64), np.zeros(1), picture, remark, colour=colour, source_mask=native)
        return clip, masks[None]
    if source.kind == "fold":
        clip = decode_fold(path, source.label, size, source.crop)
    elif source.kind == "frames":
        clip = decode_frames(frame_files(path), size, rate_hz, max_frames, source.crop)
    elif path.suffix.lower() in DICOM_SUFFIXES or content(path) == "DICOM":
        from uscl.data.decode.dicom import decode_dicom  # late: pydicom doubles the time that a decoder takes to start

        clip = decode_dicom(path, size, rate_hz, max_frames, source.crop)
    else:
        clip = decode(path, size, rate_hz, max_frames, source.crop)
    return clip, np.zeros_like(clip.frames)

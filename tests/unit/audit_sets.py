"""Small data sets of drawn textures, for tests of the audit."""

import hashlib

import cv2
import numpy as np
import pandas as pd

from uscl.audit.duplicates import Audited
from uscl.audit.hashes import hash_frames
from uscl.audit.points import points_of

SIZE = 96


def texture(seed, size=SIZE):
    """A picture of smooth blobs, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (size // 8, size // 8)).astype(np.uint8)
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)


def tissue(seed, height=256, width=320):
    """A picture with structure of every size between 2 and 40 pixels, unlike that of any other seed."""
    rng = np.random.default_rng(seed)
    noise = [cv2.GaussianBlur(rng.normal(size=(height, width)), (0, 0), sigma) for sigma in (1.5, 3, 6, 12, 20)]
    picture = sum(layer / layer.std() for layer in noise)
    return np.clip(100 + 22 * picture, 0, 255).astype(np.uint8)


def copied(picture, scale=0.7, quality=60):
    """The picture smaller, as JPEG, and back at its size."""
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.resize(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), picture.shape[::-1], interpolation=cv2.INTER_CUBIC)


def audited(name, *videos, unit="patient"):
    """A set of videos, each (video, group, label, frames), whose groups are of a unit."""
    rows, frames = [], []
    for video, group, label, pictures in videos:
        for number, picture in enumerate(pictures):
            rows.append(
                (name, video, group, label, number, f"{video}#{number}", f"{video}.mp4", f"file {name} {video}")
            )
            frames.append(picture)
    columns = ["dataset", "video", "group", "label", "frame", "case", "file", "source_sha256"]
    manifest = pd.DataFrame(rows, columns=columns)
    manifest["unit"] = unit
    manifest["sha256"] = [hashlib.sha256(frame).hexdigest() for frame in frames]
    manifest.insert(0, "row", np.arange(len(manifest)))
    return Audited(name, manifest, hash_frames(np.stack(frames)), points_of(enumerate(frames)))

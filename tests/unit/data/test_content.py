"""The content of a file by its first bytes."""

import cv2
import numpy as np
import pytest
from dicom_files import write_dicom
from video_files import quarters, write_film

from uscl.data.content import content


@pytest.mark.parametrize("suffix", [".mp4", ".mov", ".3gp", ".avi", ".mkv", ".wmv", ".flv", ".mpg", ".vob"])
def test_videos_are_known_by_their_first_bytes(tmp_path, suffix):
    codec = {".mpg": "mpeg2video", ".vob": "mpeg2video", ".wmv": "wmv2", ".flv": "flv"}.get(suffix, "mpeg4")
    assert content(write_film(tmp_path / f"a{suffix}", quarters(2), codec).rename(tmp_path / "a")) == "video"


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_images_are_known_by_their_first_bytes(tmp_path, suffix):
    assert cv2.imwrite(str(tmp_path / f"a{suffix}"), np.zeros((20, 30), np.uint8))
    assert content(tmp_path / f"a{suffix}") == "image"


def test_dicom_is_known_by_its_mark_and_other_files_are_nothing(tmp_path):
    assert content(write_dicom(tmp_path / "a.dcm", quarters(1)).rename(tmp_path / "IM_0001")) == "DICOM"
    for name, data in {"text": b"patient,label\n" * 20, "empty": b"", "short": b"DICM", "zip": b"PK\3\4" * 50}.items():
        (tmp_path / name).write_bytes(data)
        assert content(tmp_path / name) == ""

"""Files of a user's folder: what is read, what is set aside with a warning, and what is left out."""

import logging

import cv2
import numpy as np
import pytest
from dicom_files import write_dicom
from video_files import quarters, write_film

from uscl.base.errors import UserError
from uscl.data.extract import extract
from uscl.data.readers.shared.media_files import verdict
from uscl.data.source import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from uscl.data.store import FrameStore

BOTH = VIDEO_SUFFIXES + IMAGE_SUFFIXES
DICOM_NAMES = ("IM_0001", "1.2.840.10008.5.1", "b.DICOM", "c.ima", "d.dcm", "series/I0000002")


def run(root, reader="video_folder", on_bad_video="skip"):
    settings = {"size": 16, "rate_hz": None, "max_frames": None, "workers": 1}
    extract("set", reader, root, root.parent / "out", on_bad_video=on_bad_video, **settings)
    return FrameStore.open(root.parent / "out").manifest


def written(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@pytest.fixture
def dicom(tmp_path):
    return write_dicom(tmp_path / "made.dcm", quarters(3), FrameTime=100).read_bytes()


@pytest.fixture
def film(tmp_path):
    return write_film(tmp_path / "made.mp4", quarters(3)).read_bytes()


def test_dicom_files_are_read_whatever_their_names(tmp_path, dicom):
    for name in DICOM_NAMES:
        written(tmp_path / "own" / name, dicom)
    written(tmp_path / "own/DICOMDIR", dicom)
    manifest = run(tmp_path / "own", on_bad_video="stop")
    assert manifest.groupby("video").size().to_dict() == dict.fromkeys(DICOM_NAMES, 3)


def test_a_dicom_file_with_the_name_of_a_video_is_read(tmp_path, dicom):
    written(tmp_path / "own/a.mp4", dicom)
    assert len(run(tmp_path / "own")) == 3


def test_a_video_without_an_ending_is_read(tmp_path, film):
    written(tmp_path / "own/clip 1", film)
    assert run(tmp_path / "own")["video"].unique().tolist() == ["clip 1"]


def test_files_in_containers_of_every_name_are_read_in_any_case(tmp_path):
    (tmp_path / "own").mkdir()
    for suffix, codec in {".MKV": "mpeg4", ".wmv": "wmv2", ".TS": "mpeg2video", ".Flv": "flv", ".3gp": "mpeg4"}.items():
        plain = write_film(tmp_path / f"a{suffix.lower()}", quarters(12), codec)
        plain.rename(tmp_path / f"own/{suffix[1:]}{suffix}")
    assert len(run(tmp_path / "own", on_bad_video="stop")) == 60


@pytest.mark.parametrize(
    ("name", "content", "suffixes", "action", "reason"),
    [
        ("a.mp4", b"", BOTH, "", ""),
        ("a.MKV", b"", VIDEO_SUFFIXES, "", ""),
        ("a.mp4", b"", IMAGE_SUFFIXES, "set aside", "a media file, but its ending .mp4 is not read here"),
        ("a.RM", b"", BOTH, "set aside", "a media file, but its ending .RM is not read here"),
        ("a.nii.gz", b"", BOTH, "set aside", "a media file"),
        ("a.heic", b"", IMAGE_SUFFIXES, "set aside", "a media file"),
        ("picture", b"\xff\xd8\xff\xe0", BOTH, "set aside", "of type image by its content, but not by its name"),
        ("a.old", bytes(128) + b"DICM", BOTH, "set aside", "of type DICOM by its content, but not by its name"),
        ("IM_1", bytes(128) + b"DICM", IMAGE_SUFFIXES, "set aside", "of type DICOM by its content, but this set takes"),
        ("dicomdir", bytes(128) + b"DICM", BOTH, "left out", "the index of a DICOM export"),
        ("README", b"text", BOTH, "left out", "the name does not end in .3g2"),
        ("notes.txt", b"GIF 89 files", BOTH, "left out", "the name does not end in .3g2"),
        (
            "a.bak",
            b"\xff\xd8\xff\xe0",
            IMAGE_SUFFIXES,
            "set aside",
            "of type image by its content, but not by its name",
        ),
        ("a.lrv", b"\0\0\0\x20ftypmp42", BOTH, "set aside", "of type video by its content, but not by its name"),
        ("a.divx", b"", BOTH, "set aside", "a media file"),
        ("a.pgm", b"", IMAGE_SUFFIXES, "set aside", "a media file"),
        ("labels.csv.gz", b"", BOTH, "left out", "the name does not end in .3g2"),
    ],
)
def test_each_file_has_a_verdict(tmp_path, name, content, suffixes, action, reason):
    found = verdict(written(tmp_path / name, content), suffixes)
    assert found[0] == action
    assert found[1].startswith(reason)


@pytest.mark.parametrize("name", ["b.rm", "b.mxf", "b.swf", "b.nii.gz"])
def test_a_media_file_that_is_left_out_is_a_warning_or_stops(tmp_path, film, caplog, name):
    written(tmp_path / "own/a.mp4", film)
    written(tmp_path / "own" / name, b"anything")
    written(tmp_path / "own/notes.txt", b"anything")
    with caplog.at_level(logging.WARNING):
        assert len(run(tmp_path / "own")) == 3
    warned = [record.getMessage() for record in caplog.records if name in record.getMessage()]
    assert len(warned) == 1
    assert warned[0].startswith(f"set: set aside {name}: a media file")
    assert not any("notes.txt" in record.getMessage() for record in caplog.records)
    with pytest.raises(UserError, match=rf"own/{name} cannot be used: a media file"):
        run(tmp_path / "own", on_bad_video="stop")


def test_a_video_among_images_is_a_warning_or_stops(tmp_path, film):
    for label in ("benign", "malignant"):
        (tmp_path / "own" / label).mkdir(parents=True)
        assert cv2.imwrite(str(tmp_path / "own" / label / "1.png"), np.zeros((20, 30), np.uint8))
    written(tmp_path / "own/benign/film.mp4", film)
    assert len(run(tmp_path / "own", "image_folder")) == 2
    with pytest.raises(UserError, match=r"benign/film\.mp4 cannot be used: a media file, but its ending \.mp4"):
        run(tmp_path / "own", "image_folder", "stop")

"""What the manifest says of a picture beyond its pixels: where it lies, how large a pixel is, where it comes from."""

import cv2
import numpy as np
import pandas as pd
import pytest
from dicom_files import region, write_dicom

from uscl.base.errors import UserError
from uscl.data.extract import extract
from uscl.data.manifest import MANIFEST_FILE, read_manifest
from uscl.data.readers.covid19_ultrasound import read as read_pocus

SOURCE = ["top", "left", "height", "width"]
BOX = ["box_top", "box_left", "box_height", "box_width"]


def manifest_of(root, out, reader="video_folder", **options):
    extract(
        *("set", reader, root, out),
        size=16,
        rate_hz=None,
        max_frames=None,
        on_bad_video="stop",
        workers=1,
        options=options,
    )
    return read_manifest(out / MANIFEST_FILE)


@pytest.fixture
def root(tmp_path):
    """Images of 40 x 20 and 10 x 30 pixels, and a DICOM clip with a region of 20 x 20 pixels."""
    (tmp_path / "set").mkdir()
    cv2.imwrite(str(tmp_path / "set/a wide.png"), np.full((20, 40), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "set/b high.png"), np.full((30, 10), 90, np.uint8))
    part = region(10, 5, 29, 24)
    part.PhysicalUnitsXDirection = part.PhysicalUnitsYDirection = 3
    part.PhysicalDeltaX = part.PhysicalDeltaY = 0.05
    write_dicom(tmp_path / "set/c.dcm", np.full((2, 40, 40), 90, np.uint8), SequenceOfUltrasoundRegions=[part])
    return tmp_path / "set"


def test_the_manifest_says_where_the_picture_lies_in_its_source_and_in_the_store(root, tmp_path):
    table = manifest_of(root, tmp_path / "out")
    assert table[SOURCE].to_numpy().tolist() == [[0, 0, 20, 40], [0, 0, 30, 10], [5, 10, 20, 20], [5, 10, 20, 20]]
    assert table[BOX].to_numpy().tolist() == [[4, 0, 8, 16], [0, 5, 16, 5], [0, 0, 16, 16], [0, 0, 16, 16]]
    frames = np.load(tmp_path / "out/frames.npy")
    for frame, (top, left, height, width) in zip(frames, table[BOX].to_numpy(), strict=True):
        assert (frame[top : top + height, left : left + width] == 90).all()
        assert (frame == 90).sum() == height * width
    assert table["mm_per_pixel"].fillna(-1).tolist() == [-1, -1, 0.5, 0.5]
    assert set(table["part"]) == set(table["source"]) == {""}


@pytest.mark.parametrize("column", ["part", "split", "fold"])
def test_a_table_gives_part_source_and_size_of_a_pixel(root, tmp_path, column):
    (root / "t.csv").write_text(
        f"file,patient,{column},source,mm_per_pixel\n"
        "a wide.png,1,train,clinic A,0.21\nb high.png,2,,,\nc.dcm,3,test,,0.4\n"
    )
    table = manifest_of(root, tmp_path / "out", table="t.csv").drop_duplicates("video")
    assert table["part"].tolist() == ["train", "", "test"]
    assert table["source"].tolist() == ["clinic A", "", ""]
    assert table["mm_per_pixel"].fillna(-1).tolist() == [0.21, -1, 0.4]  # the table goes before the file


@pytest.mark.parametrize("cell", ["0", "-1", "wide", "inf"])
def test_a_size_that_is_none_is_refused(root, tmp_path, cell):
    (root / "t.csv").write_text(f"file,patient,mm_per_pixel\na wide.png,1,{cell}\n")
    with pytest.raises(UserError, match=rf"t\.csv: the mm_per_pixel of a wide\.png is '{cell}', but .* above 0"):
        manifest_of(root, tmp_path / "out", table="t.csv")


def test_pocus_files_have_the_source_of_the_metadata(tmp_path):
    for name in ("Cov-a.mp4", "Reg-b.mp4", "Pneu-c.mp4"):
        (tmp_path / "data/pocus_videos/convex" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data/pocus_videos/convex" / name).touch()
    names = ["cov-a", "Reg b", "Reg b"]
    rows = pd.DataFrame({"Filename": names, "Source ID": ["18", "", "4"], "Patient ID / Name": ["1", "2", "2"]})
    rows.to_csv(tmp_path / "data/dataset_metadata.csv", index=False)
    found = read_pocus(tmp_path).files.set_index("video")["origin"]
    assert found.to_dict() == {"Cov-a.mp4": "source 18", "Reg-b.mp4": "source 4", "Pneu-c.mp4": ""}

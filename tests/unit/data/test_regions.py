"""Regions: the part of a picture that is used, files that are left out, and colour Doppler."""

import logging
import pickle

import av
import cv2
import numpy as np
import pytest
from dicom_files import region, write_dicom

from uscl.base.errors import UserError
from uscl.data.decode.bad_media import BadMedia
from uscl.data.decode.colour import DOPPLER, ClipColour, coloured_share
from uscl.data.decode.crop import crop_box
from uscl.data.extract import extract
from uscl.data.manifest import read_problems
from uscl.data.regions import crop_fault
from uscl.data.store import FrameStore

PLACE = ["top", "left", "height", "width"]


def run(root, out, reader="video_folder", **changes):
    settings = {"size": 16, "rate_hz": None, "max_frames": None, "on_bad_video": "skip", "workers": 1}
    extract("set", reader, root, out, **settings | changes)
    return FrameStore.open(out)


def reasons(out):
    table = read_problems(out / "problems.csv")
    return {file: (action, reason) for _, file, action, reason in table.itertuples(index=False)}


def framed():
    """A bright picture of 32 x 16 pixels at column 20, row 8 of a dark frame of 80 x 40."""
    frame = np.full((40, 80), 10, np.uint8)
    frame[8:24, 20:52] = 200
    return frame


def write_film(path, frames, codec="ffv1", pix_fmt="gray"):
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = pix_fmt
        for frame in frames:
            kind = "gray" if frame.ndim == 2 else "rgb24"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, kind).reformat(format=pix_fmt)))
        container.mux(stream.encode())


# crop


def image(root):
    cv2.imwrite(str(root / "a.png"), framed())


def film(root):
    write_film(root / "a.avi", [framed()] * 3)


def dicom(root):
    write_dicom(root / "a.dcm", np.stack([framed()] * 2), SequenceOfUltrasoundRegions=[region(0, 0, 79, 39)])


@pytest.mark.parametrize("write", [image, film, dicom])
@pytest.mark.parametrize("crop", [[20, 8, 32, 16], [0.25, 0.2, 0.4, 0.4]])
def test_a_crop_leaves_the_picture_alone_in_every_kind_of_file(tmp_path, write, crop):
    (tmp_path / "set").mkdir()
    write(tmp_path / "set")
    store = run(tmp_path / "set", tmp_path / "out", crop=crop)
    assert (store.manifest[PLACE] == [8, 20, 16, 32]).all(axis=None)
    for frame in store.frames:
        assert (frame[4:12] == 200).all()
        assert frame.sum() == 200 * 8 * 16


def test_a_crop_is_that_of_the_upright_picture_of_a_whole_video(tmp_path):
    (tmp_path / "set").mkdir()
    film(tmp_path / "set")
    whole, same = (run(tmp_path / "set", tmp_path / f"{n}", crop=crop) for n, crop in ((0, None), (1, [0, 0, 1, 1])))
    np.testing.assert_array_equal(whole.frames, same.frames)


def test_folders_of_frames_and_folds_are_cropped(tmp_path):
    (tmp_path / "frames/v").mkdir(parents=True)
    for number in range(2):
        cv2.imwrite(str(tmp_path / f"frames/v/v_frame{number}.png"), framed())
    store = run(tmp_path / "frames", tmp_path / "out", "butterfly", crop=[20, 8, 32, 16])
    assert (store.frames[:, 4:12] == 200).all()
    (tmp_path / "folds").mkdir()
    images = np.stack([np.stack([framed()] * 3)] * 3)
    for fold in range(1, 6):
        content = (images, np.arange(3), images, np.arange(3))
        (tmp_path / f"folds/covid_data{fold}.pkl").write_bytes(pickle.dumps(content))
    store = run(tmp_path / "folds", tmp_path / "out2", "pocus_folds", crop=[20, 8, 32, 16])
    assert (store.frames[:, 4:12] == 200).all()
    assert set(store.manifest["part"]) == {f"fold {fold}" for fold in range(1, 6)}


def test_a_mask_is_cropped_with_its_image(tmp_path):
    (tmp_path / "set").mkdir()
    cv2.imwrite(str(tmp_path / "set/a.png"), framed())
    mask = np.zeros((40, 80), np.uint8)
    mask[8:24, 20:36] = 255
    mask[30:, 60:] = 255  # outside of the crop
    cv2.imwrite(str(tmp_path / "set/a_mask.png"), mask)
    store = run(tmp_path / "set", tmp_path / "out", "image_mask_pairs", crop=[20, 8, 32, 16])
    assert store.masks is not None
    assert (store.masks[0, 4:12, :8] > 0).all()
    assert (store.masks > 0).sum() == 64


def test_a_table_gives_each_file_its_crop(tmp_path):
    (tmp_path / "set").mkdir()
    for name in "abc":
        cv2.imwrite(str(tmp_path / f"set/{name}.png"), framed())
    (tmp_path / "set/crops.csv").write_text('file,crop\na.png,20 8 32 16\nB.png,"[0.25, 0.2, 0.4, 0.4]"\n')
    store = run(tmp_path / "set", tmp_path / "out", crop="crops.csv")
    assert store.manifest[PLACE].to_numpy().tolist() == [[8, 20, 16, 32], [8, 20, 16, 32], [0, 0, 40, 80]]
    assert "1 of 3 files have no crop in crops.csv" in reasons(tmp_path / "out")["."][1]


@pytest.mark.parametrize("cell", ["1 2 3", "0 0 0 5", "-1 0 5 5", "all", "0.5 0 0.6 1"])
def test_a_cell_that_is_no_crop_is_named(tmp_path, cell):
    (tmp_path / "set").mkdir()
    image(tmp_path / "set")
    (tmp_path / "set/crops.csv").write_text(f"file,crop\na.png,{cell}\n")
    with pytest.raises(UserError, match=rf"crops\.csv, row 2: crop is '{cell}', but it"):
        run(tmp_path / "set", tmp_path / "out", crop="crops.csv")


def test_a_picture_that_is_smaller_than_the_crop_is_set_aside(tmp_path):
    (tmp_path / "set").mkdir()
    image(tmp_path / "set")
    cv2.imwrite(str(tmp_path / "set/small.png"), np.full((20, 30), 90, np.uint8))
    store = run(tmp_path / "set", tmp_path / "out", crop=[20, 8, 32, 16])
    assert store.manifest["video"].tolist() == ["a.png"]
    action, reason = reasons(tmp_path / "out")["small.png"]
    assert (action, reason) == ("set aside", "`crop` [20, 8, 32, 16] is not inside its picture of 30 x 20 pixels")


@pytest.mark.parametrize("width", range(3, 40))
def test_shares_that_add_up_to_1_never_leave_the_picture(width):
    for left in (0.1, 0.25, 0.5):
        box = crop_box((left, 0, 1 - left, 1), 7, width)
        assert box.left + box.width == width
    with pytest.raises(BadMedia):
        crop_box((width, 0, 1, 7), 7, width)


@pytest.mark.parametrize(
    "crop", [(), (1, 2, 3), (0, 0, 0, 1), (0, -1, 5, 5), (0.5, 0, 0.6, 1), (0, 0, float("inf"), 1)]
)
def test_impossible_crops_have_a_fault(crop):
    assert crop_fault(crop)


# exclude


@pytest.mark.parametrize(
    ("exclude", "left"),
    [
        (["*_DOP*"], ["b.png", "sub/c.png"]),
        (["sub/*", "b.png"], ["a_dop.png"]),
        (["c.png"], ["a_dop.png", "b.png"]),
        ("bad.csv", ["b.png"]),
    ],
)
def test_files_are_excluded_by_pattern_or_table(tmp_path, exclude, left):
    (tmp_path / "set/sub").mkdir(parents=True)
    for name in ("a_dop.png", "b.png", "sub/c.png"):
        cv2.imwrite(str(tmp_path / "set" / name), framed())
    (tmp_path / "set/bad.csv").write_text("file\na_dop.png\nc.png\n\n")
    store = run(tmp_path / "set", tmp_path / "out", exclude=exclude)
    assert store.manifest["video"].tolist() == left
    found = reasons(tmp_path / "out")
    out = {file for file, (action, reason) in found.items() if (action, reason) == ("left out", "named by `exclude`")}
    assert out == {"a_dop.png", "b.png", "sub/c.png"} - set(left)


def test_a_bad_file_that_is_excluded_stops_nothing(tmp_path, caplog):
    (tmp_path / "set").mkdir()
    image(tmp_path / "set")
    (tmp_path / "set/b.mp4").write_text("no video")
    with pytest.raises(UserError, match=r"b\.mp4"):
        run(tmp_path / "set", tmp_path / "out", on_bad_video="stop")
    with caplog.at_level(logging.WARNING):
        run(tmp_path / "set", tmp_path / "out", on_bad_video="stop", exclude=["b.*", "z.mp4"])
    assert "`exclude` names z.mp4, which is no file of the set" in caplog.text
    with pytest.raises(UserError, match=r"`exclude` names none of the files in .*, such as a\.png: fix it"):
        run(tmp_path / "set", tmp_path / "out", exclude=["c.*"])


# colour Doppler


def scan(flow=True, letters=False, tint=(1, 1, 1)):
    """A grey picture of 96 x 96 pixels as RGB, perhaps with a vessel, with yellow letters, or tinted."""
    grey = np.random.default_rng(0).integers(40, 160, (96, 96, 1)).repeat(3, axis=2)
    grey = (grey * np.array(tint)).astype(np.uint8)
    if flow:
        grey[20:26, 30:36], grey[26:30, 30:36] = (220, 40, 20), (30, 60, 220)
    if letters:
        grey[70:80, 10:60] = (250, 240, 30)
    return grey


def test_flow_is_told_from_letters_and_from_a_tint():
    assert coloured_share(scan()) >= DOPPLER
    assert coloured_share(scan(letters=True)) >= DOPPLER
    assert coloured_share(np.ascontiguousarray(scan()[:, :, ::-1])) >= DOPPLER  # blue, green, red
    for other in (scan(flow=False), scan(flow=False, letters=True), scan(flow=False, tint=(1, 0.6, 0.3))):
        assert coloured_share(other) == 0


def doppler_set(root):
    root.mkdir()
    for name, flow in (("a", True), ("b", False)):
        cv2.imwrite(str(root / f"{name}.png"), scan(flow)[:, :, ::-1])
        cv2.imwrite(str(root / f"{name}.jpg"), scan(flow)[:, :, ::-1])
    write_film(root / "film.avi", [scan(False)] * 3 + [scan()] * 2, "ffv1", "bgr0")
    write_film(root / "film.mp4", [scan()] * 2, "libx264", "yuv444p")
    write_dicom(root / "c.dcm", np.stack([scan(), scan(False)]), SequenceOfUltrasoundRegions=[region(0, 0, 95, 95)])
    return root


def test_colour_doppler_is_counted_and_can_be_left_out(tmp_path, caplog):
    root = doppler_set(tmp_path / "set")
    with caplog.at_level(logging.WARNING):
        kept = run(root, tmp_path / "kept")
    assert "set: 7 frames with colour Doppler in 5 files, such as a.jpg: turned grey" in caplog.text
    flow = kept.manifest.groupby("video")["colour"].apply(lambda shares: (shares >= DOPPLER).tolist()).to_dict()
    assert flow == {
        "a.jpg": [True],
        "a.png": [True],
        "b.jpg": [False],
        "b.png": [False],
        "c.dcm": [True, False],
        "film.avi": [False] * 3 + [True] * 2,
        "film.mp4": [True] * 2,
    }
    action, reason = reasons(tmp_path / "kept")["film.avi"]
    assert (action, "2 of 5 frames show colour Doppler: turned grey" in reason) == ("kept", True)
    left = run(root, tmp_path / "left", doppler="leave_out")
    assert left.manifest["video"].tolist() == ["b.jpg", "b.png", "c.dcm", *["film.avi"] * 3]
    assert reasons(tmp_path / "left")["film.mp4"][0] == "left out"
    rows = kept.manifest["row"][kept.manifest["colour"] < DOPPLER]
    np.testing.assert_array_equal(left.frames, kept.frames[rows])
    left.check_pixels()


@pytest.mark.parametrize("start", range(20))
@pytest.mark.parametrize("length", [5, 8, 20])
def test_every_frame_of_a_stretch_of_flow_is_found_though_not_all_frames_are_looked_at(start, length):
    truth = [0.5 if start <= number < start + length else 0.0 for number in range(20)]
    colour = ClipColour(truth.__getitem__)
    for number in range(20):
        colour.add(number)
    found = colour.shares()
    assert len(found) == 20
    assert found == truth


def test_a_grey_clip_is_looked_at_in_every_fifth_frame():
    seen = []
    colour = ClipColour(lambda number: seen.append(number) or 0.0)
    for number in range(23):
        colour.add(number)
    assert colour.shares() == [0.0] * 23
    assert seen == [0, 5, 10, 15, 20, 22]


def test_colour_outside_of_the_crop_does_not_count(tmp_path):
    root = doppler_set(tmp_path / "set")
    store = run(root, tmp_path / "out", crop=[0, 40, 96, 56])
    assert (store.manifest["colour"] < DOPPLER).all()

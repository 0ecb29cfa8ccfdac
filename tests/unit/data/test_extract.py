"""Extraction: from files to a store, the same for any number of workers, and every bad file is reported."""

import hashlib
import logging
import pickle

import av
import cv2
import numpy as np
import pytest
from dicom_files import NAME, write_dicom

from uscl.base.errors import UserError
from uscl.data.extract import extract
from uscl.data.manifest import read_problems
from uscl.data.store import FrameStore
from uscl.data.units import counted_units


def write_video(path, n, seed=0, codec="libx264", pix_fmt="yuv420p"):
    """n frames of noise, 64 x 48, at 25 Hz."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", options={"movflags": "faststart"} if path.suffix == ".mp4" else {}) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pix_fmt
        for grey in np.random.default_rng(seed).integers(0, 256, (n, 48, 64), dtype=np.uint8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "gray").reformat(format=pix_fmt)))
        container.mux(stream.encode())
    return path


def write_pool(root):
    """Five videos in four containers, two of them listed with patient and truth."""
    write_video(root / "videos/a 1.mp4", 12, 1)
    write_video(root / "videos/b.avi", 9, 2, "mpeg4")
    write_video(root / "videos/c.MOV", 7, 3)
    write_video(root / "videos/d.mpeg", 8, 4, "mpeg2video")
    write_video(root / "videos/é.gif", 1, 5, "gif", "gray")
    (root / "videos.csv").write_text("file,patient,organ\na 1.mp4,007,lung\nb.avi,8,liver\n")
    (root / "frames.csv").write_text("file,frame,organ,event,state\na 1.mp4,0,lung,,1\na 1.mp4,5,lung,freeze,0.25\n")
    return root


@pytest.fixture
def pool(tmp_path):
    return write_pool(tmp_path / "pool")


def run(root, out, reader="simulated_pool", **changes):
    """An extraction at 16 px of every frame."""
    settings = {"size": 16, "rate_hz": None, "max_frames": None, "on_bad_video": "stop", "workers": 1}
    extract("set", reader, root, out, **{**settings, **changes})
    return FrameStore.open(out)


@pytest.fixture(scope="module")
def extracted(tmp_path_factory):
    """The pool, and the store of all its frames; only to be read."""
    root = write_pool(tmp_path_factory.mktemp("extracted") / "pool")
    return root, run(root, root.parent / "out", workers=2)


def test_a_pool_becomes_a_store(extracted):
    _, store = extracted
    table = store.manifest
    assert store.frames.shape == (37, 16, 16)
    assert store.masks is None
    assert table["video"].drop_duplicates().tolist() == ["a 1.mp4", "b.avi", "c.MOV", "d.mpeg", "é.gif"]
    assert table.loc[table["video"] == "a 1.mp4", "case"].tolist() == [f"a 1.mp4#{i}" for i in range(12)]
    assert table.groupby("video")["group"].first().tolist() == ["007", "8", "c.MOV", "d.mpeg", "é.gif"]
    assert table.groupby("video")["patient"].first().tolist() == ["007", "8", "", "", ""]
    assert table.groupby("video")["unit"].first().tolist() == ["patient", "patient", "video", "video", "video"]
    assert table.groupby("video")["label"].first().tolist() == ["lung", "liver", "", "", ""]
    assert (table["dataset"] == "set").all()
    np.testing.assert_allclose(table["time_s"][:3], [0, 0.04, 0.08], atol=0.001)
    assert (table[["height", "width"]] == [48, 64]).all(axis=None)


def test_the_hashes_are_those_of_the_file_and_of_the_frame(extracted):
    root, store = extracted
    row = store.manifest.iloc[-1]
    assert row["source_sha256"] == hashlib.sha256((root / row["file"]).read_bytes()).hexdigest()
    assert row["sha256"] == hashlib.sha256(store.frames[-1].tobytes()).hexdigest()


def test_the_truth_of_a_frame_follows_its_number(pool, tmp_path):
    table = run(pool, tmp_path / "out", rate_hz=5.0).manifest
    first = table[table["video"] == "a 1.mp4"]
    assert first["frame"].tolist() == [0, 5, 10]
    assert first["organ"].tolist() == ["lung", "lung", ""]
    assert first["event"].tolist() == ["", "freeze", ""]
    assert first["state"].fillna(-1).tolist() == [1, 0.25, -1]  # the tables don't say what frame 10 shows
    assert first["second_state"].fillna(-1).tolist() == [0, 0, -1]
    assert table.loc[table["video"] != "a 1.mp4", ["state", "second_state"]].isna().all(axis=None)


def test_a_pool_without_tables_has_no_truth(pool, tmp_path):
    (pool / "frames.csv").unlink()
    table = run(pool, tmp_path / "out").manifest
    assert set(table["organ"]) == set(table["event"]) == {""}
    assert table[["state", "second_state"]].isna().all(axis=None)


def test_at_most_max_frames_of_each_video_are_kept(pool, tmp_path):
    table = run(pool, tmp_path / "out", max_frames=3).manifest
    assert table["video"].value_counts(sort=False).tolist() == [3, 3, 3, 3, 1]


def test_workers_do_not_change_a_byte(pool, tmp_path):
    (pool / "videos/bad.mp4").write_text("bad")
    for workers in (1, 3):
        run(pool, tmp_path / str(workers), workers=workers, on_bad_video="skip")
    for name in ("frames.npy", "manifest.parquet", "problems.csv"):
        contents = {(tmp_path / str(workers) / name).read_bytes() for workers in (1, 3)}
        assert len(contents) == 1, name


@pytest.fixture
def damaged(pool):
    """The pool with a text, an empty and a cut file among its videos."""
    (pool / "videos/b0 text.mp4").write_text("text")
    (pool / "videos/c0 empty.avi").touch()
    cut = write_video(pool / "videos/d0 cut.mp4", 60)
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    return pool


def test_skip_names_every_bad_file_and_goes_on(damaged, tmp_path, caplog):
    with caplog.at_level(logging.INFO):
        store = run(damaged, tmp_path / "out", on_bad_video="skip")
    assert len(store.frames) == 37
    problems = read_problems(tmp_path / "out/problems.csv").set_index("file")
    aside = problems[problems["action"] == "set aside"]["reason"]
    assert aside.index.tolist() == ["videos/b0 text.mp4", "videos/c0 empty.avi", "videos/d0 cut.mp4"]
    assert aside.iloc[0].startswith("not a video: ")
    assert aside.iloc[1] == "empty file (0 bytes)"
    assert aside.iloc[2].startswith("truncated: ")
    assert problems.index.is_unique
    assert "only one frame" in problems.loc["videos/é.gif", "reason"]
    for file in problems.index:
        assert file in caplog.text


def test_stop_names_the_first_bad_file_and_leaves_no_store(damaged, tmp_path):
    with pytest.raises(UserError, match=r"b0 text\.mp4 cannot be used: not a video: .*on_bad_video: skip"):
        run(damaged, tmp_path / "out", workers=2)
    assert not list((tmp_path / "out").iterdir())


def test_hidden_files_do_not_stop_a_run(pool, tmp_path):
    for name in (".DS_Store", "._a 1.mp4"):
        (pool / "videos" / name).write_text("no video")
    assert len(run(pool, tmp_path / "out").frames) == 37
    assert not read_problems(tmp_path / "out/problems.csv")["file"].str.contains(r"/\.").any()


def test_a_failed_run_leaves_the_store_of_before(pool, tmp_path):
    run(pool, tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    (pool / "videos/bad.mp4").write_text("bad")
    with pytest.raises(UserError, match="bad"):
        run(pool, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_a_set_without_usable_files_is_an_error(tmp_path):
    (tmp_path / "pool/videos").mkdir(parents=True)
    for names in ([], ["a.mp4", "b.avi"]):
        for name in names:
            (tmp_path / "pool/videos" / name).write_text("bad")
        named = r"pool \(videos/a\.mp4: not a video: .*\)" if names else "pool"
        with pytest.raises(UserError, match=rf"No usable video or image is left in .*{named}: the log names"):
            run(tmp_path / "pool", tmp_path / "out", on_bad_video="skip")


def test_without_problems_there_is_only_a_header(tmp_path):
    write_video(tmp_path / "blues/lus_videos/patient_1_L1.mp4", 3)
    (tmp_path / "blues/clinical_variables.csv").write_text("patient_id,cov_test\n1,1\n")
    store = run(tmp_path / "blues", tmp_path / "out", "covid_blues")
    assert store.manifest["label"].tolist() == ["positive"] * 3
    assert (tmp_path / "out/problems.csv").read_text() == "dataset,file,action,reason\n"


def busi(root):
    """One image of each class, 40 x 20; the mask of the benign one covers its left half."""
    rng = np.random.default_rng(0)
    for label in ("benign", "malignant", "normal"):
        (root / label).mkdir(parents=True)
        mask = np.zeros((20, 40), np.uint8)
        if label != "normal":
            mask[:, :20] = 255
        cv2.imwrite(str(root / label / f"{label} (1).png"), rng.integers(0, 256, (20, 40), dtype=np.uint8))
        cv2.imwrite(str(root / label / f"{label} (1)_mask.png"), mask)
    return root


def test_images_come_with_their_masks(tmp_path):
    store = run(busi(tmp_path / "busi"), tmp_path / "out", "busi", rate_hz=2.0, max_frames=1)
    assert store.manifest["case"].tolist() == ["benign (1)", "malignant (1)", "normal (1)"]
    assert store.masks is not None
    assert store.masks.shape == store.frames.shape == (3, 16, 16)
    assert store.masks[0, 4:12, :8].all()
    assert store.masks.sum(axis=(1, 2)).tolist() == [64, 64, 0]


def test_a_mask_of_another_size_sets_its_image_aside(tmp_path):
    root = busi(tmp_path / "busi")
    cv2.imwrite(str(root / "benign/benign (1)_mask.png"), np.zeros((10, 10), np.uint8))
    store = run(root, tmp_path / "out", "busi", on_bad_video="skip")
    assert store.manifest["label"].tolist() == ["malignant", "normal"]
    reason = read_problems(tmp_path / "out/problems.csv")["reason"].item()
    assert reason == "the mask benign (1)_mask.png has 10 x 10 pixels, its image 40 x 20"


def test_empty_masks_are_counted_on_the_screen(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        run(busi(tmp_path / "busi"), tmp_path / "out", "busi")
    empty = "1 of 3 images have an empty mask, such as normal/normal (1).png: a segmentation task leaves them out"
    assert caplog.messages == [f"set: {empty}"]


@pytest.mark.parametrize(("labels", "left"), [(None, 96), ([1], 64), ([2], 32), ([3], 0)])
def test_only_the_chosen_labels_of_a_mask_are_lesion(tmp_path, labels, left):
    mask = np.zeros((20, 40), np.uint8)
    mask[:, :20], mask[:, 20:30] = 1, 2
    for number, values in enumerate((mask, mask * 0 + 1)):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((20, 40), 90, np.uint8))
        cv2.imwrite(str(tmp_path / f"{number}_mask.png"), values)
    store = run(tmp_path, tmp_path / "out", "image_mask_pairs", options={"labels": labels} if labels else {})
    assert (store.masks[0] > 0).sum() == left
    assert set(np.unique(store.masks[0])) == {0, *(labels or [1, 2])} - {3}


def test_alike_problems_are_one_line_on_the_screen_and_one_row_each(tmp_path, caplog):
    root = busi(tmp_path / "busi")
    for number in range(2, 60):
        cv2.imwrite(str(root / f"benign/benign ({number}).png"), np.full((20, 40), number, np.uint8))
        cv2.imwrite(str(root / f"benign/benign ({number})_mask.png"), np.zeros((number, 10), np.uint8))
        (root / f"malignant/{number}.png").touch()
    with caplog.at_level(logging.INFO):
        run(root, tmp_path / "out", "busi", on_bad_video="skip")
    warned = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert "empty mask" in warned[0]
    assert warned[1].startswith("set: set aside 58 files, such as malignant/10.png: the name is not malignant (n).png")
    assert warned[2].startswith(
        "set: set aside 58 files, such as benign/benign (10).png: the mask benign (10)_mask.png"
    )
    assert len(warned) == 3
    problems = read_problems(tmp_path / "out/problems.csv")
    assert len(problems) == 116
    for file, reason in zip(problems["file"], problems["reason"], strict=True):
        assert f"set: set aside {file}: {reason}" in caplog.messages


def test_masks_of_an_earlier_run_do_not_stay(pool, tmp_path):
    run(busi(tmp_path / "busi"), tmp_path / "out", "busi")
    assert run(pool, tmp_path / "out").masks is None


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("size", 0),
        ("rate_hz", 0.0),
        ("rate_hz", -1.0),
        ("max_frames", 0),
        ("on_bad_video", "x"),
    ],
)
def test_impossible_settings_are_refused(pool, tmp_path, setting, value):
    with pytest.raises(UserError, match=setting):
        run(pool, tmp_path / "out", **{setting: value})


# other kinds of sources than videos and images


def test_a_dicom_file_is_a_video_among_others_and_no_patient_is_in_what_is_written(pool, tmp_path, caplog):
    frames = np.random.default_rng(0).integers(0, 256, (4, 16, 16), dtype=np.uint8)
    write_dicom(pool / "videos/f.DCM", frames, FrameTime=100)
    (pool / "videos/g.dcm").write_bytes((pool / "videos/f.DCM").read_bytes()[:-100])
    with caplog.at_level(logging.DEBUG):
        store = run(pool, tmp_path / "out", on_bad_video="skip")
    mine = store.manifest[store.manifest["video"] == "f.DCM"]
    np.testing.assert_array_equal(store.frames[mine["row"]], frames)
    assert mine["time_s"].tolist() == [0, 0.1, 0.2, 0.3]
    problems = read_problems(tmp_path / "out/problems.csv").set_index("file")["reason"]
    assert "the whole frame is kept, burnt-in text with it" in problems["videos/f.DCM"]
    assert problems["videos/g.dcm"] == "truncated: 3 of 4 frames could be read"
    assert NAME.encode() in (pool / "videos/f.DCM").read_bytes()
    assert "Planted" not in caplog.text
    assert not any(b"Planted" in path.read_bytes() for path in (tmp_path / "out").iterdir())


def test_a_folder_of_frames_is_a_video(tmp_path):
    root = tmp_path / "butterfly"
    for video in ("a", "b"):
        (root / video).mkdir(parents=True)
        for number in (2, 10):
            cv2.imwrite(str(root / video / f"{video}_frame{number}.png"), np.full((16, 16), 10 * number, np.uint8))
    (root / "b/b_frame2.png").write_bytes(b"")
    store = run(root, tmp_path / "out", "butterfly", on_bad_video="skip")
    assert store.manifest["case"].tolist() == ["a#2", "a#10"]
    assert store.frames[:, 8, 8].tolist() == [20, 100]
    reason = read_problems(tmp_path / "out/problems.csv").set_index("file")["reason"]
    assert reason.to_dict() == {
        "a": "2 of 2 frames have only one grey level, or no pixel brighter than 31",
        "b": "its frame b_frame2.png: empty file (0 bytes)",
    }


def test_the_hash_of_a_folder_of_frames_changes_with_any_of_them_and_their_order(tmp_path):
    for video, levels in zip("abcd", ((20, 100), (100, 20), (20, 101), (20, 100)), strict=True):
        (tmp_path / "root" / video).mkdir(parents=True)
        for number, level in enumerate(levels):
            cv2.imwrite(str(tmp_path / f"root/{video}/frame{number}.png"), np.full((16, 16), level, np.uint8))
    manifest = run(tmp_path / "root", tmp_path / "out", "butterfly").manifest
    a, b, c, d = (manifest.loc[manifest["video"] == video, "source_sha256"].unique().item() for video in "abcd")
    assert len({a, b, c}) == 3
    assert a == d


def test_the_folds_become_labelled_frames_one_case_each(tmp_path):
    for fold in range(1, 6):
        images = np.full((4, 3, 16, 16), 20 * fold, np.uint8)
        content = (images, np.array([0, 0, 0, 0]), images, np.array([2, 0, 1, 2]))
        (tmp_path / f"covid_data{fold}.pkl").write_bytes(pickle.dumps(content))
    store = run(tmp_path, tmp_path / "out", "pocus_folds", rate_hz=1.0, max_frames=1)
    table = store.manifest
    assert len(table) == 20
    assert table["case"].tolist()[:4] == ["fold1/covid#1", "fold1/pneumonia#2", "fold1/regular#0", "fold1/regular#3"]
    assert table.groupby("label").size().to_dict() == {"covid": 5, "pneumonia": 5, "regular": 10}
    assert table["group"].unique().tolist() == [f"fold {fold}" for fold in range(1, 6)]
    assert counted_units(table) == "5 folds of the authors"
    assert table["patient"].eq("").all()
    assert store.frames[:, 8, 8].tolist() == [20 * fold for fold in range(1, 6) for _ in range(4)]


def test_a_bad_fold_is_named(tmp_path):
    for fold in range(1, 6):
        (tmp_path / f"covid_data{fold}.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(UserError, match=r"covid_data1\.pkl cannot be used: names os\.system, which a file of arrays"):
        run(tmp_path, tmp_path / "out", "pocus_folds")


def test_udiat_images_come_with_their_masks(tmp_path):
    for folder, image in (("original", np.full((16, 16), 90, np.uint8)), ("GT", np.eye(16, dtype=np.uint8) * 255)):
        (tmp_path / "set" / folder).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "set" / folder / "1.png"), image)
    store = run(tmp_path / "set", tmp_path / "out", "udiat_b")
    assert store.masks is not None
    np.testing.assert_array_equal(store.masks[0], np.eye(16))

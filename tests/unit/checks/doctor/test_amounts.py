import numpy as np
import pandas as pd
from studies import embedded, entry

from uscl.checks.doctor.amounts import Amount, amount, media_files
from uscl.data.manifest import MANIFEST, write_table


def write_store(folder, *, videos=3, frames=4, labelled=8, masked=0):
    folder.mkdir(parents=True)
    count = videos * frames
    table = pd.DataFrame({name: ["x"] * count for name in MANIFEST.columns})
    table["row"] = np.arange(count)
    table["video"] = [f"v{row // frames}" for row in range(count)]
    table["case"] = [f"c{row}" for row in range(count)]
    table["label"] = ["a"] * labelled + [""] * (count - labelled)
    table["frame"] = table["row"] % frames
    table["time_s"] = 0.0
    table["source_sha256"] = table["sha256"] = "0" * 64
    write_table(table, MANIFEST, folder / "manifest.csv")
    masks = np.zeros((count if masked else 0, 8, 8), np.uint8)
    masks[:masked, 2, 2] = 1
    np.save(folder / "masks.npy", masks)


def asked(settings, tmp_path, registry=None, folder=None):
    return amount("mine", {"datasets": {"mine": settings}}, tmp_path, registry or {}, folder)


def test_the_embedded_study_has_the_numbers_that_its_simulator_makes(tmp_path):
    config = embedded()
    pool, lung, breast = (amount(name, config, tmp_path, {}, None) for name in ("sim_pool", "sim_lung", "sim_breast"))
    assert (pool.videos, pool.frames, pool.cases) == (72, 1440, 0)
    assert lung.videos == 66  # 60 videos and 6 still images
    assert abs(lung.frames - 184) <= 5  # 184 were extracted: frame rates are drawn
    assert (breast.frames, breast.lesions, breast.masks) == (120, 96, True)
    assert {pool.source, lung.source, breast.source} == {"simulated"}


def test_what_has_been_extracted_counts_before_what_is_expected(tmp_path):
    write_store(tmp_path / "frames" / "mine", masked=5)
    registry = {"busi": entry(images=780)}
    found = asked({"reader": "busi", "data_root": "d"}, tmp_path, registry)
    assert found == Amount(3, 12, 12, 8, 5, True, "extracted")


def test_a_store_that_is_not_whole_counts_as_none(tmp_path):
    write_store(tmp_path / "frames" / "mine")
    (tmp_path / "frames" / "mine" / "manifest.csv").write_text("row\n0\n")
    assert asked({"reader": "busi", "data_root": "d"}, tmp_path, {"busi": entry(images=780)}).source == "expected"


def test_expected_images_are_cases_and_those_that_are_not_normal_have_lesions(tmp_path):
    registry = {"busi": entry(images=780, classes={"benign": 437, "malignant": 210, "normal": 133})}
    found = asked({"reader": "busi", "data_root": "d"}, tmp_path, registry)
    assert found == Amount(780, 780, 780, 780, 647, True, "expected")


def test_expected_frames_are_those_of_the_registry_unless_videos_are_sampled(tmp_path):
    registry = {"covid_blues": entry(videos=362, frames=31_746)}
    settings = {"reader": "covid_blues", "data_root": "d"}
    whole = asked(settings, tmp_path, registry)
    sampled = asked(settings | {"rate_hz": 3, "max_frames": 10}, tmp_path, registry)
    endless = asked(settings | {"rate_hz": 3}, tmp_path, registry)
    assert (whole.videos, whole.frames, whole.decoded) == (362, 31_746, 31_746)
    assert (sampled.frames, sampled.decoded) == (3620, 36_200)
    assert (endless.videos, endless.frames) == (362, None)


def test_a_registry_without_numbers_leaves_them_unknown(tmp_path):
    found = asked({"reader": "butterfly", "data_root": "d"}, tmp_path, {"butterfly": entry()})
    assert found.videos is None
    assert found.source == ""


def test_a_part_of_a_public_set_is_counted_and_not_expected(tmp_path):
    (tmp_path / "d").mkdir()
    for name in ("a.MP4", "b.mp4", ".hidden.mp4", "notes.txt"):
        (tmp_path / "d" / name).touch()
    registry = {"covid_blues": entry(videos=362, frames=31_746)}
    settings = {"reader": "covid_blues", "data_root": "d", "partial": True}
    found = asked(settings, tmp_path, registry, tmp_path / "d")
    assert (found.videos, found.frames, found.source) == (2, None, "counted")


def test_a_users_own_images_are_counted_with_masks_apart(tmp_path):
    (tmp_path / "d" / "images").mkdir(parents=True)
    (tmp_path / "d" / "masks").mkdir()
    for name in ("images/1.png", "images/2.png", "masks/1.png", "masks/2.png"):
        (tmp_path / "d" / name).touch()
    assert media_files(tmp_path / "d") == (0, 4)
    found = asked({"kind": "image_mask_pairs", "data_root": "d"}, tmp_path, {}, tmp_path / "d")
    assert found == Amount(2, 2, 2, 2, 2, True, "counted")


def test_a_folder_that_is_not_there_is_unknown(tmp_path):
    assert asked({"kind": "video_folder", "data_root": "d"}, tmp_path, {}, tmp_path / "d") == Amount()

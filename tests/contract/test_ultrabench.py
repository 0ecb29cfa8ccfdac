"""What UltraBench's own writers make of small made-up sources is read as they mean it."""

import json

import numpy as np
import PIL.Image
import pytest
import scipy.io

from uscl.data.extract import extract
from uscl.data.given_splits import given_splits
from uscl.data.readers.ultrabench import read
from uscl.data.splits import task_cases
from uscl.data.store import FrameStore

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning:ultrabench")
ultrabench = pytest.importorskip("ultrabench.datasets", reason="the package ultrabench is not installed")
SIZE = 80


def picture(number):
    """Bright noise, whose scan mask is the whole picture."""
    return np.random.default_rng(number).integers(40, 250, (SIZE, SIZE), dtype=np.uint8)


def save(path, number):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.fromarray(picture(number)).save(path)


def prepared(name, tmp_path, folder):
    """The folder that UltraBench writes for the raw data in tmp_path/raw, or a file in it."""
    (tmp_path / "out").mkdir(exist_ok=True)
    getattr(ultrabench, name)(str(tmp_path / "raw" / folder).rstrip("/"), str(tmp_path / "out"))
    return tmp_path / "out"


def stored(root, tmp_path, **options):
    """The frame store of a prepared set."""
    settings = {"size": 32, "rate_hz": None, "max_frames": None, "on_bad_video": "stop", "workers": 1}
    extract("set", "ultrabench", root, tmp_path / "store", **settings, options={"part": "part", **options})
    return FrameStore.open(tmp_path / "store")


def test_butterfly_has_patients_and_the_split_of_its_provider(tmp_path):
    for patient in range(8):
        part = "training" if patient < 6 else "test"
        for number, region in enumerate(("lungs", "bladder")):
            save(tmp_path / f"raw/{part}_images/{patient}/{region}/0.png", 2 * patient + number)
    root = prepared("butterfly", tmp_path, "") / "butterfly_v1.0.1"
    found = read(root, part="part")
    assert found.files["group"].nunique() == 8
    assert set(found.files["label"]) == {"lungs", "bladder"}
    assert set(found.files.loc[found.files["part"] == "test", "patient"]) == {"6", "7"}
    assert found.files.groupby("patient")["part"].nunique().max() == 1
    assert "prepared by UltraBench 1.0.1" in set(found.problems["reason"])
    splits = given_splits(task_cases(stored(root, tmp_path), "classification"), inner=2, seed=0, task="t")
    assert splits["fold0"].value_counts()["test"] == 4
    assert not splits["shared"].any()


def test_the_sources_of_pocus_are_its_groups(tmp_path):
    for prefix in ("Reg", "Pne", "Cov"):
        for number in range(6):
            save(tmp_path / f"raw/data/pocus_images/convex/{prefix}_{number}.png", number + len(prefix))
    (tmp_path / "raw/data/pocus_videos/convex").mkdir(parents=True)
    found = read(prepared("pocus", tmp_path, "") / "pocus_v1.0.1", part="part")
    assert found.files["label"].value_counts().to_dict() == {"regular": 6, "pneumonia": 6, "covid": 6}
    assert set(found.files["group"]) == set(found.files["origin"])
    assert "Cov_0.png" in set(found.files["group"])


def test_fatty_liver_has_patients_of_several_images(tmp_path):
    fields = [("id", object), ("class", object), ("fat", object), ("images", object)]
    rows = [
        (patient + 1, patient % 2, 10 * patient, np.stack([picture(patient), picture(patient + 50)]))
        for patient in range(10)
    ]
    (tmp_path / "raw").mkdir()
    scipy.io.savemat(tmp_path / "raw/liver.mat", {"data": np.array([rows], dtype=fields)})
    found = read(prepared("fatty_liver", tmp_path, "liver.mat") / "fatty_liver_v1.0.1", part="part")
    assert len(found.files) == 20
    assert found.files["patient"].nunique() == 10
    assert set(found.files["label"]) == {"Normal", "NFLD"}
    assert found.files.groupby("patient")["part"].nunique().max() == 1


def test_the_masks_of_aul_are_those_that_the_setting_names(tmp_path):
    whole, part = [[0, 0], [SIZE, 0], [SIZE, SIZE], [0, SIZE]], [[20, 20], [60, 20], [60, 60], [20, 60]]
    for label in ("Normal", "Benign", "Malignant"):
        for number in range(14):
            folder = tmp_path / "raw" / label
            save(folder / f"image/{number}.jpg", number)
            outlines = {"outline": whole, "liver": whole} | ({} if label == "Normal" else {"mass": part})
            for name, points in outlines.items():
                (folder / f"segmentation/{name}").mkdir(parents=True, exist_ok=True)
                (folder / f"segmentation/{name}/{number}.json").write_text(json.dumps(points))
    root = prepared("aul", tmp_path, "") / "aul_mass_v1.0.1"
    assert "choose one of liver_mask, mass_mask" in " ".join(read(root).problems["reason"])
    store = stored(root, tmp_path, mask="mass_mask")
    cases = task_cases(store, "segmentation")
    assert cases["label"].value_counts().to_dict() == {"Benign": 14, "Malignant": 14}
    assert store.masks is not None
    assert store.masks[cases["row"]].mean() == pytest.approx((40 / SIZE) ** 2, rel=0.1)


def test_psfhs_has_two_structures_and_no_patients(tmp_path):
    import SimpleITK

    labels = np.zeros((SIZE, SIZE), np.uint8)
    labels[10:30, 10:30], labels[40:70, 40:70] = 1, 2
    for folder, pixels in (("image_mha", None), ("label_mha", labels)):
        (tmp_path / "raw" / folder).mkdir(parents=True)
        for number in range(12):
            shown = np.stack([picture(number)] * 3) if pixels is None else pixels
            SimpleITK.WriteImage(SimpleITK.GetImageFromArray(shown), str(tmp_path / "raw" / folder / f"{number}.mha"))
    root = prepared("psfhs", tmp_path, "") / "psfhs_v1.0.1"
    store = stored(root, tmp_path)
    assert store.masks is not None
    assert set(np.unique(store.masks)) == {0, 1, 2}
    assert set(store.manifest["unit"]) == {"image"}
    assert store.manifest["part"].value_counts().to_dict() == {"train": 8, "validation": 1, "test": 3}

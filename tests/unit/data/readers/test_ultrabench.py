import json

import numpy as np
import PIL.Image
import pytest

from uscl.base.errors import UserError
from uscl.data.readers.ultrabench import read

PARTS = {"train": 4, "validation": 2, "test": 2}


def records(**more):
    """Records of each part by its name; `more` are further values, from the number of the image."""
    found, number = {}, 0
    for part, count in PARTS.items():
        found[part] = []
        for _ in range(count):
            values = {"image": f"images/{number}.png", "scan_mask": f"masks/scan/{number}.png"}
            found[part].append(values | {key: value(number) for key, value in more.items()})
            number += 1
    return found


def prepared(root, parts, version="1.0.1"):
    """A folder as UltraBench writes it, with every picture that a record names."""
    root.mkdir(exist_ok=True)
    for part, listed in parts.items():
        (root / f"{part}.json").write_text(json.dumps(listed))
        for values in listed:
            for key in values:
                if (key == "image" or "mask" in key) and isinstance(values[key], str):
                    path = root / values[key]
                    path.parent.mkdir(parents=True, exist_ok=True)
                    PIL.Image.fromarray(np.full((8, 8), 100 * (key == "image"), np.uint8)).save(path)
    if version:
        (root / "version.txt").write_text(f"UltraBench Version: {version}\nCreated: today\n")
    return root


CLASSED = {"label": lambda n: n % 2, "pathology": lambda n: ["normal", "tumour"][n % 2]}
PATIENTS = CLASSED | {"patient": lambda n: n // 2}


def reasons(found):
    return " | ".join(found.problems["reason"])


def test_a_record_gives_class_patient_and_part(tmp_path):
    found = read(prepared(tmp_path, records(**PATIENTS)), part="part")
    assert found.files["file"].tolist() == [f"images/{n}.png" for n in range(8)]
    assert found.files["label"].tolist() == ["normal", "tumour"] * 4
    assert found.files["patient"].tolist() == found.files["group"].tolist() == list("00112233")
    assert set(found.files["unit"]) == {"patient"}
    assert found.files["part"].tolist() == ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
    assert "prepared by UltraBench 1.0.1" in set(found.problems["reason"])
    assert "no patients" not in reasons(found)
    assert "its own folds" not in reasons(found)


def test_without_patients_the_source_is_the_group_and_it_is_said(tmp_path):
    names = ["a.mp4", "b.png"]
    found = read(prepared(tmp_path, records(**CLASSED, source=lambda n: names[n % 2])), part="part")
    assert found.files["group"].tolist() == found.files["origin"].tolist() == names * 4
    assert found.files["unit"].tolist() == ["video", "image"] * 4
    assert "no patients: each source is a group of its own" in reasons(found)
    assert (found.files["patient"] == "").all()


def test_without_patients_and_sources_the_image_is_the_group(tmp_path):
    found = read(prepared(tmp_path, records(label=lambda n: n % 2), version=""), part=None)
    assert found.files["group"].tolist() == found.files["file"].tolist()
    assert found.files["label"].tolist() == ["0", "1"] * 4
    assert "no patients: each image is a group of its own" in reasons(found)
    assert "prepared by UltraBench of an unknown version" in reasons(found)
    assert "the study draws its own folds" in reasons(found)


def test_the_only_mask_is_read_and_one_of_several_is_named(tmp_path):
    one = read(prepared(tmp_path / "one", records(mass_mask=lambda n: None if n == 3 else f"m/{n}.png")))
    assert one.files["masks"].tolist() == [() if n == 3 else (f"m/{n}.png",) for n in range(8)]
    assert "no mass_mask of 1 image ('images/3.png'): it counts as empty" in reasons(one)
    masks = {f"{name}_mask": lambda n, name=name: f"{name}/{n}.png" for name in ("liver", "mass")}
    two = prepared(tmp_path / "two", records(**masks))
    assert set(read(two).files["masks"]) == {()}
    assert "no mask is read: choose one of liver_mask, mass_mask by `mask`" in reasons(read(two))
    assert read(two, mask="mass_mask").files["masks"].iloc[0] == ("mass/0.png",)
    with pytest.raises(UserError, match=r"`mask` of .* is mas_mask, but its records have liver_mask, mass_mask"):
        read(two, mask="mas_mask")
    (two / "mass/5.png").unlink()
    with pytest.raises(UserError, match=r"the mass_mask of images/5\.png is mass/5\.png, which is not there"):
        read(two, mask="mass_mask")


def test_an_image_that_is_gone_is_set_aside_and_a_set_without_images_stops(tmp_path):
    root = prepared(tmp_path, records(**PATIENTS))
    (root / "images/2.png").unlink()
    found = read(root)
    assert len(found.files) == 7
    (problem,) = found.problems[found.problems["action"] == "set aside"].itertuples()
    assert (problem.file, problem.reason) == ("images/2.png", "a list names it, but it is not there")
    for path in (root / "images").iterdir():
        path.unlink()
    with pytest.raises(UserError, match=r"has none of the images that its lists name, such as images/0\.png"):
        read(root)


def spoilt(part, listed):
    return lambda root: (root / f"{part}.json").write_text(json.dumps(listed))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "test.json").unlink(), r"has no test\.json: it should hold train\.json"),
        (lambda root: (root / "test.json").write_text("[{"), r"test\.json can't be read as JSON"),
        (spoilt("test", {"image": "images/1.png"}), r"test\.json holds no list of records"),
        (spoilt("test", [{"label": 1}]), r"test\.json: record 0 names no image in the folder"),
        (spoilt("test", [{"image": "../1.png"}]), r"test\.json: record 0 names no image in the folder"),
        (spoilt("test", [{"image": "/etc/1.png"}]), r"test\.json: record 0 names no image in the folder"),
        (spoilt("test", [{"image": "images/0.png"}]), r"train\.json and test\.json both list images/0\.png"),
        (
            spoilt("test", [{"image": "images/6.png", "label": 1, "pathology": "normal"}]),
            r"label 1 is tumour and, of images/6\.png, normal: correct one",
        ),
    ],
)
def test_a_set_that_is_none_is_refused_in_one_sentence(tmp_path, spoil, message):
    spoil(prepared(tmp_path, records(**PATIENTS)))
    with pytest.raises(UserError, match=message):
        read(tmp_path)


def test_empty_lists_and_unknown_classes_are_refused(tmp_path):
    root = prepared(tmp_path, records(**PATIENTS))
    with pytest.raises(UserError, match=r"images/1\.png is tumour, which `classes` does not name"):
        read(root, classes=["normal", "tumor"])
    prepared(tmp_path, {part: [] for part in PARTS})
    with pytest.raises(UserError, match=r"train\.json, validation\.json, test\.json list no image"):
        read(root)

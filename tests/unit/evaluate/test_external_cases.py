import pytest
from stores import bright_or_dark_store

from uscl.audit.policy import UNITS
from uscl.base.errors import UserError
from uscl.evaluate.external_cases import check_external, external_cases

CLASSES = ["bright", "dark"]


def units_of(store, joined=()):
    videos = store.manifest.drop_duplicates("video")
    group = videos["group"].replace(dict.fromkeys(joined, joined[0]) if joined else {})
    table = videos[["dataset", "video", "group", "unit"]].assign(audited_group=group, kept=True, reason="")
    return UNITS.validate(table.reset_index(drop=True))


def cases_of(store, names=None, classes=CLASSES, kind="classification", joined=()):
    return external_cases(store, units_of(store, joined), kind, classes, names or {}, "tasks.t.external, other")


def test_classes_get_the_names_of_the_task_and_groups_those_of_the_audit():
    store = bright_or_dark_store(groups=4, frames=2)
    store.manifest["label"] = store.manifest["label"].replace({"bright": "B"})
    found = cases_of(store, {"B": "bright"}, joined=("p0", "p2"))
    assert found["label"].tolist() == ["dark", "dark", "bright", "bright"] * 2
    assert found["group"].unique().tolist() == ["p0", "p1", "p3"]
    sentence = "w: 8 cases of 3 patients (bright 4, dark 4) to test the models of all folds and seeds on"
    assert check_external("w", found) == sentence


def test_other_classes_are_refused():
    store = bright_or_dark_store(groups=4, frames=2)
    with pytest.raises(UserError, match=r"tasks\.t\.external, other: the set has the class 'bright', but the"):
        cases_of(store, classes=["dark", "light"])
    with pytest.raises(UserError, match=r"`classes` names 'B', but the set has only 'bright', 'dark'"):
        cases_of(store, {"B": "bright"})
    with pytest.raises(UserError, match="the set has no case"):
        check_external("w", cases_of(store).head(0))


def test_a_segmentation_takes_labels_as_they_are():
    store = bright_or_dark_store(groups=4, frames=1)
    assert set(cases_of(store, classes=[], kind="segmentation")["label"]) == {"bright", "dark"}

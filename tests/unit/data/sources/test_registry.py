import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from uscl.base.errors import UserError
from uscl.data.expected_counts import check_counts
from uscl.data.readers import reader, reader_names
from uscl.data.sources.folders import public_folder
from uscl.data.sources.registry import Archive, Entry, Expected, Licence, how_to_get, read_registry

ROOT = Path(__file__).parents[4]
REGISTRY = read_registry(ROOT / "config/datasets.yaml")


def changed(folder, key, value):
    """A registry whose entry busi differs in one place."""
    entry = json.loads(json.dumps(REGISTRY["busi"]))
    *parents, last = key
    place = entry
    for part in parents:
        place = place[part]
    if value is None:
        del place[last]
    else:
        place[last] = value
    path = folder / "datasets.yaml"
    path.write_text(yaml.safe_dump({"busi": entry}))
    return path


def test_the_registry_has_every_public_reader_and_the_simulator():
    prepared = {name for name in REGISTRY if name.startswith("ultrabench_")}
    assert sorted({*REGISTRY} - prepared) == sorted({*reader_names(own_data=False), "simulator"} - {"simulated_pool"})
    assert len(prepared) == 11  # ten sets, one of which is written as two


def test_no_two_sets_have_an_archive_of_the_same_name():
    names = [file["name"].lower() for entry in REGISTRY.values() for file in entry["files"]]
    assert len(names) == len(set(names)) == 3


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {"simulator"}))
def test_every_real_set_says_how_to_get_it_in_one_sentence(name):
    sentence = how_to_get("mine", REGISTRY[name], Path("data/here"))
    assert sentence.startswith("Data set 'mine': there is no folder data/here: ")
    assert "set datasets.mine.data_root" in sentence
    assert sentence.count(". ") == 0
    assert sentence.endswith(".")
    assert REGISTRY[name]["by_hand"][0].isupper()


@pytest.mark.parametrize("name", sorted(set(REGISTRY) - {"simulator"}))
def test_the_classes_of_a_set_are_all_of_its_files(name):
    expected = REGISTRY[name]["expected"]
    if expected["classes"]:
        assert sum(expected["classes"].values()) == expected["videos"] + expected["images"]


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (["title"], None, r"busi\.title: Field required"),
        (["titel"], "x", r"busi\.titel: Extra inputs are not permitted"),
        (["files", 0, "urls", 0], "http://host/a.zip", r"busi\.files\.0\.urls\.0: String should match pattern"),
        (["files", 0, "sha256"], "ABC", r"busi\.files\.0\.sha256: String should match pattern"),
        (["files", 0, "name"], "../a.zip", r"busi\.files\.0\.name: String should match pattern"),
        (["expected", "images"], "780", r"busi\.expected\.images: Input should be a valid integer"),
        (["expected", "tolerance"], 1, r"busi\.expected\.tolerance: Input should be less than 1"),
        (["on_leak"], "drop", r"busi\.on_leak: Input should be 'stop' or 'group'"),
        (["used_for"], [], r"busi\.used_for: Value should have at least 1 item"),
    ],
)
def test_a_fault_is_reported_with_its_place(tmp_path, key, value, message):
    path = changed(tmp_path, key, value)
    with pytest.raises(UserError, match=rf"^{path}: {message}.*: fix it\.$"):
        read_registry(path)


@pytest.mark.parametrize("address", ["https://me:hunter22@host/a.zip", "https://host/a.zip?token=hunter22"])
def test_an_address_with_a_password_is_refused_without_repeating_it(tmp_path, address):
    path = changed(tmp_path, ["files", 0, "urls", 0], address)
    with pytest.raises(UserError, match=r"an address of busi holds a user, password or token.*~/\.netrc") as error:
        read_registry(path)
    assert "hunter22" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [("busi: [", r"is not YAML \(.*\): fix it\."), ("", "the top level: Input should be a valid dictionary")],
)
def test_a_file_that_is_not_a_registry_is_reported(tmp_path, text, message):
    path = tmp_path / "datasets.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=message):
        read_registry(path)


def test_a_missing_registry_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"gone\.yaml can't be read .*: restore the project's file"):
        read_registry(tmp_path / "gone.yaml")


def test_reading_the_registry_stays_light():
    heavy = ["torch", "pandas", "numpy", "requests", "pooch"]
    code = f"import sys, uscl.data.sources.registry; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("model", [Entry, Archive, Licence, Expected])
def test_every_key_is_described(model):
    assert all(field.description for field in model.model_fields.values())


@pytest.mark.skipif("USCL_DATA" not in os.environ, reason="needs the real sets: set USCL_DATA to their folder")
@pytest.mark.parametrize("name", ["busi", "covid19_ultrasound", "covid_blues"])
def test_the_real_sets_hold_what_the_registry_expects(name):
    root = Path(public_folder(name, os.environ["USCL_DATA"]))
    exactly = REGISTRY[name]["expected"] | {"tolerance": 0}
    check_counts(name, root, reader(name)(root), exactly)

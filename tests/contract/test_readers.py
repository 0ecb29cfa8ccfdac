"""What every reader of a data set must declare, and that one file and one registry entry make a data set."""

import subprocess
import sys
from pathlib import Path

import pytest

from uscl.base.errors import UserError
from uscl.data import readers
from uscl.data.readers import READERS, all_readers, reader, reader_names, reader_of_simulated, readers_with_masks
from uscl.data.sources.folders import public_folder
from uscl.data.sources.registry import read_registry
from uscl.data.units import counted_units
from uscl.simulator.sets import KINDS, write_set

ROOT = Path(__file__).parents[2]
REGISTRY = read_registry(ROOT / "config/datasets.yaml")
PUBLIC = [found for found in READERS.values() if found.folder]

NEW = """
FOLDER = "Scans"
LANDMARKS = ("scans.csv",)
HAS_MASKS = {masks}

def read(root):
    return "what is in " + root.name
"""


@pytest.fixture
def add_reader(tmp_path, monkeypatch):
    """Adds one file to the readers."""
    monkeypatch.setattr(readers, "__path__", [*readers.__path__, str(tmp_path / "more")])

    def add(text):
        (tmp_path / "more").mkdir()
        (tmp_path / "more/scans.py").write_text(text)

    yield add
    sys.modules.pop("uscl.data.readers.scans", None)
    vars(readers).pop("scans", None)


def test_every_module_is_a_reader_with_all_declarations():
    modules = {path.stem for path in (ROOT / "uscl/data/readers").glob("*.py")} - {"__init__"}
    assert set(READERS) == modules
    for name, found in READERS.items():
        assert found.name == name
        assert found.folder is None or found.folder == found.folder.strip("/")
        assert isinstance(found.landmarks, tuple)
        assert isinstance(found.has_masks, bool)
        assert callable(found.read)
        assert not (found.own_data and (found.folder or found.simulates))


def test_no_two_sets_have_one_folder():
    folders = [found.folder.lower() for found in PUBLIC]
    assert len(folders) == len(set(folders))


@pytest.mark.parametrize("found", PUBLIC, ids=lambda found: found.name)
def test_every_public_set_has_an_entry_with_licence_and_counts(found):
    entry = REGISTRY[found.name]
    assert entry["licence"]["name"]
    assert {"videos", "images", "groups", "classes"} <= entry["expected"].keys()
    assert any(entry["expected"][key] for key in ("videos", "images"))
    assert not found.own_data
    assert found.folder in entry["by_hand"]


def test_every_kind_of_simulated_set_has_one_reader():
    assert {kind: READERS[reader_of_simulated(kind)].simulates for kind in KINDS} == {kind: kind for kind in KINDS}


def test_own_data_and_public_sets_are_apart():
    public, own = reader_names(own_data=False), reader_names(own_data=True)
    assert sorted([*public, *own]) == list(READERS)
    assert set(readers_with_masks()) < set(READERS)


def test_a_data_set_is_one_file(add_reader, monkeypatch, tmp_path):
    add_reader(NEW.format(masks=True))
    found = all_readers()
    assert set(found) - set(READERS) == {"scans"}
    monkeypatch.setattr(readers, "READERS", found)
    monkeypatch.setattr("uscl.data.sources.folders.READERS", found)
    assert "scans" in reader_names(own_data=False)
    assert "scans" in readers_with_masks()
    (tmp_path / "Scans-main").mkdir()
    (tmp_path / "Scans-main/scans.csv").touch()
    folder = public_folder("scans", str(tmp_path))
    assert reader("scans")(Path(folder)) == "what is in Scans-main"


def test_an_incomplete_reader_is_refused_with_what_it_lacks(add_reader):
    add_reader(NEW.replace("HAS_MASKS = {masks}\n", "").replace("LANDMARKS", "MARKS"))
    with pytest.raises(
        UserError, match=r"^The reader uscl/data/readers/scans\.py declares no LANDMARKS and no HAS_MASKS: add it\.$"
    ):
        all_readers()


def test_an_unknown_reader_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match=r"There is no reader 'nope': choose one of busi, .*udiat_b, image_csv, "):
        reader("nope")


def test_the_registry_is_light_to_import():
    heavy = "{'torch', 'numpy', 'pandas', 'sklearn', 'scipy', 'mlflow', 'av', 'cv2'}"
    command = f"import sys, uscl.data.sources.folders; sys.exit(', '.join({heavy} & set(sys.modules)) or None)"
    ended = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize(("kind", "units"), [("pool", "3 patients"), ("lung", "3 patients"), ("breast", "12 images")])
def test_the_groups_of_a_simulated_set_are_its_patients_or_images(kind, units, tmp_path):
    write_set(kind, tmp_path, seed=3, patients=12 if kind == "breast" else 3)
    found = reader(reader_of_simulated(kind))(tmp_path).files
    assert counted_units(found) == units
    assert (found["patient"] != "").all() == (kind != "breast")

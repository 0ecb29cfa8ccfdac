import pytest

from uscl.data.readers import READERS
from uscl.data.sources.folders import public_folder


def test_a_set_is_found_below_the_folder_that_holds_it_or_named_itself(tmp_path):
    below = tmp_path / "COVID-BLUES"
    below.mkdir()
    assert public_folder("covid_blues", str(tmp_path)) == str(below)
    assert public_folder("covid_blues", str(below)) == str(below)
    assert public_folder("covid_blues", str(tmp_path / "gone/COVID-BLUES")) == str(tmp_path / "gone/COVID-BLUES")
    assert public_folder("simulated_pool", str(tmp_path)) == str(tmp_path)


@pytest.mark.parametrize("reader", [found.name for found in READERS.values() if found.landmarks])
def test_a_set_under_another_name_is_recognized_by_its_content(tmp_path, reader):
    assert public_folder(reader, str(tmp_path)) == str(tmp_path / READERS[reader].folder)
    mark = tmp_path / READERS[reader].landmarks[-1]
    mark.mkdir(parents=True)
    assert public_folder(reader, str(tmp_path)) == str(tmp_path)


def test_a_set_that_is_nowhere_belongs_under_its_public_name(tmp_path):
    assert public_folder("busi", str(tmp_path / "gone")) == str(tmp_path / "gone/Dataset_BUSI_with_GT")


@pytest.mark.parametrize("folder", ["COVID-BLUES/COVID-BLUES", "COVID-BLUES-main", "COVID-BLUES-1857a6f"])
def test_folders_from_archives_are_found(tmp_path, folder):
    (tmp_path / folder / "lus_videos").mkdir(parents=True)
    assert public_folder("covid_blues", str(tmp_path)) == str(tmp_path / folder)


def test_a_folder_in_the_place_of_the_set_without_its_files_is_not_ignored(tmp_path):
    (tmp_path / "COVID-BLUES").mkdir()
    assert public_folder("covid_blues", str(tmp_path)) == str(tmp_path / "COVID-BLUES")

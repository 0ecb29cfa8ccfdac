"""The folders of a study's data: where each set is, and what is refused or warned about when the study is planned."""

import logging
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from uscl.base.errors import UserError
from uscl.checks import call
from uscl.data.sources import fingerprint
from uscl.study.study import Study

ROOT = Path(__file__).parents[3]


def study(results="results", data_root=None, **datasets):
    """The tiny study with more data sets, the first of which is the pool."""
    config = yaml.safe_load((ROOT / "tests/integration/tiny.yaml").read_text())
    config["datasets"] |= datasets
    config["pool"] = next(iter(datasets))
    return Study.from_config(config | {"results": str(results), "data_root": data_root and str(data_root)}, ROOT)


def begun(given, monkeypatch):
    """What a call warns about when it reads a study. Raises UserError."""
    for name in ("check_snakemake", "before_jobs", "on_unlock"):
        monkeypatch.setattr(call, name, lambda *_: None)
    monkeypatch.setattr(call, "interruption", SimpleNamespace(name_caller=lambda: None, end_once=lambda: None))
    monkeypatch.setattr(call, "is_main_process", lambda _: True)
    monkeypatch.setattr(call, "name_study", lambda *_: None)
    monkeypatch.setattr(call, "study_options", lambda _: [])
    warnings = []
    log = logging.getLogger("test")
    monkeypatch.setattr(log, "warning", warnings.append)
    call.begin(None, given, log)
    return warnings


def test_a_set_is_in_the_folder_of_all_sets_or_in_its_own(tmp_path):
    (tmp_path / "COVID-BLUES/lus_videos").mkdir(parents=True)
    own = {"kind": "video_folder"}
    found = study(data_root=tmp_path, clips=own, other=own | {"data_root": "~/x/"}, blues={"reader": "covid_blues"})
    assert found.data.folder("clips") == str(tmp_path / "clips")
    assert found.data.folder("other") == str(Path("~/x").expanduser())
    assert found.data.folder("blues") == str(tmp_path / "COVID-BLUES")
    assert found.data.missing("blues") is None
    assert f"Data set 'clips': there is no folder {tmp_path}/clips: correct `data_root`" in found.data.missing("clips")
    assert "correct `datasets.other.data_root`" in found.data.missing("other")


def test_the_labels_of_masks_reach_the_reader(tmp_path):
    pairs = {"kind": "image_mask_pairs", "data_root": str(tmp_path)}
    found = study(chosen=pairs | {"labels": [1, 3]}, all=pairs)
    assert found.data.reading("chosen")["options"]["labels"] == [1, 3]
    assert "labels" not in found.data.reading("all")["options"]


@pytest.mark.parametrize("reader", ["covid_blues", "busi", "butterfly", "simulated_pool", None])
@pytest.mark.parametrize("given", ["ultrasuond", "ultrasuond/deeper", "ultrasuond/COVID-BLUES"])
def test_a_wrong_data_root_is_a_typo_and_nothing_is_made_in_it(tmp_path, reader, given):
    (tmp_path / "ultrasound").mkdir()
    settings = {"reader": reader} if reader else {"kind": "video_folder"}
    found = study(x=settings | {"data_root": str(tmp_path / given)})
    sentence = found.data.missing("x")
    assert sentence.startswith(f"Data set 'x': there is no folder {tmp_path}/ultrasuond")
    assert "correct `datasets.x.data_root` if it has a typo" in sentence
    assert sentence.endswith("; did you mean 'ultrasound'?")
    for fetching, extracting in (({"x"}, set()), (set(), {"x"}), ({"x"}, {"x"})):
        with pytest.raises(UserError, match="if it has a typo"):
            call.check_data(found, fetching, extracting)


def test_the_folder_of_the_studies_that_ship_is_made_by_the_first_fetch(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = study(data_root="data", blues={"reader": "covid_blues"}, mine={"kind": "image_folder"})
    assert found.data.missing("blues") is None
    call.check_data(found, {"blues"}, {"blues"})
    assert "there is no folder data/mine" in found.data.missing("mine")
    own = study(blues={"reader": "covid_blues", "data_root": str(tmp_path / "COVID-BLUES")})
    assert own.data.missing("blues") is None


@pytest.mark.parametrize("results", ["d/results", "d", "d/a/../deep/results", "d/.hidden", "to/results", "d/linked"])
def test_results_in_a_folder_of_data_are_refused(tmp_path, monkeypatch, results):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "d").mkdir()
    (tmp_path / "to").symlink_to("d")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "d/linked").symlink_to(tmp_path / "elsewhere")
    found = study(results=results, clips={"kind": "video_folder", "data_root": "d"})
    with pytest.raises(
        UserError, match=r"^Config: results \(.*\) lies in d, the folder of data set 'clips', so results"
    ):
        begun(found, monkeypatch)


@pytest.mark.parametrize("results", ["old", "old/results of the first call", "old/a/b"])
def test_results_that_a_link_makes_data_are_refused(tmp_path, monkeypatch, results):
    (tmp_path / "d/p1").mkdir(parents=True)
    (tmp_path / "old").mkdir()
    (tmp_path / "d/p1/link").symlink_to(tmp_path / "old")
    clips = {"kind": "video_folder", "data_root": str(tmp_path / "d")}
    with pytest.raises(UserError, match=r"lies in .*/d, the folder of data set 'clips'"):
        begun(study(tmp_path / results, clips=clips), monkeypatch)


def test_results_next_to_data_are_taken(tmp_path, monkeypatch):
    (tmp_path / "d").mkdir()
    (tmp_path / "COVID-BLUES/lus_videos").mkdir(parents=True)
    (tmp_path / "results").mkdir()
    sets = {"clips": {"kind": "video_folder", "data_root": str(tmp_path / "d")}}
    sets["blues"] = {"reader": "covid_blues", "data_root": str(tmp_path)}
    for results in ("results", "results new", "d2"):
        assert begun(study(tmp_path / results, **sets), monkeypatch) == []


def test_a_huge_folder_is_warned_about(tmp_path, monkeypatch):
    monkeypatch.setattr(fingerprint, "MOST_WATCHED", 3)
    for number in range(5):
        (tmp_path / f"{number}.mp4").touch()
    (warning,) = begun(study(clips={"kind": "video_folder", "data_root": str(tmp_path)}), monkeypatch)
    assert warning.startswith(f"Data set 'clips': {tmp_path} holds more than 150,000 files, so changes in it aren't")

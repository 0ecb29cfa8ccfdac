import json
import os

import pytest

from uscl.base.errors import UserError
from uscl.jobs.outcome import Outcome, key_of, lost_files, read_outcome, required, runs_of, write_done, write_failed


def test_an_outcome_names_its_files_with_their_hashes(tmp_path):
    (tmp_path / "a.csv").write_text("abc")
    write_done(tmp_path, "k", ["a.csv"])
    found = read_outcome(tmp_path / "outcome.json")
    assert found.done
    assert (found.key, found.reason) == ("k", None)
    assert found.files == {"a.csv": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}


def test_a_file_that_is_lost_is_noticed(tmp_path):
    (tmp_path / "a.csv").write_text("abc")
    write_done(tmp_path, "k", ["a.csv"])
    assert lost_files(tmp_path / "outcome.json") == []
    (tmp_path / "a.csv").unlink()
    assert lost_files(tmp_path / "outcome.json") == [tmp_path / "a.csv"]
    assert lost_files(tmp_path / "nowhere" / "outcome.json") == []


def test_a_file_that_was_changed_after_its_run_is_noticed_and_one_that_was_only_touched_is_not(tmp_path):
    file = tmp_path / "a.csv"
    file.write_text("abc")
    write_done(tmp_path, "k", ["a.csv"])
    later = (tmp_path / "outcome.json").stat().st_mtime + 1
    os.utime(file, (later, later))
    assert lost_files(tmp_path / "outcome.json") == []
    file.write_text("")
    os.utime(file, (later, later))
    assert lost_files(tmp_path / "outcome.json") == [file]


@pytest.mark.parametrize("text", ["", "{", "[]", json.dumps({"status": "done"}), json.dumps({"odd": 1})])
def test_an_unreadable_outcome_is_none_and_is_named_if_it_is_required(tmp_path, text):
    path = tmp_path / "outcome.json"
    path.write_text(text)
    assert read_outcome(path) is None
    with pytest.raises(UserError, match="is missing or damaged: remove it and run again"):
        required(path)


def test_an_arm_counts_only_with_all_its_seeds(tmp_path):
    paths = []
    for arm in ("a", "b"):
        for seed in (0, 1):
            folder = tmp_path / arm / str(seed)
            folder.mkdir(parents=True)
            write_failed(folder, "k", "NaN") if (arm, seed) == ("b", 0) else write_done(folder, "k", [])
            paths.append(folder / "outcome.json")
    runs = runs_of(paths, ["a", "b"], [0, 1])
    assert runs.arms == ["a"]
    assert runs.done == {("a", 0): tmp_path / "a/0", ("a", 1): tmp_path / "a/1"}
    assert runs.missing == {"b": "seed 0: NaN"}


def test_a_key_depends_on_everything_that_it_is_made_of():
    assert key_of([1, {"a": 2, "b": 3}]) == key_of([1, {"b": 3, "a": 2}])
    assert key_of([1, {"a": 2}]) != key_of([1, {"a": 3}])
    assert Outcome("done", "k") == Outcome("done", "k", None, {}, None)

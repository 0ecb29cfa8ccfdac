"""Files that are read again are those that were written, or are named with the call that makes them again."""

import json
from pathlib import Path

import pytest
from flipped import flip

from uscl.base.errors import DamagedFileError
from uscl.base.files import file_sha256
from uscl.jobs.outcome import required, write_done
from uscl.jobs.recorded import STUDY, check, checked, name_study, recorded, tree_sha256


@pytest.fixture
def results(tmp_path, monkeypatch):
    """A results folder whose call had options, with a job of outputs in two folders."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(STUDY, "")
    name_study(Path("results"), ["--configfile", "my study.yaml"])
    outputs = [Path(f"results/{name}") for name in ("one/a.npy", "two/a.npy", "one/b.csv")]
    for number, path in enumerate(outputs):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"content {number}")
    for name in ("one/a.provenance.json", "two/a.provenance.json"):
        content = {"outputs": {str(path): file_sha256(path) for path in outputs}}
        Path("results", name).write_text(json.dumps(content))
    return outputs


def test_files_that_are_as_they_were_written_pass_with_their_hashes(results):
    assert check(results) == {path: file_sha256(path) for path in results}
    assert [recorded(path).sha256 for path in results] == [file_sha256(path) for path in results]


@pytest.mark.parametrize("number", range(3))
def test_one_flipped_bit_is_named_with_the_call_that_makes_the_file_again(results, number):
    flip(results[number])
    with pytest.raises(DamagedFileError) as error:
        check(results)
    assert str(error.value) == (
        f"{results[number]} isn't as it was written: its SHA-256 differs. Restore it from a copy, or make it again with"
        f" `snakemake {results[number]} --force --configfile 'my study.yaml'`."
    )


def test_all_damaged_files_are_named_at_once(results):
    for path in results[:2]:
        flip(path)
    words = r"results/one/a.npy, results/two/a.npy aren't .* `snakemake results/one/a.npy results/two/a.npy --force"
    with pytest.raises(DamagedFileError, match=words):
        check(results)


def test_a_renamed_results_folder_is_checked_too(results):
    Path("results/one").rename("moved")
    flip(Path("moved/b.csv"))
    with pytest.raises(DamagedFileError, match=r"moved/b\.csv isn't .* a call in the study that it is from"):
        checked(Path("moved/b.csv"))


def test_a_file_without_a_record_is_accepted(results):
    for name in ("one/a.provenance.json", "two/a.provenance.json"):
        Path("results", name).write_text("{")
    flip(results[0])
    assert checked(results[0]) == results[0]


def test_the_files_of_a_run_are_made_again_with_its_outcome_which_is_checked_itself(results):
    folder = Path("results/encoders/simclr/seed0")
    folder.mkdir(parents=True)
    (folder / "encoder.safetensors").write_text("weights")
    write_done(folder, "k", ["encoder.safetensors"])
    outcome = folder / "outcome.json"
    content = {"outputs": {str(outcome): file_sha256(outcome)}}
    (folder / "outcome.provenance.json").write_text(json.dumps(content))
    assert required(outcome).done
    flip(folder / "encoder.safetensors")
    with pytest.raises(DamagedFileError, match=rf"encoder\.safetensors isn't .*`snakemake {outcome} --force"):
        checked(folder / "encoder.safetensors")
    text = outcome.read_text()
    outcome.write_text(text.replace('"done"', '"dooe"'))
    with pytest.raises(DamagedFileError, match=r"outcome\.json isn't as it was written"):
        required(outcome)


def test_a_folder_is_as_it_was_written_if_all_its_files_are(results):
    folder = Path("results/one")
    Path("results/one.provenance.json").write_text(json.dumps({"outputs": {str(folder): tree_sha256(folder)}}))
    assert checked(folder) == folder
    (folder / ".snakemake_timestamp").touch()
    assert checked(folder) == folder
    flip(folder / "b.csv")
    with pytest.raises(DamagedFileError, match="results/one isn't as it was written"):
        checked(folder)

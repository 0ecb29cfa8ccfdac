"""One flipped bit in a result that a later job reads: a sentence names the file and the call that makes it again."""

import re
import shlex
from pathlib import Path

import pytest
from flipped import flip

from tests.chaos.cut_off import last_lines
from tests.chaos.flips import SILENT, Readers, flipped, kind_of, random_flips, table
from tests.chaos.paths import ENCODER, FEATURES, FINETUNE, FRAMES, LINEAR, OUTCOME
from tests.chaos.project import UNTRACKED, copy_of_finished, differences, snakemake
from tests.chaos.studies import errors
from uscl.jobs.recorded import STUDY, name_study

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
FLIPS = 300
SPLITS = "splits/pocus-2x2-seed0.csv"
CASES = "statistics/pocus-linear-labels100/cases.parquet"
# What is flipped, and the file whose job reads it.
READ = {
    "folds": (SPLITS, f"{LINEAR}/{OUTCOME}"),
    "features": (FEATURES, f"{LINEAR}/{OUTCOME}"),
    "frames": (f"{FRAMES}/frames.npy", FEATURES),
    "a manifest": (f"{FRAMES}/manifest.parquet", SPLITS),
    "an encoder": (f"{ENCODER}/encoder.safetensors", f"{FINETUNE}/{OUTCOME}"),
    "predictions": (f"{LINEAR}/predictions.parquet", CASES),
    "an outcome": (f"{LINEAR}/{OUTCOME}", CASES),
    "scores": ("statistics/pocus-linear-labels100/intervals.csv", "table.csv"),
}


@pytest.mark.chaos_short
def test_random_bits_of_a_finished_study(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No flipped bit is used silently: each is detected, harmless, or in a file that no job reads."""
    project = copy_of_finished(folder)
    monkeypatch.chdir(project)
    monkeypatch.setenv(STUDY, "")
    name_study(Path("results"), [])
    readers, verdicts = Readers(project), []
    for path, bit in random_flips(project / "results", FLIPS, seed=19):
        with flipped(path, bit):
            verdicts.append((kind_of(path.relative_to(project / "results")), readers.verdict(path)))
    print(f"\n{table(verdicts)}")
    assert SILENT not in {verdict for _, verdict in verdicts}, table(verdicts)
    assert not differences(project)


@pytest.mark.parametrize("what", READ)
def test_a_call_names_what_has_changed_and_the_call_that_makes_it_again(folder: Path, what: str) -> None:
    """A call stops with one sentence; the call that it names makes the file again, and all bytes are as before."""
    project = copy_of_finished(folder)
    file, target = READ[what]
    (project / "results" / target).unlink()
    path = project / "results" / file
    flip(path, 8 * (path.stat().st_size // 2))
    run = snakemake(project, *UNTRACKED, "--", f"results/{target}")
    assert run.returncode != 0, "the call ended well"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    (sentence,) = errors(run.stdout)
    assert sentence.startswith(f"results/{file} isn't as it was written"), sentence
    again = snakemake(project, *shlex.split(re.search(r"`snakemake (.*)`", sentence)[1]))
    assert again.returncode == 0, f"the call that makes it again failed: {last_lines(again.stdout)}"
    run = snakemake(project, *UNTRACKED)
    assert run.returncode == 0, f"the next call failed: {last_lines(run.stdout)}"
    other = differences(project)
    assert not other, other

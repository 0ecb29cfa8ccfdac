"""Studies that depart from the smallest one, and small sets of pictures for them."""

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml

from tests.chaos.paths import TABLE
from tests.chaos.project import MINUTE, snakemake

Picture = np.ndarray


def study(folder: Path, **changes: Any) -> Path:
    """The smallest study without MLflow and with other settings, written into a folder.

    Nested settings are merged; None takes a setting away, and a dict with "only" stands for itself.
    """
    path = folder / "study.yaml"
    settings = merged(yaml.safe_load(MINUTE.read_text(encoding="utf-8")), {"tracking": "none", **changes})
    path.write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
    return path


def merged(settings: Any, changes: Any) -> Any:
    """Settings with changes, key by key."""
    if not isinstance(changes, Mapping) or not isinstance(settings, Mapping):
        return changes.get("only", changes) if isinstance(changes, Mapping) else changes
    if "only" in changes:
        return changes["only"]
    found = {key: merged(settings.get(key), value) for key, value in changes.items()}
    return {key: value for key, value in {**settings, **found}.items() if value is not None}


def picture(seed: int, side: int = 64) -> Picture:
    """A smooth random grey picture, unlike that of any other seed."""
    coarse = np.random.default_rng(seed).integers(0, 256, (8, 8), np.uint8)
    return cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC)


def flat(grey: int, side: int = 64) -> Picture:
    """A picture of one grey."""
    return np.full((side, side), grey, np.uint8)


def write(folder: Path, pictures: Mapping[str, Picture]) -> None:
    """Pictures as PNG files, by their paths in a folder."""
    for name, content in pictures.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / name), content)


def stopped(project: Path, path: Path, told: str, *words: str, trained: bool = False) -> str:
    """A call stops with one sentence that matches `told`, before any pretraining unless it `trained`; the sentence."""
    run = snakemake(project, *words, study=path)
    sentences = errors(run.stdout)
    assert run.returncode != 0, "the call ended well"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    assert len(sentences) == 1, f"{len(sentences)} sentences were shown: {' / '.join(sorted(sentences))}"
    (sentence,) = sentences
    assert re.search(told, sentence), f"told was: {sentence}"
    assert trained or "Pretraining:" not in run.stdout, "a pretraining had begun"
    return sentence


def worked(project: Path, path: Path, *warnings: str, target: str = TABLE) -> None:
    """A call ends with its target, and warns in these words."""
    run = snakemake(project, target, study=path)
    assert run.returncode == 0, f"the call ended with {run.returncode}: {' / '.join(sorted(errors(run.stdout)))}"
    assert "Traceback" not in run.stdout, "a traceback was shown"
    for warning in warnings:
        assert re.search(warning, run.stdout), f"no warning matches {warning}"
    assert (project / target).stat().st_size > 0, f"{target} is empty"


def errors(said: str) -> set[str]:
    """The sentences that a call reports as errors: those of its jobs, else that of the workflow itself."""
    of_jobs = {line.partition(" ERROR ")[2].strip() for line in said.splitlines() if " ERROR " in line}
    lines = said.splitlines()
    of_workflow = {
        told.strip() for line, told in itertools.pairwise(lines) if line.startswith("WorkflowError") and told.strip()
    }
    return of_jobs or of_workflow

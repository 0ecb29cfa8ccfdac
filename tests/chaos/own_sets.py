"""Studies on a folder of one's own as the pool: what lies in it is up to the fault."""

from collections.abc import Mapping
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pandas as pd

from tests.chaos.project import checkout, snakemake
from tests.chaos.studies import study
from uscl.data.remarks import shape
from uscl.simulator.video import FORMATS, write_video

STORE = "results/frames/mine"
MANIFEST = f"{STORE}/manifest.parquet"
FOLDER = "results/encoders/simclr/seed0"
ENCODER = f"{FOLDER}/outcome.json"


def videos(folder: Path, count: int = 6) -> list[Path]:
    """Sound videos of all formats in a folder: a disc that moves through noise, another in each."""
    folder.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[:48, :64]
    paths = []
    for number in range(count):
        form = FORMATS[number % len(FORMATS)]
        noise = np.random.default_rng(number).integers(0, 60, (8, 48, 64))
        discs = [(np.hypot(rows - 20 - number, columns - 12 - 5 * k) < 6 + number) * 150 for k in range(8)]
        paths.append(folder / f"v{number:02d}{form.suffix}")
        write_video(paths[-1], list((noise + np.stack(discs)).astype(np.uint8)), form, 25)
    return paths


def own_study(folder: Path, root: Path | str, settings: Mapping[str, Any] | None = None, **changes: Any) -> Path:
    """The smallest study with the folder `root` as its pool (and its `settings`), and one quick pretraining on it."""
    own = {"kind": "video_folder", "data_root": str(root)} | dict(settings or {})
    methods = {"only": {"imagenet": {"method": "imagenet"}, "simclr": {"method": "simclr", "epochs": 1}}}
    return study(folder, **({"pool": "mine", "datasets": {"mine": own}, "methods": methods} | changes))


def extracted(folder: Path, *targets: str, **changes: Any) -> tuple[Path, CompletedProcess]:
    """A new project, and the call that makes `targets` (the frame store if none are named) of folder / "own"."""
    project = checkout(folder / "project")
    path = own_study(folder, folder / "own", **changes)
    return project, snakemake(project, *(targets or [MANIFEST]), study=path)


def set_aside(project: Path) -> dict[str, str]:
    """The reason for every file that was set aside."""
    table = pd.read_csv(project / STORE / "problems.csv", keep_default_na=False)
    return dict(table.loc[table["action"] == "set aside", ["file", "reason"]].itertuples(index=False))


def used(project: Path) -> set[str]:
    """The videos in the frame store."""
    return set(pd.read_parquet(project / MANIFEST)["video"])


def well(run: CompletedProcess) -> None:
    """Raise AssertionError for a call that ended badly or showed a traceback."""
    assert run.returncode == 0, f"exit code {run.returncode}: {' / '.join(run.stdout.strip().splitlines()[-4:])}"
    assert "Traceback" not in run.stdout, "a traceback was shown"


def named(project: Path, run: CompletedProcess, bad: Mapping[str, str], good: int) -> None:
    """Exactly `bad` were set aside, each for a reason with these words, and as many videos as `good` were used.

    The screen has a line for each kind of reason, with the name of a file.
    """
    well(run)
    told, read = set_aside(project), used(project)
    other = [name for name in sorted(told.keys() | bad.keys()) if bad.get(name, "?") not in told.get(name, "")]
    assert not other, "; ".join(f"{name}: {told.get(name, 'not named')}" for name in other)
    assert len(read) == good
    for kind in {shape(told[name]) for name in bad}:
        alike = [name for name in bad if shape(told[name]) == kind]
        assert any(name in run.stdout for name in alike), f"none of {', '.join(alike)} is named on the screen"

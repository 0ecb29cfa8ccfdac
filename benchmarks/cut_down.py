"""Parts of the embedded study, computed into a folder of their own."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]


def embedded_study() -> dict[str, Any]:
    """The settings of config/config.yaml."""
    settings: dict[str, Any] = yaml.safe_load((ROOT / "config/config.yaml").read_text(encoding="utf-8"))
    return settings


def compute(study: dict[str, Any], folder: Path, files: Iterable[str], cores: str) -> None:
    """Compute `files` of a study into `folder`, which also gets its settings; what is there isn't computed again.

    Ends the program if Snakemake fails, which has printed why.
    """
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "study.yaml"
    changed = study | {"results": str(folder), "tracking": "none"}
    settings.write_text(yaml.safe_dump(changed, sort_keys=False), encoding="utf-8")
    call = ["snakemake", *(f"{folder}/{file}" for file in files), "--cores", cores, "--configfile", str(settings)]
    if subprocess.run([sys.executable, "-m", *call, "--quiet", "rules", "progress"], cwd=ROOT, check=False).returncode:
        sys.exit(f"{folder} is incomplete: see the messages above.")

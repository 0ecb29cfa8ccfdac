"""The study of a results folder, from its file or from the settings that its runs record."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uscl.base.errors import UserError

if TYPE_CHECKING:
    from uscl.study.study import Study

PROJECT = Path(__file__).parents[2]


def study_of(results: Path, configfile: Path | None) -> "Study":
    """The study whose results are in a folder. Raises UserError if its settings can't be read."""
    from uscl.study.study import Study

    config = read_config(configfile) if configfile else recorded_config(results)
    return Study.from_config(config | {"results": str(results.resolve())}, PROJECT)


def read_config(path: Path) -> dict[str, Any]:
    """The settings in a study's file. Raises UserError if it isn't a mapping in YAML."""
    import yaml

    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path} can't be read: name a study's file with --configfile.") from error
    if not isinstance(config, dict):
        raise UserError(f"{path} holds no settings: name a study's file with --configfile.")
    return config


def recorded_config(results: Path) -> dict[str, Any]:
    """The settings that the newest run in a results folder records. Raises UserError if there is none."""
    records = [*results.glob("encoders/*/*/run.json"), *results.glob("cells/**/run.json")]
    try:
        newest = max(records, key=lambda path: path.stat().st_mtime)
        return dict(json.loads(newest.read_text(encoding="utf-8"))["config"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise UserError(
            f"No finished run in {results} records its settings: name the study's file with --configfile."
        ) from error

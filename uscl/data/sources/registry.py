"""The registry of data sets (config/datasets.yaml): where each is from, its terms, and what it should hold.

Light on purpose (no torch, no pandas, no requests): the workflow reads it at every call.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from uscl.base.errors import UserError


def read_registry(path: Path, schema: Path) -> dict[str, dict[str, Any]]:
    """The entries by name. Raises UserError on the first fault: not to be read, not YAML, or against the schema."""
    try:
        entries: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read ({error}): put the project's file back.") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML ({' '.join(str(error).split())}): mend it.") from error
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    faults = sorted(validator.iter_errors(entries), key=lambda fault: [str(part) for part in fault.absolute_path])
    if faults:
        where = ".".join(str(part) for part in faults[0].absolute_path) or "the top level"
        raise UserError(f"{path}: {where}: {faults[0].message}: mend it.")
    return entries


def how_to_get(name: str, entry: Mapping[str, Any], folder: Path) -> str:
    """One sentence on a set that isn't there: from where to have it by hand, and where it is looked for."""
    return (
        f"Data set '{name}': there is no folder {folder}: {by_hand(entry)} (looked for as {folder}),"
        f" or set datasets.{name}.data_root to where it is."
    )


def by_hand(entry: Mapping[str, Any]) -> str:
    """How to have a set by hand, as a part of a sentence."""
    sentence: str = entry["by_hand"].strip().removesuffix(".")
    return sentence[0].lower() + sentence[1:]

"""Is a study's config sound? Asked before any job runs.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import difflib
import json
from pathlib import Path
from typing import Any

import jsonschema


def config_fault(config: dict[str, Any], schema: Path) -> str | None:
    """One sentence on the first fault of a config, or None where it is sound."""
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    errors = sorted(validator.iter_errors(config), key=lambda error: [str(part) for part in error.absolute_path])
    if errors:
        return schema_fault(errors[0])
    return reference_fault(config)


def schema_fault(error: jsonschema.ValidationError) -> str:
    """What a schema error means to the person who wrote the config."""
    where = ".".join(str(part) for part in error.absolute_path) or "the top level"
    if error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        unknown = next(key for key in error.instance if key not in known)
        near = difflib.get_close_matches(unknown, known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known are {', '.join(known)}."
        return f"Config: unknown key '{unknown}' at {where}; {hint}"
    if error.validator == "type":
        return f"Config: {where} must be of type {error.validator_value}, not {error.instance!r}."
    if error.validator == "oneOf":  # the schema's description says which keys exclude each other
        return f"Config: {where} {error.schema['description']}"
    if error.validator == "maxProperties":
        return f"Config: {where}: the method '{error.instance['method']}' takes no settings."
    return f"Config: {where}: {error.message}."


def reference_fault(config: dict[str, Any]) -> str | None:
    """A name in the config that nothing in it defines."""
    named = {"pool": config["pool"]} | {
        f"tasks.{name}.dataset": task["dataset"] for name, task in config["tasks"].items()
    }
    for key, dataset in named.items():
        if dataset not in config["datasets"]:
            return f"Config: {key} names '{dataset}', but `datasets` has only {', '.join(config['datasets'])}."
    return None

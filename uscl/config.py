"""Is a study's config sound? Asked before any job runs.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import difflib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema


def config_fault(config: dict[str, Any], schema: Path) -> str | None:
    """One sentence on the first fault of a config, or None where it is sound.

    Numbers that were read as text are made numbers first, in place: Snakemake reads nested values of `--config` as
    text, and YAML 1.1 reads 1e-3 so.
    """
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    for error in list(validator.iter_errors(config)):
        if error.validator == "type" and isinstance(error.instance, str):
            value = parsed(error.instance)
            if jsonschema.Draft202012Validator({"type": error.validator_value}).is_valid(value):
                set_at(config, list(error.absolute_path), value)
    errors = sorted(validator.iter_errors(config), key=lambda error: [str(part) for part in error.absolute_path])
    if errors:
        return schema_fault(errors[0])
    return reference_fault(config)


def set_at(config: Any, path: list[str | int], value: Any) -> None:
    """Set the value at a path of keys and positions."""
    for part in path[:-1]:
        config = config[part]
    config[path[-1]] = value


def parsed(text: str) -> int | float | str | None:
    """The number or null that a text stands for, else the text.

    >>> parsed("3"), parsed("1e-3"), parsed("null"), parsed("many")
    (3, 0.001, None, 'many')
    """
    if text in ("null", "~", ""):
        return None
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


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


def describe(schema: dict[str, Any]) -> str:
    """Every key of the schema with its values and its meaning, as a Markdown table."""
    lines = ["| key | value | meaning |", "|---|---|---|"]
    lines += [f"| `{key}` | {values} | {meaning} |" for key, values, meaning in keys(schema)]
    return "\n".join(lines) + "\n"


def keys(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Dotted key, admitted values and meaning of every key below a schema; `NAME` stands for a name of your choice."""
    parts = dict(schema.get("properties", {}))
    if isinstance(schema.get("additionalProperties"), dict):
        parts["NAME"] = schema["additionalProperties"]
    for name, part in parts.items():
        yield f"{prefix}{name}", values(part), part.get("description", "")
        yield from keys(part, f"{prefix}{name}.")


def values(part: dict[str, Any]) -> str:
    """The values that a key admits, in words."""
    if "enum" in part:
        return " or ".join(f"`{value}`" for value in part["enum"])
    kinds = part.get("type", "object")
    return " or ".join("nothing" if kind == "null" else kind for kind in ([kinds] if isinstance(kinds, str) else kinds))

"""Is a study's config sound? Asked before any job runs.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import difflib
import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from uscl.study.contradictions import contradiction

WORDS = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a set of keys",
    "string": "text",
}
NAMES = "use letters, digits and _ only (and don't call a task 'pretrain', which MLflow shows as the encoders' runs)."


def config_fault(config: dict[str, Any], schema: Path) -> str | None:
    """One sentence on the first fault of a config, or None where it is sound.

    Numbers that were read as text are made numbers first, in place: Snakemake reads nested values of `--config` as
    text, and YAML 1.1 reads 1e-3 so.
    """
    validator = jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
    make_integers(config)
    for error in list(validator.iter_errors(config)):
        if error.validator == "type" and isinstance(error.instance, str):
            value = parsed(error.instance)
            if jsonschema.Draft202012Validator({"type": error.validator_value}).is_valid(value):
                set_at(config, list(error.absolute_path), value)
    if fault := plain_fault(config):
        return fault
    errors = sorted(validator.iter_errors(config), key=lambda error: [str(part) for part in error.absolute_path])
    if errors:
        return schema_fault(errors[0])
    return contradiction(config)


def repeated_key(study: Path) -> str | None:
    """One sentence on a key that a study file gives twice: YAML would take the last one without a word."""

    def search(node: yaml.Node | None, where: str) -> str | None:
        if not isinstance(node, yaml.MappingNode):
            return None
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                return f"Config: {study}, line {key.start_mark.line + 1}: '{key.value}' is given twice at {where}."
            seen.add(key.value)
            if fault := search(value, key.value if where == "the top level" else f"{where}.{key.value}"):
                return fault
        return None

    return search(yaml.compose(study.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), "the top level")


def make_integers(config: Any) -> None:
    """Turn whole numbers such as 64.0 into integers, in place: a schema takes them for integers, Python doesn't."""
    for key, value in config.items() if isinstance(config, dict) else enumerate(config):
        if isinstance(value, float) and value.is_integer():
            config[key] = int(value)
        elif isinstance(value, dict | list):
            make_integers(value)


def plain_fault(config: Any, where: str = "the top level") -> str | None:
    """A key that isn't text, or a number that isn't finite: what YAML lets through and a JSON schema doesn't see."""
    if isinstance(config, float) and not math.isfinite(config):
        return f"Config: {where} must be a finite number, not {config}."
    if not isinstance(config, dict | list):
        return None
    items = config.items() if isinstance(config, dict) else enumerate(config)
    for key, value in items:
        if isinstance(config, dict) and not isinstance(key, str):
            return f"Config: the name {key!r} at {where} must be text: put it in quotes or begin it with a letter."
        if fault := plain_fault(value, f"{key}" if where == "the top level" else f"{where}.{key}"):
            return fault
    return None


def set_at(config: Any, path: list[str | int], value: Any) -> None:
    """Set the value at a path of keys and positions."""
    for part in path[:-1]:
        config = config[part]
    config[path[-1]] = value


def parsed(text: str) -> bool | int | float | str | None:
    """The number, truth value or null that a text stands for, else the text.

    >>> parsed("3"), parsed("1e2"), parsed("1e-3"), parsed("True"), parsed("null"), parsed("many")
    (3, 100, 0.001, True, None, 'many')
    """
    if text in ("null", "~", ""):
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for number in (int, float):
        try:
            value = number(text)
        except ValueError:
            continue
        return int(value) if isinstance(value, float) and value.is_integer() else value
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
        kinds = error.validator_value if isinstance(error.validator_value, list) else [error.validator_value]
        given = "nothing" if error.instance is None else repr(error.instance)
        return f"Config: {where} must be {' or '.join(WORDS[kind] for kind in kinds)}, not {given}."
    if error.validator == "oneOf":  # the schema's description says which keys exclude each other
        return f"Config: {where} {error.schema['description']}"
    if error.validator == "pattern" and where == "results":
        return f"Config: results must name a folder of its own, without {{}} and <>, not '{error.instance}'."
    if error.validator in ("pattern", "maxLength") and "propertyNames" in error.absolute_schema_path:
        return f"Config: '{error.instance}' can't be a name in {where}: {NAMES}"
    if error.validator == "enum" and "propertyNames" in error.absolute_schema_path:
        known = ", ".join(name for name in error.validator_value if name != "method")
        return f"Config: {where}: '{error.instance}' has no meaning beside its other settings; there are {known}."
    if error.validator == "required":
        missing = next(key for key in error.validator_value if key not in error.instance)
        return f"Config: '{missing}' is missing at {where}."
    if error.validator in ("minProperties", "minItems"):
        return f"Config: {where} must not be empty."
    if error.validator == "uniqueItems":
        return f"Config: {where} names something twice: {error.instance}."
    if error.validator == "maxProperties":
        return f"Config: {where}: the method '{error.instance['method']}' takes no settings."
    if error.validator == "enum":
        near = difflib.get_close_matches(str(error.instance), map(str, error.validator_value), n=1, cutoff=0.75)
        return f"Config: {where}: {error.message}" + (f"; did you mean '{near[0]}'?" if near else ".")
    return f"Config: {where}: {error.message}."

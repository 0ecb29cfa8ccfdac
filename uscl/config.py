"""Is a study's config sound? Asked before any job runs.

Light on purpose (no torch, no pandas): every `snakemake` call pays for it.
"""

import difflib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import yaml

# The reader of the folder layout in which each kind of set is simulated.
SIMULATED_LAYOUT = {"pool": "simulated_pool", "lung": "covid19_ultrasound", "breast": "busi"}
SHORTEST_POOL_VIDEO = 8  # frames; a shorter one has no room for what the simulator plants
WORDS = {
    "array": "a list",
    "integer": "a whole number",
    "null": "nothing",
    "number": "a number",
    "object": "a set of keys",
    "string": "text",
}
UNTRAINED = ("random", "imagenet")
PROBES = ("linear", "knn")  # regimes on frozen features
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
    return reference_fault(config)


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


def parsed(text: str) -> int | float | str | None:
    """The number or null that a text stands for, else the text.

    >>> parsed("3"), parsed("1e2"), parsed("1e-3"), parsed("null"), parsed("many")
    (3, 100, 0.001, None, 'many')
    """
    if text in ("null", "~", ""):
        return None
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
    return f"Config: {where}: {error.message}."


def reference_fault(config: dict[str, Any]) -> str | None:
    """A name in the config that nothing in it defines."""
    named = {"pool": config["pool"]} | {
        f"tasks.{name}.dataset": task["dataset"] for name, task in config["tasks"].items()
    }
    for key, dataset in named.items():
        if dataset not in config["datasets"]:
            return f"Config: {key} names '{dataset}', but `datasets` has only {', '.join(config['datasets'])}."
    return (
        method_fault(config)
        or evaluation_fault(config)
        or comparison_fault(config)
        or pool_fault(config)
        or simulator_fault(config)
    )


def method_fault(config: dict[str, Any]) -> str | None:
    """Settings of an arm that contradict each other."""
    for name, arm in config["methods"].items():
        if arm.get("weights") == "shuffled" and arm.get("meta", {}).get("update") == "lookahead":
            return (
                f"Config: methods.{name}: `weights: shuffled` needs the published order of updates, and"
                " `meta.update` is lookahead: change one of them."
            )
    return None


def evaluation_fault(config: dict[str, Any]) -> str | None:
    """A task whose settings don't go with its kind."""
    for name, task in config["tasks"].items():
        probes = [regime for regime in task.get("regimes", []) if regime in PROBES]
        if task["kind"] == "segmentation" and probes:
            return f"Config: tasks.{name}.regimes: {probes[0]} is for classification; take finetune or last_block."
        if task["kind"] == "classification" and "decoder" in task:
            return f"Config: tasks.{name}.decoder is for segmentation, and the task's kind is classification."
    regime = config.get("label_fractions", {}).get("regime")
    if regime in PROBES and all(task["kind"] == "segmentation" for task in config["tasks"].values()):
        return f"Config: label_fractions.regime: {regime} is for classification, and the study has no such task."
    return None


def comparison_fault(config: dict[str, Any]) -> str | None:
    """An arm to compare that the study doesn't have."""
    pairs = [arm for pair in config.get("comparisons", []) for arm in pair]
    for key, arms in {"reference": [config.get("reference")], "comparisons": pairs}.items():
        for arm in arms:
            if arm is not None and arm not in config["methods"]:
                return f"Config: {key} names '{arm}', but `methods` has only {', '.join(config['methods'])}."
    return None


def pool_fault(config: dict[str, Any]) -> str | None:
    """Pretraining on the data of a task: nothing of a test fold may be in the pool."""
    if all(method["method"] in UNTRAINED for method in config["methods"].values()):
        return None  # nothing is pretrained
    pool = config["datasets"][config["pool"]]
    for name, task in config["tasks"].items():
        other = config["datasets"][task["dataset"]]
        same_files = "data_root" in pool and (pool["reader"], pool["data_root"]) == (
            other["reader"],
            other.get("data_root"),
        )
        if task["dataset"] == config["pool"] or same_files:
            return f"Config: pool and tasks.{name}.dataset are the same data: its test folds would be pretrained on."
    return None


def simulator_fault(config: dict[str, Any]) -> str | None:
    """A simulated set that its reader can't read, that can't be simulated, or that has no masks for its task."""
    segmented = {task["dataset"] for task in config["tasks"].values() if task["kind"] == "segmentation"}
    for name, dataset in config["datasets"].items():
        if "simulate" not in dataset:
            continue
        kind, frames = dataset["simulate"]["kind"], dataset["simulate"].get("frames", SHORTEST_POOL_VIDEO)
        if dataset["reader"] != SIMULATED_LAYOUT[kind]:
            wanted = SIMULATED_LAYOUT[kind]
            return f"Config: datasets.{name}: a simulated set of kind {kind} takes reader '{wanted}'."
        if kind == "pool" and frames < SHORTEST_POOL_VIDEO:
            return f"Config: datasets.{name}.simulate.frames must be {SHORTEST_POOL_VIDEO} or more for a pool."
        if kind != "breast" and name in segmented:
            return f"Config: datasets.{name} has no masks to segment: of the simulated sets only kind breast has."
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

"""Every setting of a study's file that takes any text, found in the models of the settings, to plant a text there."""

from collections.abc import Iterator
from typing import Any

from uscl.study.schema import StudySettings

# What an entry needs besides, by its model; a method needs its name and, as some text, its own required keys.
ENTRIES: dict[str, dict[str, Any]] = {
    "SimulatedSet": {"reader": "busi", "simulate": {"kind": "breast", "patients": 120}},
    "PublicSet": {"reader": "busi", "data_root": "data"},
    "OwnSet": {"kind": "image_folder", "data_root": "data"},
    "Classification": {"kind": "classification", "dataset": "sim_breast", "regimes": ["linear"]},
    "Segmentation": {
        "kind": "segmentation",
        "dataset": "sim_breast",
        "finetune": {"epochs": 5, "batch_size": 16, "lr": 1e-3},
    },
    "Margin": {"points": 2, "reason": "known"},
    "Primary": {
        "arm": "simclr",
        "reference": "imagenet",
        "tasks": ["busi", "pocus"],
        "regime": "linear",
        "metric": "accuracy",
    },
}
NAMES = {"imagenet_weights": "resnet18"}  # where not every name will do
Step = str | int | dict[str, Any]  # a key, the first place in a list, or what an entry there needs
Way = list[Step]


def text_settings() -> list[Way]:
    """The ways to all settings that take any text."""
    schema = StudySettings.model_json_schema()
    return list(ways(schema, schema["$defs"], []))


def ways(node: Any, models: dict[str, Any], way: Way) -> Iterator[Way]:
    """The ways from a node of the JSON schema to the texts below it."""
    if not isinstance(node, dict):
        return
    if "$ref" in node:
        name = node["$ref"].rpartition("/")[2]
        method = models[name]["properties"].get("method", {}).get("const")
        needed = {key: "x" for key in models[name].get("required", ()) if key != "method"}
        entry = {"method": method} | needed if method else ENTRIES.get(name)
        yield from ways(models[name], models, [*way, entry] if entry else way)
    elif node.get("type") == "string" and not {"enum", "const"} & node.keys():
        yield way
    for member in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        yield from ways(member, models, way)
    for key, value in node.get("properties", {}).items():
        yield from ways(value, models, [*way, key])
    named = [*node.get("patternProperties", {}).values(), node.get("additionalProperties")]
    for value in named:
        yield from ways(value, models, [*way, NAMES.get(str(way[-1]), "planted")] if way else way)
    yield from ways(node.get("items"), models, [*way, 0])


def words(way: Way) -> str:
    """A way in words."""
    return ".".join(str(step) if not isinstance(step, dict) else str(next(iter(step.values()))) for step in way)


def planted(config: Any, way: Way, text: Any) -> Any:
    """A copy of settings with a text at the end of a way.

    >>> planted({"a": 1}, ["b", {"kind": "x"}, "c", 0], "text")
    {'a': 1, 'b': {'kind': 'x', 'c': ['text']}}
    """
    if not way:
        return text
    step, *further = way
    if isinstance(step, dict):
        return planted(step, further, text)
    if step == 0:
        return [planted(None, further, text)]
    settings = dict(config or {})
    return settings | {step: planted(settings.get(step), further, text)}


def without_text(config: Any, way: Way) -> Any:
    """A copy of settings with what `planted` needs for a text, but without it."""
    needed = [place for place, step in enumerate(way) if isinstance(step, dict)]
    return planted(config, way[: needed[-1]], way[needed[-1]]) if needed else config

"""The reference of a study's file, from its models: config/README.md and the JSON schema for editors.

`python -m uscl.study.reference` writes both again.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from uscl.base.files import write_text
from uscl.pretrain.methods import methods
from uscl.study.schema import Classification, OwnSet, PublicSet, Segmentation, SimulatedSet, StudySettings

PROJECT = Path(__file__).parents[2]
README, SCHEMA = PROJECT / "config/README.md", PROJECT / "workflow/schemas/config.schema.json"
HEAD = "| key | value | default | meaning |"
NAMED = {  # keys whose entries have names of the user's choice, with the models that describe an entry
    "datasets": (SimulatedSet, PublicSet, OwnSet),
    "tasks": (Classification, Segmentation),
    "methods": tuple(method.settings for method in methods().values()),
}
WORDS = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "list": "list"}


def table() -> str:
    """Every key of a study's file with its values, its default and its meaning, and the methods, in Markdown."""
    lines = [HEAD, "|---|---|---|---|"]
    lines += [
        f"| `{key}` | {values} | {default} | {meaning} |" for key, values, default, meaning in keys(StudySettings)
    ]
    lines += ["", "## Methods", "", "| method | what it is | cost of a step, in steps of SimCLR |", "|---|---|---|"]
    for name, method in methods().items():
        lines.append(f"| `{name}` | {method.summary} | {method.step_cost if method.trains else 'not trained'} |")
    return "\n".join(lines) + "\n"


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Dotted key, values, default and meaning of every key below a model.

    `NAME` is a name of your choice, `[]` each entry of a list.
    """
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        yield key, values(field), default(field), meaning(field)
        if not prefix and name in NAMED:
            yield from keys_of_entries(f"{key}.NAME.", NAMED[name])
        elif nested := model_in(field.annotation):
            yield from keys(nested, f"{key}[]." if get_origin(field.annotation) is list else f"{key}.")


def keys_of_entries(prefix: str, members: tuple[type[BaseModel], ...]) -> Iterator[tuple[str, str, str, str]]:
    """The keys of all members of a union, each once; a key's meaning names its members, unless all have it."""
    rows: dict[str, dict[tuple[str, str, str], list[str]]] = {}
    names = " or ".join(f"`{label(member)}`" for member in members)
    for member in members:
        for key, *rest in keys(member, prefix):
            if key in (f"{prefix}method", f"{prefix}kind") and chosen(member):
                rest = [names, "-", "What the other keys of the entry are for."]
                if key.endswith(".method"):
                    rest[2] += " Or the path of a file with a method of your own (`./mine.py`)."
            rows.setdefault(key, {}).setdefault(tuple(rest), []).append(label(member))  # type: ignore[arg-type]
    for key, variants in rows.items():
        for (given, usual, meaning), owners in variants.items():
            some = "" if len(owners) == len(members) else f"*{', '.join(owners)}*: "
            yield key, given, usual, some + meaning


def label(member: type[BaseModel]) -> str:
    """The name of a member of a union: the value that chooses it, else its kind of data set."""
    known = {"SimulatedSet": "simulated", "PublicSet": "public", "OwnSet": "own data"}
    return known.get(member.__name__) or chosen(member)[0]


def chosen(member: type[BaseModel]) -> list[str]:
    """The value that chooses a member of a union; none for a data set, which its keys choose."""
    fields = (member.model_fields.get(name) for name in ("method", "kind"))
    return next((choices(field.annotation) for field in fields if field is not None), [])


def values(field: FieldInfo) -> str:
    """The values that a key accepts, in words."""
    if get_origin(field.annotation) is dict:
        return "keys"
    if named := choices(field.annotation) or enumerated(field):
        return " or ".join(f"`{value}`" for value in named)
    kinds = [getattr(part, "__name__", "") for part in (get_origin(field.annotation), *parts(field.annotation))]
    return next((WORDS[kind] for kind in kinds if kind in WORDS), "keys")


def parts(annotation: Any) -> Iterator[Any]:
    """A type and all types that it consists of."""
    yield annotation
    for part in get_args(annotation):
        yield from parts(part)


def meaning(field: FieldInfo) -> str:
    """The description of a key, also if it belongs to a type that several keys share."""
    shared = (part.description for part in parts(field.annotation) if isinstance(part, FieldInfo) and part.description)
    return field.description or next(shared, "")


def choices(annotation: Any) -> list[str]:
    """The values of a Literal, also inside an optional type."""
    literals = (part for part in (annotation, *get_args(annotation)) if get_origin(part) is Literal)
    return [str(value) for literal in literals for value in get_args(literal)]


def enumerated(field: FieldInfo) -> list[str]:
    """The names of a type that is limited to the names of a registry (`uscl.base.settings.one_of`)."""
    schemas = (getattr(part, "json_schema", None) or {} for part in (*field.metadata, *parts(field.annotation)))
    return [name for schema in schemas for name in schema.get("enum", [])]


def default(field: FieldInfo) -> str:
    """The default of a key; a dash if it must be given."""
    if field.is_required():
        return "-"
    usual = field.get_default()
    if usual in (None, [], {}) or isinstance(usual, BaseModel):
        return "nothing"
    return f"`{json.dumps(usual)}`" if not isinstance(usual, str) else f"`{usual}`"


def model_in(annotation: Any) -> type[BaseModel] | None:
    """The model of a nested key, also inside an optional type."""
    if get_origin(annotation) is dict:
        return None
    models = (part for part in parts(annotation) if isinstance(part, type) and issubclass(part, BaseModel))
    return next(models, None)


def schema() -> str:
    """The JSON schema of a study's file."""
    return json.dumps(StudySettings.model_json_schema(), indent=2) + "\n"


if __name__ == "__main__":
    before, _, _ = README.read_text(encoding="utf-8").partition("| key |")
    write_text(README, before + table())
    write_text(SCHEMA, schema())

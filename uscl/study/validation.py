"""Is a study's file sound? The first fault as one sentence: what is wrong, where, and what to do."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from uscl.base.errors import UserError
from uscl.base.settings import LARGEST
from uscl.base.text import nearest
from uscl.pretrain.methods import methods
from uscl.study.contradictions import contradiction
from uscl.study.schema import Classification, OwnSet, PublicSet, Segmentation, SimulatedSet, StudySettings

NAMED = ("datasets", "tasks", "methods")  # keys whose entries are named by the user
MEMBERS: dict[str, dict[str, type[BaseModel]]] = {
    "datasets": {"simulated": SimulatedSet, "public": PublicSet, "own": OwnSet},
    "tasks": {"classification": Classification, "segmentation": Segmentation},
    "methods": {name: method.settings for name, method in methods().items()},
}
EXPECTED = {
    "list_type": "a list",
    "dict_type": "a set of keys",
    "model_type": "a set of keys",
    "model_attributes_type": "a set of keys",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "string_type": "text",
}
LIMITS = {
    "greater_than": ("more than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
    "multiple_of": ("a multiple of", "multiple_of"),
}


def validated(config: dict[str, Any]) -> StudySettings:
    """The settings of a study's file. Raises UserError with one sentence on its first fault."""
    if fault := text_fault(config):
        raise UserError(f"Config: {fault}")
    try:
        settings = StudySettings.model_validate(config)
    except ValidationError as error:
        # A name that can't be one comes first: what is below it hardly matters.
        errors = sorted(error.errors(), key=lambda one: ("[key]" not in one["loc"], *map(str, one["loc"])))
        raise UserError(f"Config: {sentence(errors[0])}") from error
    if fault := contradiction(settings):
        raise UserError(f"Config: {fault}")
    return settings


def check_repeated_keys(study: Path) -> None:
    """Raise UserError for a key that a study's file gives twice: YAML would silently take the last one."""

    def search(node: yaml.Node | None, where: str) -> None:
        if not isinstance(node, yaml.MappingNode):
            return
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                raise UserError(
                    f"Config: {study}, line {key.start_mark.line + 1}: '{key.value}' is given twice at {where}."
                )
            seen.add(key.value)
            search(value, key.value if where == "the top level" else f"{where}.{key.value}")

    search(yaml.compose(study.read_text(encoding="utf-8"), Loader=yaml.SafeLoader), "the top level")


def text_fault(config: Any, where: str = "the top level") -> str | None:
    """A key that isn't text, which YAML allows."""
    if not isinstance(config, dict):
        return None
    for key, value in config.items():
        if not isinstance(key, str):
            return f"the name {key!r} at {where} must be text: put it in quotes or begin it with a letter."
        if fault := text_fault(value, key if where == "the top level" else f"{where}.{key}"):
            return fault
    return None


def sentence(error: ErrorDetails) -> str:
    """An error of pydantic in words for the person who wrote the file."""
    kind, given, context = error["type"], error["input"], error.get("ctx", {})
    path = user_path(error["loc"])
    where = ".".join(map(str, path)) or "the top level"
    if kind == "extra_forbidden":
        return unknown_key(error["loc"])
    if kind == "missing" or kind == "union_tag_not_found":
        parent, key = (path[:-1], path[-1]) if kind == "missing" else (path, context["discriminator"].strip("'"))
        return f"'{key}' is missing at {'.'.join(map(str, parent)) or 'the top level'}."
    if kind == "encoder":
        return f"{where}: {error['msg']}"
    if path and path[-1] == "[key]":
        return f"'{given}' can't be a name in {path[0]}: use letters, digits and _, at most 64, and no _ in front."
    if kind in EXPECTED:
        return f"{where} must be {EXPECTED[kind]}, not {'nothing' if given is None else repr(given)}."
    if kind == "less_than_equal" and context["le"] == LARGEST:
        return f"{where} is more than training can compute with in 32 bits: take {LARGEST:.0e} at most."
    if kind in LIMITS:
        words, key = LIMITS[kind]
        return f"{where} must be {words} {context[key]}, not {given}."
    if kind in ("literal_error", "union_tag_invalid"):
        return choice(where, context, given)
    if kind == "too_short":
        least = context["min_length"]
        return f"{where} must not be empty." if least == 1 else f"{where} must have at least {least} entries."
    if kind == "too_long":
        return f"{where} must have at most {context['max_length']} entries."
    if kind == "string_pattern_mismatch" and where == "results":
        return f"results must name a folder of its own, without {{}} and <>, not '{given}'."
    text = error["msg"].removeprefix("Value error, ").removesuffix(".")
    if kind == "needed":
        return f"{where}.{text}."
    return f"{where}: {text}." if kind == "regimes" else f"{where} {text}."


def user_path(place: Iterable[str | int]) -> list[str | int]:
    """The keys that lead to an error, without the name that pydantic adds for the member of a union."""
    path = list(place)
    if len(path) > 2 and path[2] in MEMBERS.get(str(path[0]), ()):
        del path[2]
    return path


def choice(where: str, context: dict[str, Any], given: Any) -> str:
    """A sentence about a value that isn't among the known ones, with the nearest of them."""
    known = context.get("expected_tags") or context["expected"].replace(" or ", ", ")
    if "tag" in context:
        where, given = f"{where}.{context['discriminator'].strip(chr(39))}", context["tag"]
    names = [name.strip().strip("'") for name in known.split(",")]
    return f"{where}: {given!r} is not one of {', '.join(names)}{nearest(given, names)}"


def unknown_key(place: Sequence[str | int]) -> str:
    """A sentence about an unknown key, with the nearest known one or with the entries that it belongs to."""
    *parents, key = user_path(place)
    if len(parents) == len(place) - 1 and len(parents) > 1 and parents[0] == "methods":  # no member of the union
        return f"{'.'.join(map(str, parents))}: the file of its method declares no setting '{key}'."
    where, known = ".".join(map(str, parents)) or "the top level", model_at(place[:-1]).model_fields
    if len(parents) == 2 and parents[0] in NAMED:
        members = MEMBERS[str(parents[0])]
        owners = [name for name, member in members.items() if key in member.model_fields]
        if owners:
            return f"{where}: '{key}' belongs to {', '.join(owners)}, not to {place[2]}: remove it."
    hint = nearest(key, known)
    return f"unknown key '{key}' at {where}" + (f"; known are {', '.join(known)}." if hint == "." else hint)


def model_at(place: Sequence[str | int]) -> type[BaseModel]:
    """The model that describes the keys at a place; the place names the members of unions as pydantic does."""
    model: type[BaseModel] = StudySettings
    if len(place) > 2 and place[0] in NAMED:
        model, place = MEMBERS[str(place[0])][str(place[2])], place[3:]
    for key in (key for key in place if isinstance(key, str)):  # a number is a place in a list
        field = model.model_fields[key].annotation
        model = next(
            part for part in (field, *get_args(field)) if isinstance(part, type) and issubclass(part, BaseModel)
        )
    return model

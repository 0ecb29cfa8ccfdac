"""Whatever a study's file holds, it is sound, or one sentence says what isn't."""

import copy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from uscl.base.errors import UserError
from uscl.study.validation import validated

ROOT = Path(__file__).parents[3]
STUDIES = {name: yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()) for name in ("config", "public", "paper")}

names = st.sampled_from(
    [
        "",
        "untrained",
        "random",
        "meta_uscl",
        "oracle",
        "pool",
        "sim_pool",
        "method",
        "all",
        "../..",
        "a b",
        "é",
        "$(touch x)",
    ]
)
leaves = st.one_of(
    *(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), names),
    st.sampled_from([0, -1, 2**63, 1e308, float("nan"), "1e-3", "True", "9" * 5000, "nan", "inf", "null", "(" * 50]),
)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.one_of(names, st.integers()), inner, max_size=3),
    max_leaves=6,
)


def places(node, path=()):
    """The paths to everything in a config."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def changed(config, path, how, value):
    """Set, remove, rename or double what is at a path."""
    node = config
    for part in path[:-1]:
        node = node[part]
    if how == "set":
        node[path[-1]] = value
    elif how == "remove":
        del node[path[-1]]
    elif how == "add" and isinstance(node, dict):
        node[value if isinstance(value, str | int | float) else str(value)] = copy.deepcopy(node[path[-1]])
    elif how == "add":
        node.append(value)


def fault_of(config):
    """What is wrong with a config; None if it is sound."""
    try:
        validated(config)
    except UserError as error:
        return str(error)
    return None


@st.composite
def configs(draw):
    """One of the studies with one to four changes."""
    config = copy.deepcopy(STUDIES[draw(st.sampled_from(sorted(STUDIES)))])
    for _ in range(draw(st.integers(1, 4))):
        if found := list(places(config)):
            path = draw(st.sampled_from(found))
            changed(config, path, draw(st.sampled_from(["set", "set", "remove", "add"])), draw(values))
    return config


@given(configs())
def test_a_changed_study_is_sound_or_has_one_sentence(config):
    fault = fault_of(config)
    assert fault is None or (fault.startswith("Config: ") and "\n" not in fault.strip()), fault


@given(st.dictionaries(st.sampled_from(sorted(STUDIES["config"])), values, max_size=8))
def test_a_study_of_anything_has_one_sentence(config):
    fault = fault_of(config)
    assert fault is not None
    assert fault.startswith("Config: ")


@pytest.mark.parametrize("name", STUDIES)
def test_the_studies_themselves_are_sound(name):
    assert fault_of(copy.deepcopy(STUDIES[name])) is None

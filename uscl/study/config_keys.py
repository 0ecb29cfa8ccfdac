"""The settings of a study for readers: every key of the config's schema, as config/README.md has them.

`python -m uscl.study.config_keys` writes the table of config/README.md anew.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from uscl.base.files import write_text

PROJECT = Path(__file__).parents[2]
HEAD = "| key | value | meaning |"


def describe(schema: dict[str, Any]) -> str:
    """Every key of the schema with its values and its meaning, as a Markdown table."""
    lines = [HEAD, "|---|---|---|"]
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


if __name__ == "__main__":
    readme = PROJECT / "config/README.md"
    schema = json.loads((PROJECT / "workflow/schemas/config.schema.json").read_text(encoding="utf-8"))
    before, _, _ = readme.read_text(encoding="utf-8").partition(HEAD)
    write_text(readme, before + describe(schema))

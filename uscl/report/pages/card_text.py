"""The words of a data card: where a set comes from, and names and sentences from outside as Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

EXAMPLES = 3


def origin(entry: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> list[str]:
    """Source, version, licence and citation, and how the files were had."""
    if entry is None:
        return [had(settings)]
    licence = entry["licence"]
    lines = {
        "Source": entry["source"],
        "Version": entry["version"],
        "Licence": " ".join(filter(None, [licence["name"], f"({licence['url']})" if licence["url"] else ""])),
        "It forbids": listed(licence["forbids"]),
        "Cite": entry["citation"],
        "DOI": entry.get("doi"),
        "By hand": entry.get("by_hand"),
    }
    return [*(f"{title}: {plain(str(text))}" for title, text in lines.items() if text), had(settings)]


def listed(texts: str | Sequence[str] | None) -> str:
    """One text or several as one."""
    return texts if isinstance(texts, str) else ", ".join(texts or ())


def had(settings: Mapping[str, Any]) -> str:
    """How the files came to be where they are."""
    folder, record = code(str(settings["folder"])), settings.get("record")
    if settings.get("simulate"):
        told = ", ".join(f"{key} {value}" for key, value in settings["simulate"].items())
        return f"Had: drawn by the simulator into {folder} ({plain(told)})"
    if not record or not record["fetched"]:
        return f"Had: found in {folder}, as it was there; nothing was downloaded"
    files = "; ".join(
        f"{plain(file['url'])} ({file['size'] / 1e6:.1f} MB, SHA-256 `{file['sha256']}`)" for file in record["files"]
    )
    return f"Had: downloaded into {folder} from {files}"


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def indented(lines: Sequence[str]) -> str:
    """A Markdown list within a list."""
    return "\n".join(f"  - {line}" for line in lines)


def shortened(lines: Sequence[str], most: int) -> list[str]:
    """The first lines, and a last one on how many more there are."""
    more = [f"and {len(lines) - most} more"] if len(lines) > most else []
    return [*lines[:most], *more]


def some(names: Sequence[str]) -> str:
    """The first few of some names, as code.

    >>> some(["a.png", "b.png", "c.png", "d.png"])
    '`a.png`, `b.png`, `c.png` and 1 more'
    """
    more = f" and {len(names) - EXAMPLES} more" if len(names) > EXAMPLES else ""
    return ", ".join(code(name) for name in names[:EXAMPLES]) + more


def code(name: str) -> str:
    """A name as Markdown code, also one that has backticks or line breaks.

    >>> code("a`b.png")
    '`` a`b.png ``'
    """
    name = re.sub(r"\s+", " ", name)
    longest = max(map(len, re.findall("`+", name)), default=0)
    room = " " if longest else ""
    return f"{'`' * (longest + 1)}{room}{name}{room}{'`' * (longest + 1)}"


def plain(text: str) -> str:
    r"""Text from outside as one line of Markdown that means nothing but itself.

    >>> print(plain("a <b>|*c*"))
    a \<b>\|\*c\*
    """
    return re.sub(r"([\\`*<\[\]|])", r"\\\1", re.sub(r"\s+", " ", text))

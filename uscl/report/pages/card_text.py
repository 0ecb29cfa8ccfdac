"""The text of a data card: the origin of a data set, and names and sentences from outside as Markdown."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

EXAMPLES = 3


def origin(entry: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> list[str]:
    """Source, version, licence and citation, and how the files were obtained."""
    if entry is None:
        return [obtained(settings)]
    licence = entry["licence"]
    lines = {
        "Source": entry["source"],
        "Version": entry["version"],
        "Licence": " ".join(filter(None, [licence["name"], f"({licence['url']})" if licence["url"] else ""])),
        "The licence forbids": listed(licence["forbids"]),
        "Cite": entry["citation"],
        "DOI": entry.get("doi"),
        "By hand": entry.get("by_hand"),
    }
    return [*(f"{title}: {plain(str(text))}" for title, text in lines.items() if text), obtained(settings)]


def listed(texts: str | Sequence[str] | None) -> str:
    """One text, or several joined by commas."""
    return texts if isinstance(texts, str) else ", ".join(texts or ())


def obtained(settings: Mapping[str, Any]) -> str:
    """How the files came into their folder."""
    folder, record = code(str(settings["folder"])), settings.get("record")
    if settings.get("simulate"):
        simulation = ", ".join(f"{key} {value}" for key, value in settings["simulate"].items())
        return f"Obtained: simulated into {folder} ({plain(simulation)})"
    if not record or not record["fetched"]:
        return f"Obtained: already in {folder}; nothing was downloaded"
    files = "; ".join(
        f"{plain(file['url'])} ({file['size'] / 1e6:.1f} MB, SHA-256 `{file['sha256']}`)" for file in record["files"]
    )
    return f"Obtained: downloaded into {folder} from {files}"


def bullets(lines: Iterable[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {line}" for line in lines)


def indented(lines: Sequence[str]) -> str:
    """A Markdown list within a list."""
    return "\n".join(f"  - {line}" for line in lines)


def shortened(lines: Sequence[str], most: int) -> list[str]:
    """The first lines, and a last line with the number of the others."""
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
    """A name as Markdown code, even if it has backticks or line breaks.

    >>> code("a`b.png")
    '`` a`b.png ``'
    """
    name = re.sub(r"\s+", " ", name)
    longest = max(map(len, re.findall("`+", name)), default=0)
    room = " " if longest else ""
    return f"{'`' * (longest + 1)}{room}{name}{room}{'`' * (longest + 1)}"


def plain(text: str) -> str:
    r"""Text from outside as one line of Markdown, escaped so that it is shown literally.

    >>> print(plain("a <b>|*c*"))
    a \<b>\|\*c\*
    """
    return re.sub(r"([\\`*<\[\]|])", r"\\\1", re.sub(r"\s+", " ", text))

"""The part of a file that has come so far: NAME.part, with a note on what it is a part of in NAME.part.json.

The note names the address and the version there, so that no file is made of two.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from uscl.base.files import write_text

log = logging.getLogger(__name__)


def resumption(url: str, part: Path) -> dict[str, str]:
    """The headers that ask for the rest of `part`, none unless it's of this address and of a version that is known."""
    try:
        note = json.loads(note_of(part).read_text(encoding="utf-8"))
        if note["url"] == url and note["version"] and length(part):
            return {"Range": f"bytes={length(part)}-", "If-Range": note["version"]}
    except (OSError, ValueError, KeyError, TypeError):
        log.debug("%s: no usable note", part)
    return {}


def begin(url: str, part: Path, headers: Mapping[str, str]) -> None:
    """An empty `part`, with a note on what it will be a part of. Weak ETags can't tell whether bytes are the same."""
    forget(part)
    etag = headers.get("ETag", "")
    version = etag if etag.startswith('"') else headers.get("Last-Modified", "")
    write_text(note_of(part), json.dumps({"url": url, "version": version}) + "\n")


def forget(part: Path) -> None:
    """Delete a part and its note."""
    part.unlink(missing_ok=True)
    note_of(part).unlink(missing_ok=True)


def note_of(part: Path) -> Path:
    """Where the note on a part lies."""
    return part.with_name(f"{part.name}.json")


def length(path: Path) -> int:
    """Size in bytes, 0 of what doesn't exist."""
    return path.stat().st_size if path.exists() else 0

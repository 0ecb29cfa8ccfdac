"""The part of a file that has been downloaded so far: NAME.part, with a note about its origin in NAME.part.json.

The note names the address and the file's version there, so that two versions are never combined into one file.
"""

import json
import logging
from collections.abc import Mapping
from pathlib import Path

from uscl.base.files import write_text
from uscl.base.redaction import redacted

log = logging.getLogger(__name__)


def resumption(url: str, part: Path) -> dict[str, str]:
    """The headers that request the rest of `part`; none unless it comes from this address and its version is known."""
    try:
        note = json.loads(note_of(part).read_text(encoding="utf-8"))
        if note["url"] == redacted(url) and note["version"] and length(part):
            return {"Range": f"bytes={length(part)}-", "If-Range": note["version"]}
    except (OSError, ValueError, KeyError, TypeError):
        log.debug("%s: no usable note", part)
    return {}


def begin(url: str, part: Path, headers: Mapping[str, str]) -> None:
    """Start an empty `part` with a note about its origin. Weak ETags are ignored: they don't identify exact bytes."""
    forget(part)
    etag = headers.get("ETag", "")
    version = etag if etag.startswith('"') else headers.get("Last-Modified", "")
    write_text(note_of(part), json.dumps({"url": redacted(url), "version": version}) + "\n")


def forget(part: Path) -> None:
    """Delete a part and its note."""
    part.unlink(missing_ok=True)
    note_of(part).unlink(missing_ok=True)


def note_of(part: Path) -> Path:
    """The path of the note about a part."""
    return part.with_name(f"{part.name}.json")


def length(path: Path) -> int:
    """Size in bytes; 0 if the file doesn't exist."""
    return path.stat().st_size if path.exists() else 0

"""The registry of data sets (config/datasets.yaml): the source of each, its terms, and its expected content.

Imports nothing heavy, since the workflow reads it in every call.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, TypeAdapter, ValidationError

from uscl.base.errors import UserError
from uscl.base.redaction import has_credentials
from uscl.base.settings import Once, Settings

Text = Annotated[str, Field(min_length=1)]
Address = Annotated[str, Field(pattern="^https://[^ ]+$")]
Count = Annotated[int | None, Field(ge=0, strict=True)]


class Archive(Settings):
    """An archive that can be downloaded, a zip or tar."""

    name: Annotated[
        str,
        Field(
            pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$",
            description="Its file name, here and on a mirror; no other set has an archive of this name.",
        ),
    ]
    urls: Annotated[
        list[Address], Once, Field(min_length=1, description="Addresses, in the order in which they are tried.")
    ]
    size: Annotated[int | None, Field(ge=1, description="Its size in bytes, null if it isn't fixed.")]
    sha256: Annotated[
        str | None,
        Field(
            pattern="^[0-9a-f]{64}$",
            description="Its SHA-256; null if it is not published, and then the hash of the first download counts.",
        ),
    ]


class Licence(Settings):
    """The terms of a set."""

    name: Annotated[Text, Field(description="The licence's name, or words if there are several or none.")]
    url: Annotated[Address | None, Field(description="Its text.")]
    forbids: Annotated[Text | None, Field(description="What it forbids; null if nothing.")]


class Expected(Settings):
    """The content of a complete copy, as the reader counts it; null if unknown."""

    videos: Annotated[Count, Field(description="Videos.")]
    images: Annotated[Count, Field(description="Still images.")]
    groups: Annotated[Count, Field(description="Groups.")]
    frames: Annotated[Count, Field(description="Frames of all videos and images.")]
    classes: Annotated[
        dict[str, Annotated[int, Field(ge=0)]], Field(description="Files by class; empty for unlabelled sets.")
    ]
    tolerance: Annotated[float, Field(ge=0, lt=1, description="The share by which each count may be off.")]


class Entry(Settings):
    """A data set; its name is that of its reader, or `simulator`."""

    title: Annotated[Text, Field(description="What it is, on one line.")]
    version: Annotated[Text, Field(description="The version that the project was written against.")]
    source: Annotated[Text, Field(description="Its page, or a folder of this project.")]
    files: Annotated[
        list[Archive], Field(max_length=1, description="The archive to download; none if users get the set by hand.")
    ]
    by_hand: Annotated[Text | None, Field(description="A sentence: where to get it by hand and where to put it.")]
    licence: Annotated[Licence, Field(description="Its terms.")]
    citation: Annotated[Text, Field(description="What to cite.")]
    doi: Annotated[str | None, Field(pattern=r"^10\.[0-9]{4,9}/[^ ]+$", description="The DOI of what to cite.")]
    group: Annotated[Text, Field(description="What a group is; a group is never split between training and test.")]
    defects: Annotated[list[Text], Once, Field(description="Known defects, each a sentence.")]
    expected: Annotated[Expected | None, Field(description="The content of a complete copy.")]
    used_for: Annotated[
        list[Literal["pool", "pocus", "busi", "segmentation", "classification"]],
        Once,
        Field(min_length=1, description="The roles that it can have in a study."),
    ]
    on_leak: Annotated[
        Literal["stop", "group"],
        Field(description="What happens to a leak between two groups, unless the study says otherwise."),
    ]


def read_registry(path: Path) -> dict[str, dict[str, Any]]:
    """The entries by name. Raises UserError on the first fault: not readable, not YAML, or not an entry."""
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
        known = TypeAdapter(dict[str, Entry]).validate_python(entries)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read ({error}): restore the project's file.") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is not YAML ({' '.join(str(error).split())}): fix it.") from error
    except ValidationError as error:
        fault = min(error.errors(), key=lambda one: [str(part) for part in one["loc"]])
        where = ".".join(str(part) for part in fault["loc"]) or "the top level"
        raise UserError(f"{path}: {where}: {fault['msg']} (it is {fault['input']!r}): fix it.") from error
    for name, entry in known.items():
        if any(has_credentials(url) for file in entry.files for url in file.urls):
            raise UserError(
                f"{path}: an address of {name} holds a user, password or token, which would end up in records: put them"
                " into ~/.netrc (machine HOST login USER password PASSWORD), which downloads read."
            )
    return {name: entry.given() for name, entry in known.items()}


def how_to_get(name: str, entry: Mapping[str, Any], folder: Path) -> str:
    """One sentence about a missing set: how to get it by hand, and where it is expected."""
    return (
        f"Data set '{name}': there is no folder {folder}: {by_hand(entry)} (expected in {folder}),"
        f" or set datasets.{name}.data_root to its folder."
    )


def by_hand(entry: Mapping[str, Any]) -> str:
    """How to get a set by hand, as part of a sentence."""
    sentence: str = entry["by_hand"].strip().removesuffix(".")
    return sentence[0].lower() + sentence[1:]

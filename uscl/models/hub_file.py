"""Weights on Hugging Face's hub, as `hf-hub:OWNER/NAME@REVISION/FILE`: downloaded once, of one revision, by hash."""

import os
import re
from pathlib import Path

from uscl.base.errors import UserError
from uscl.base.files import file_sha256

HUB = "hf-hub:"
ADDRESS = re.compile(rf"{HUB}(?P<repo>[\w.-]+/[\w.-]+)@(?P<revision>[0-9a-f]{{40}})/(?P<file>[\w./-]+)")


def on_hub(checkpoint: str) -> bool:
    """Whether a checkpoint is one on the hub, and not a path."""
    return checkpoint.startswith(HUB)


def address_fault(checkpoint: str, sha256: str | None) -> str | None:
    """What is wrong with the name of a checkpoint, as the end of a sentence; None if nothing is.

    >>> address_fault("hf-hub:me/mine/model.pth", None)[:38]
    'is not hf-hub:OWNER/NAME@REVISION/FILE'
    """
    if not on_hub(checkpoint):
        return None
    if not ADDRESS.fullmatch(checkpoint):
        return (
            "is not hf-hub:OWNER/NAME@REVISION/FILE: name the whole commit (40 digits) as revision, since a branch may"
            " change"
        )
    return None if sha256 else "is on a hub, so `sha256` must name the hash of the file (its page on the hub shows it)"


def local_file(checkpoint: str, sha256: str | None) -> Path:
    """The file of a checkpoint: a path, or downloaded from the hub into its cache.

    Raises UserError if it can't be had, or has another hash.
    """
    path = downloaded(checkpoint) if on_hub(checkpoint) else Path(checkpoint).expanduser()
    if not path.is_file():
        raise UserError(f"The checkpoint {path} doesn't exist: correct `checkpoint`.")
    if sha256 is not None and (found := file_sha256(path)) != sha256.lower():
        raise UserError(
            f"{checkpoint} has the SHA-256 {found}, but `sha256` says {sha256}: it is another file than the one that is"
            " meant; correct `checkpoint` or `sha256`."
        )
    return path


def downloaded(checkpoint: str) -> Path:
    """The file in the hub's cache."""
    from huggingface_hub import hf_hub_download  # late: only a checkpoint on the hub needs it
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    found = ADDRESS.fullmatch(checkpoint)
    assert found, "checked when the study is planned"
    try:
        return Path(hf_hub_download(found["repo"], found["file"], revision=found["revision"]))
    except (OSError, HfHubHTTPError, LocalEntryNotFoundError) as error:
        endpoint = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
        address = f"{endpoint}/{found['repo']}/resolve/{found['revision']}/{found['file']}"
        raise UserError(
            f"{checkpoint} can't be downloaded from {address} ({type(error).__name__}): without a network, get this"
            " file by hand and name its path as `checkpoint`; if it needs a login, set HF_TOKEN."
        ) from error

"""The commit of the code: that of the project's own repository, or the one that an archive of it carries, or unknown.

A repository around the project, or one that the environment names, is another project's.
"""

import os
import subprocess
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
ARCHIVED = ".git_archival.txt"  # git writes the commit into it when it makes an archive (see .gitattributes)
CODE = ("uscl", "workflow")  # a new file here can change what is computed
UNKNOWN = "unknown"
HASH_LENGTHS = (40, 64)  # digits of SHA-1 and of SHA-256


class Commit(NamedTuple):
    """The hash of a commit, or UNKNOWN; whether files differ from it, None if that can't be seen."""

    name: str
    dirty: bool | None = None

    def __str__(self) -> str:
        """The hash, with `-dirty` if files differ from it."""
        return f"{self.name}-dirty" if self.dirty else self.name


def commit() -> Commit:
    """The project's commit. A changed file that git tracks makes it dirty, and so does a new file among the code."""
    top, name = git("rev-parse", "--show-toplevel", "HEAD", lines=2)
    if name and os.path.realpath(top) == os.path.realpath(PROJECT):
        changed = git("status", "--porcelain", "--untracked-files=no", lines=1)
        new = git("ls-files", "--others", "--exclude-standard", "--", *CODE, lines=1)
        return Commit(name, bool(changed[0] or new[0]))
    return Commit(archived() or UNKNOWN)


def unknown_commit() -> str | None:
    """A sentence for a call whose results can't name their commit; None if they can."""
    if commit().name != UNKNOWN:
        return None
    return (
        f"The commit of the code is unknown: {PROJECT} is neither a git checkout nor an archive of one. Provenance"
        " files name the hash of the code instead."
    )


def git(*words: str, lines: int) -> list[str]:
    """The first lines that git prints in the project, padded with empty ones; nothing if it fails or isn't installed.

    Variables such as GIT_DIR don't count, and neither does another owner of the checkout.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    command = ["git", "-C", str(PROJECT), "-c", f"safe.directory={os.path.realpath(PROJECT)}", *words]
    try:
        run = subprocess.run(command, capture_output=True, text=True, check=True, env=own | {"GIT_OPTIONAL_LOCKS": "0"})
    except (OSError, subprocess.CalledProcessError):
        return [""] * lines
    return [*run.stdout.splitlines()[:lines], *[""] * lines][:lines]


def archived() -> str:
    """The commit in the file that an archive carries; empty if there is none, or if no archive was made of it."""
    try:
        found = (PROJECT / ARCHIVED).read_text(encoding="utf-8").strip()
    except OSError:
        return ""
    return found if len(found) in HASH_LENGTHS and set(found) <= set("0123456789abcdef") else ""

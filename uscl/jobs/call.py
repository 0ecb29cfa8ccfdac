"""One working call at a time per results folder, whatever it makes: two calls could delete each other's files.

The mark is a file that is created exclusively, which also works on file systems without locks. A killed call leaves
its mark; `snakemake --unlock` removes it. Imports nothing heavy, since every `snakemake` call imports this.
"""

import atexit
import json
import os
import platform
import shlex
import sys
import time
from pathlib import Path

from uscl.base.errors import UserError

MARK = ".call.json"


def take_call(results: Path) -> None:
    """Reserve a results folder for this call until the process exits. Raises UserError if another call holds it."""
    mark, text = results / MARK, described()
    try:
        results.mkdir(parents=True, exist_ok=True)
        create(mark, text)
    except FileExistsError as error:
        if not results.is_dir():
            raise UserError(f"{results} isn't a folder: set `results` to another path.") from error
        raise UserError(in_use(mark)) from error
    except OSError as error:
        raise UserError(f"{mark} can't be written ({error.strerror}): check the disk and its permissions.") from error
    atexit.register(release, mark, text, os.getpid())


def described() -> str:
    """The content of this call's mark."""
    start = time.strftime("%Y-%m-%d %H:%M:%S")
    return json.dumps({"host": platform.node(), "pid": os.getpid(), "start": start, "folder": str(Path.cwd())})


def create(mark: Path, text: str) -> None:
    """Create a mark that doesn't exist yet. Raises OSError, and removes a mark that it can't write in full."""
    with mark.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            mark.unlink()
            raise


def in_use(mark: Path) -> str:
    """One sentence that names the holder of the folder and says what to do."""
    return (
        f"{mark.parent} is in use by another call, {holder(mark)}: wait until it ends, or, if it was killed, clear its"
        f" mark with `{unlock_command()}`."
    )


def holder(mark: Path) -> str:
    """A description of the call that made a mark."""
    try:
        call = json.loads(mark.read_text(encoding="utf-8"))
        return f"process {call['pid']} on {call['host']} since {call['start']} in {call['folder']}"
    except (OSError, ValueError, LookupError, TypeError):
        return f"whose mark {mark} can't be read"


def unlock_command() -> str:
    """This call's own command with `--unlock`, so that it reads the same config."""
    return shlex.join(["snakemake", "--unlock", *sys.argv[1:]])


def release(mark: Path, text: str, pid: int) -> None:
    """Remove this process's mark, unless it was cleared and another call has since made its own."""
    if os.getpid() != pid:  # a forked child
        return
    try:
        if mark.read_text(encoding="utf-8") == text:
            mark.unlink()
    except OSError:
        return


def clear(results: Path) -> None:
    """Remove the mark, no matter which call made it; for `snakemake --unlock`."""
    (results / MARK).unlink(missing_ok=True)

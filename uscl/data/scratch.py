"""Arrays on a disk of this machine: training reads frames in random order, at which network disks are slow.

The environment variable USCL_SCRATCH names a folder there, such as the temporary folder of a cluster's job. An array is
copied into it once, for all jobs that come to the same folder; a changed array is another copy.
"""

import hashlib
import os
import shutil
from pathlib import Path

from uscl.base.errors import UserError
from uscl.base.files import written
from uscl.base.locks import locked

SCRATCH = "USCL_SCRATCH"


def on_scratch(path: Path) -> Path:
    """The copy of a file in the scratch folder; without one, or without the file, the path itself. Raises UserError."""
    folder = os.environ.get(SCRATCH)
    if not folder or not path.exists():
        return path
    status = path.stat()
    version = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
    copy = Path(folder, f"{hashlib.sha256(version.encode()).hexdigest()[:16]}-{path.name}")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with locked(copy.with_suffix(".lock")):
            if not copy.exists():
                with written(copy) as partial:
                    shutil.copyfile(path, partial)
    except OSError as error:
        raise UserError(
            f"{path} can't be copied to {copy.parent}, which {SCRATCH} names ({error.strerror}):"
            " free space there, or unset it."
        ) from error
    return copy

"""Bringing the MLflow store up to the result files: what it lacks is logged, what failed too.

`python -m uscl.tracking.sync --results FOLDER --study NAME [--address URI]` logs failed attempts alone, for the end of
a call that failed.
"""

import argparse
import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any

from uscl.base.errors import UserError
from uscl.base.files import write_text
from uscl.jobs.attempts import failed_runs
from uscl.tracking.address import is_own_store, local_store, store_address
from uscl.tracking.track import attempted, forget_unavailable, quiet, reason_of

log = logging.getLogger("uscl")


def sync(results: Path, configured: str | None, study: str) -> str:
    """Log all that the store lacks and say what was done. Raises UserError where the store can't be had."""
    from uscl.tracking.store import mended

    quiet()
    try:
        address = store_address(results, configured)
        moved = mended(local_store(results)) if is_own_store(results, configured) else None
        if moved:
            log.warning("%s", moved)
        finished = sync_finished(results, address, study)
        failed = sync_failed(results, address, study)
    except Exception as error:  # of any kind and from any package: the store is what it's about
        raise UserError(
            f"MLflow can't be had ({reason_of(error)}): nothing is lost; run `snakemake sync_tracking` when it's there."
        ) from error
    forget_unavailable(results)
    return (
        f"MLflow: {finished['logged']} encoders and cells logged, {finished['there']} were there already;"
        f" {failed['logged']} failed runs logged, {failed['there']} were there already."
    )


def sync_finished(results: Path, address: str, study: str) -> Counter[str]:
    """Log encoders and cells from their folders, and leave behind what their own jobs would have."""
    from uscl.tracking.read_runs import cell_run, encoder_run, finished_folders

    done: Counter[str] = Counter()
    for folder, out in finished_folders(results):
        run = cell_run(folder) if out.parent.name == "cells" else encoder_run(folder)
        ids, new = log_one(address, study, run)
        done["logged" if new else "there"] += 1
        text = json.dumps({"runs": ids}, indent=2) + "\n"
        # What was never left behind is left to the job itself.
        if out.exists() and out.read_text(encoding="utf-8") != text:
            write_text(out, text)
    return done


def sync_failed(results: Path, address: str, study: str) -> Counter[str]:
    """Log attempts at runs that didn't end well."""
    from uscl.tracking.read_runs import failed_run

    done: Counter[str] = Counter()
    for attempt in failed_runs(results / "logs"):
        _, new = log_one(address, study, failed_run(attempt))
        done["logged" if new else "there"] += 1
    return done


def log_one(address: str, study: str, run: Any) -> tuple[dict[str, str], bool]:
    """Log one run in a turn of its own, so that others may log meanwhile."""
    from uscl.tracking.read_runs import experiment_name
    from uscl.tracking.store import experiment, opened
    from uscl.tracking.write_runs import log_once

    with opened(address) as client:
        return log_once(client, experiment(client, address, experiment_name(study, run)), run)


def main() -> None:
    """Log failed attempts; never an error, and at most one warning in a call."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--study", required=True)
    parser.add_argument("--address")
    given = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")

    def log_failed() -> dict[str, Any]:
        return dict(sync_failed(given.results, store_address(given.results, given.address), given.study))

    attempted(given.results, log_failed)


if __name__ == "__main__":
    main()

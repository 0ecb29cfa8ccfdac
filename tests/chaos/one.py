"""Inject one fault, in a process of its own: python -m chaos.one TOPIC NAME FOLDER OUTCOME.json"""

import json
import logging
import sys
from pathlib import Path

from chaos.faults import Fault, NotTried, Outcome
from chaos.topics import faults_of

log = logging.getLogger("chaos")


def inject(fault: Fault, folder: Path) -> Outcome:
    """What came of a fault; one that breaks itself has failed, and the others go on."""
    try:
        return fault.inject(folder)
    except NotTried as reason:
        return Outcome(None, str(reason))
    except AssertionError as error:
        log.exception("not as expected")
        return Outcome(False, str(error) or "an assertion without a text failed: see the log")
    except Exception as error:  # of any kind: it's told as what happened
        log.exception("the fault itself broke")
        return Outcome(False, f"the fault itself broke: {error!r}")


def main() -> None:
    """Find the fault, inject it and leave its outcome in a file."""
    topic, name, folder, file = sys.argv[1:]
    (fault,) = (fault for fault in faults_of([topic]) if fault.name == name)
    Path(file).write_text(json.dumps(inject(fault, Path(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()

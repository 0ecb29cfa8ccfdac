"""The problems of a data set's files: alike ones are logged in one line, and a file gets one verdict."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from uscl.base.errors import UserError
from uscl.base.text import counted
from uscl.data.readers.shared.listing import Problem
from uscl.data.readers.shared.own_data import WHOLE_SET

ACTIONS = ("set aside", "left out", "kept")  # the most serious first
MOST_LINES = 20  # on the screen per data set

log = logging.getLogger(__name__)


class Remarks:
    """The problems of the files below `root`, in the order in which they are found."""

    def __init__(self, dataset: str, root: Path, *, stop: bool) -> None:
        self.dataset = dataset
        self.root = root
        self.stop = stop
        self.found: list[Problem] = []

    def add(self, problems: Iterable[Problem]) -> None:
        """Add problems. With `stop`, raises UserError for a file that is set aside."""
        for problem in problems:
            if self.stop and problem.action == "set aside":
                path = self.root / problem.file
                raise UserError(f"{path} cannot be used: {problem.reason}. Replace it, or set on_bad_video: skip.")
            self.found.append(problem)

    def log(self) -> None:
        """Warn of each kind of problem in one line, the most serious and frequent first, and log each file's own.

        What is left out on purpose, and what exceeds MOST_LINES, is only logged.
        """
        kinds = sorted(alike(self.found), key=lambda kind: (ACTIONS.index(kind[0].action), -len(kind)))
        warnings = [kind for kind in kinds if kind[0].action != "left out"]
        for kind in kinds:
            level = logging.WARNING if kind in warnings[:MOST_LINES] else logging.INFO
            log.log(level, "%s: %s", self.dataset, line(kind))
            for problem in kind if len(kind) > 1 else ():
                log.info("%s: %s", self.dataset, line([problem]))
        if len(warnings) > MOST_LINES:
            more = counted(len(warnings) - MOST_LINES, "more kind")
            log.warning("%s: %s of problems: problems.csv names all", self.dataset, more)


def alike(problems: Iterable[Problem]) -> list[list[Problem]]:
    """Problems by action and shape of their reason, in the order in which they are found."""
    kinds: dict[tuple[str, str], list[Problem]] = defaultdict(list)
    for problem in problems:
        kinds[problem.action, shape(problem.reason)].append(problem)
    return list(kinds.values())


def shape(reason: str) -> str:
    """A reason without its numbers and colours, and without the names of masks and frames: equal for alike problems.

    >>> shape("the mask a 1.png has 3 x 4 pixels"), shape("its values are 0, 7.5 and 2 more, so")
    ('the mask NAME has n x n pixels', 'its values are n, so')
    """
    reason = re.sub(r"\b(the mask|its frame) .+?(?=: | has )|(its ending) \S+", r"\1\2 NAME", reason)
    reason = re.sub(r"#[0-9a-f]{6}\b|\d+(\.\d+)?", "n", reason)
    return re.sub(r"\bn(, n)+( and n more)?|\bn and n more", "n", reason)


def line(kind: Sequence[Problem]) -> str:
    """Alike problems in one line; the reason is that of the first.

    >>> line([Problem("a.png", "kept", "only one frame"), Problem("b.png", "kept", "only one frame")])
    'kept 2 files, such as a.png: only one frame'
    """
    file, action, reason = kind[0]
    if len(kind) > 1 and file != WHOLE_SET:
        return f"{action} {len(kind)} files, such as {file}: {reason}"
    more = f" (and {len(kind) - 1} more like this)" if len(kind) > 1 else ""
    return f"{reason}{more}" if file == WHOLE_SET else f"{action} {file}: {reason}"


def one_verdict(problems: Iterable[Problem]) -> list[Problem]:
    """One problem per file, sorted: its most serious action, with all reasons for that action."""
    by_file: dict[str, list[Problem]] = defaultdict(list)
    for problem in problems:
        by_file[problem.file].append(problem)
    verdicts = []
    for file, found in by_file.items():
        action = min((problem.action for problem in found), key=ACTIONS.index)
        verdicts.append(Problem(file, action, "; ".join(p.reason for p in found if p.action == action)))
    return sorted(verdicts)

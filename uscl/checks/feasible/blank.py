"""Frames that show nothing: one colour all over, or nearly so."""

import logging

import numpy as np
import pandas as pd

from uscl.base.errors import UserError

log = logging.getLogger(__name__)


def check_blank(where: str, frames: pd.DataFrame, blank: np.ndarray) -> None:
    """UserError where all of some frames are blank, a warning where a part is.

    `frames` has the column case, `blank` [frames] says which are; `where` is what the frames are, for the message.
    """
    if len(frames) and blank.all():
        raise UserError(
            f"{where}: all {len(frames)} frames are blank (one colour, or nearly), so there is nothing to learn from:"
            " look at the files and at the extracted frames (figures/contact_sheet.png)."
        )
    if blank.any():
        warn_of(where, "frames are blank (one colour, or nearly)", frames, blank)


def warn_of(where: str, what: str, cases: pd.DataFrame, chosen: np.ndarray) -> None:
    """A warning of how many of the cases are `chosen` [cases], with the name of the first."""
    first = cases["case"].to_numpy()[chosen][0]
    log.warning("%s: %d of %d %s, such as %s.", where, chosen.sum(), len(cases), what, first)

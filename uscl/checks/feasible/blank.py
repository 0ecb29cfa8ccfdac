"""Frames that show nothing: one colour all over, or nearly so."""

import logging

import numpy as np
import pandas as pd

from uscl.base.errors import UserError

log = logging.getLogger(__name__)


def check_blank(where: str, frames: pd.DataFrame, blank: np.ndarray) -> None:
    """Raise UserError if all frames are blank, and warn if some are.

    `frames` has the column case, `blank` [frames] marks the blank ones; `where` names the frames in the message.
    """
    if len(frames) and blank.all():
        raise UserError(
            f"{where}: all {len(frames)} frames are blank (one colour, or nearly), so there is nothing to learn from:"
            " look at the files and at the extracted frames (figures/contact_sheet.png)."
        )
    if blank.any():
        warn_of(where, "frames are blank (one colour, or nearly)", frames, blank)


def warn_of(where: str, what: str, cases: pd.DataFrame, chosen: np.ndarray) -> None:
    """Warn with the number of cases that are `chosen` [cases] and the name of the first."""
    first = cases["case"].to_numpy()[chosen][0]
    log.warning("%s: %d of %d %s, such as %s.", where, chosen.sum(), len(cases), what, first)

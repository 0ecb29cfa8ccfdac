"""Can a segmentation be scored at the size of its source pictures as the settings ask? Checked before any training."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from uscl.data.splits import read_folds
from uscl.stats.native_scores import check_spacing

log = logging.getLogger(__name__)


def check_native(
    task: str,
    splits: Path,
    manifest: pd.DataFrame,
    *,
    structures: Mapping[str, int],
    tolerance: Mapping[str, float],
    in_mm: Sequence[str],
) -> None:
    """Raise UserError if a score in mm is asked for and the size of a pixel is unknown in some case of the task.

    `splits` is a file of its folds, `structures` and `tolerance` are those of `uscl.stats.native_scores.Native`, and
    `in_mm` are the metrics in mm that a primary comparison names. Warns if the size is known in some cases only.
    """
    rows = read_folds(splits)[0]["row"]
    scale = manifest.set_index("row").loc[rows].set_index("case")["mm_per_pixel"]
    if "mm" in tolerance:
        check_spacing(f"tasks.{task}.surface_tolerance is in mm", scale)
    for metric in in_mm:
        check_spacing(f"A primary comparison on {task} names {metric}, in mm", scale)
    known = int(scale.notna().sum())
    if 0 < known < len(scale):
        log.warning(
            "tasks.%s: the size of a pixel is known in %d of %d images, so no score is in mm.", task, known, len(scale)
        )

"""Which frames of a video train, and which are tested, among those that are stored."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from uscl.data.splits import UNUSED

Sampled = Mapping[str, Any]  # rate_hz and max_frames, None for no limit
ROUNDING = 1e-6  # seconds are stored with six decimals


def with_sampling(splits: pd.DataFrame, cases: pd.DataFrame, sampling: Mapping[str, Sampled | None]) -> pd.DataFrame:
    """The splits with the frames that a part does not take as UNUSED in that fold.

    `sampling` has the settings of `train`, and of `test`, which also hold for the validation part. `cases` are those of
    the splits, in any order, with row, video and time_s.
    """
    at = cases.set_index("row").loc[splits["row"]].reset_index()
    taken = {name: kept(at, **settings) for name, settings in sampling.items() if settings}
    if not taken:
        return splits
    every = np.ones(len(splits), dtype=bool)
    found = splits.copy()
    for fold in [column for column in splits if column.startswith("fold")]:
        trains = (splits[fold] == "train").to_numpy()
        used = np.where(trains, taken.get("train", every), taken.get("test", every))
        found[fold] = splits[fold].where(used, UNUSED)
    return found


def kept(cases: pd.DataFrame, rate_hz: float | None, max_frames: int | None) -> np.ndarray:
    """Which cases are taken [n]: of each video the first in each 1 / rate_hz seconds, and of these the first ones."""
    frames = cases[["video", "time_s"]].reset_index(drop=True).sort_values(["video", "time_s"], kind="stable")
    if rate_hz is not None:
        frames["slot"] = np.floor((frames["time_s"] + ROUNDING) * rate_hz)
        frames = frames.drop_duplicates(["video", "slot"])
    if max_frames is not None:
        frames = frames[frames.groupby("video").cumcount() < max_frames]
    return np.asarray(np.isin(np.arange(len(cases)), frames.index))

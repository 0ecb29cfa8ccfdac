"""Which videos of the pretraining pool are used for training, for the validation loss, or for the meta set.

The feasibility check divides the pool too, so this module does not import torch.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from uscl.base.errors import UserError
from uscl.base.seeds import generator
from uscl.base.text import counted
from uscl.data.units import counted_units

FEWEST_VIDEOS = 2  # a contrastive loss needs another video to compare with
STATES = ["state", "second_state"]  # columns of the manifest
NO_TRUTH = (
    "Oracle weights come from the simulator's truth about each frame, which this pool does not have: use a simulated"
    " pool, or other `weights`."
)


class Shares(NamedTuple):
    """The shares of the pool's groups that are held out to watch the loss and as the meta set; 0: no such part."""

    validation: float
    meta: float = 0.0


def divide_pool(
    manifest: pd.DataFrame, seed: int, shares: Shares, left_out: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """One row per video, in the manifest's order: video, group, part (train, meta, validation or left out).

    Each part approaches its share of the groups and of their videos but doesn't exceed it, except to have two videos.
    A seed's validation part is the same whatever the share of the meta set is. Raises UserError if the pool is too
    small.
    """
    used = manifest[~manifest["video"].isin(left_out)]
    every = manifest[["video", "group"]].drop_duplicates("video", ignore_index=True)
    videos = every[~every["video"].isin(left_out)]
    sizes = videos["group"].value_counts(sort=False)
    left = sizes.iloc[generator(seed, "pool parts").permutation(len(sizes))]
    part = dict.fromkeys(left.index, "train")
    for name, share in shares._asdict().items():
        if share > 0:
            held_out = groups_for(left, int(share * len(sizes) + 0.5), int(share * len(videos) + 0.5))
            part |= dict.fromkeys(held_out, name)
            left = left.drop(held_out)
    if left.sum() < FEWEST_VIDEOS:
        raise UserError(
            f"The pool has {counted(len(videos), 'video')} (groups: {counted_units(used)}): too few to hold out whole"
            " groups for validation"
            + (" and for the meta set" if shares.meta else "")
            + f" and keep {FEWEST_VIDEOS} videos to train on. Add videos, or lower the shares in the config."
        )
    return every.assign(part=videos["group"].map(part)).fillna({"part": "left out"})


def has_truth(manifest: pd.DataFrame) -> bool:
    """Whether the simulator's truth about every frame is known."""
    return bool(manifest.reindex(columns=STATES).notna().all(axis=None))


def groups_for(sizes: pd.Series, groups: int, videos: int) -> list[str]:
    """Groups for a part of at most so many groups and videos: what fits, in the order of `sizes` (videos by group).

    If these have fewer than two videos, the part consists of the smallest groups that have two.
    """
    chosen: list[str] = []
    count = 0
    for group, size in zip(sizes.index, sizes, strict=True):
        if len(chosen) < groups and count + size <= videos:
            chosen.append(group)
            count += size
    if count >= FEWEST_VIDEOS:
        return chosen
    smallest = sizes.sort_values(kind="stable")
    return list(smallest.index[: int(np.searchsorted(smallest.cumsum(), FEWEST_VIDEOS)) + 1])

"""Do the masks of a data set show the structures that a task names?"""

from collections.abc import Mapping

import numpy as np

from uscl.base.errors import UserError
from uscl.base.text import counted
from uscl.data.store import FrameStore


def check_structures(task: str, store: FrameStore, structures: Mapping[str, int]) -> None:
    """Raise UserError if a mask has a label that the task doesn't name, or if no mask has a label that it names.

    `structures` has the label of each of several structures; without any, every label is of the same structure.
    """
    if not structures or store.masks is None:
        return
    of_images = [set(np.unique(mask).tolist()) - {0} for mask in store.masks]
    known = set(structures.values())
    foreign = [row for row, labels in enumerate(of_images) if labels - known]
    named = ", ".join(f"{name} {label}" for name, label in structures.items())
    if foreign:
        case, label = store.manifest["case"].iloc[foreign[0]], min(of_images[foreign[0]] - known)
        raise UserError(
            f"tasks.{task}.structures names {named}, but the masks of {counted(len(foreign), 'image')}, such as {case},"
            f" have other labels, such as {label}: name it too, or choose labels by `labels` of the data set."
        )
    absent = [name for name, label in structures.items() if not any(label in labels for labels in of_images)]
    if absent:
        raise UserError(
            f"tasks.{task}.structures names {absent[0]} (label {structures[absent[0]]}), which no mask of its data set"
            f" has: the labels are {', '.join(map(str, sorted(set().union(*of_images)))) or 'none'}."
        )

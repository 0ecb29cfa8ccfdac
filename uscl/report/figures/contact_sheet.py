"""A contact sheet: frames of every data set, as they were recorded."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from uscl.base.seeds import generator
from uscl.data.decode.clip import read_source
from uscl.data.source import stored_source
from uscl.report.figures.style import plt

COLUMNS, SIZE = 6, 224


def contact_sheet(manifests: list[pd.DataFrame], roots: list[Path], seed: int) -> Figure:
    """One row per data set and label, `COLUMNS` frames per row, each of another group, decoded again from its file."""
    rows = [
        (root, *part)
        for frame, root in zip(manifests, roots, strict=True)
        for part in frame.groupby(["dataset", "label"])
    ]
    figure, axes = plt.subplots(
        len(rows), COLUMNS, figsize=(1.8 * COLUMNS, 1.9 * len(rows)), squeeze=False, layout="constrained"
    )
    for line, (root, (dataset, label), part) in zip(axes, rows, strict=True):
        for axis in line:
            axis.set_axis_off()
        for axis, (_, case) in zip(line, chosen(part, seed).iterrows(), strict=False):
            axis.imshow(decoded(root, case), cmap="gray", vmin=0, vmax=255)
            axis.set_title(" ".join(filter(None, (case["group"], remark(case, label)))), fontsize=6)
        line[0].text(
            -0.05,
            0.5,
            f"{dataset}\n{label or 'unlabelled'}",
            rotation=90,
            ha="right",
            va="center",
            transform=line[0].transAxes,
        )
    return figure


def remark(case: pd.Series, label: str) -> str:
    """What a simulated frame shows other than its video's label: lost contact, another organ."""
    elsewhere = case["organ"] if case["organ"] not in ("", label) else ""
    shown = ", ".join(filter(None, (case["event"], elsewhere)))
    return f"({shown})" if shown else ""


def chosen(part: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Some frames of different groups, at random but the same every time."""
    rng = generator(seed, "contact sheet")
    shuffled = part.iloc[rng.permutation(len(part))]
    return shuffled.drop_duplicates("group").head(COLUMNS).sort_values("case")


def decoded(root: Path, case: pd.Series) -> np.ndarray:
    """Grey [SIZE, SIZE]: the frame of a row of the manifest."""
    source = stored_source(root, case)
    most = int(case["frame"]) + 1 if source.kind == "video" else None  # frames of a folder are numbered by their names
    clip, _ = read_source(root, source, SIZE, None, most)
    return clip.frames[np.flatnonzero(clip.number == case["frame"])[0]]

"""Segmented structures of all arms on the same images.

Masks by structure are [n, height, width] arrays by name; one structure alone has the name "".
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from uscl.data.picture_box import Box
from uscl.report.figures.style import GREEN, ORANGE, PAGE, plt, wrapped

Masks = Mapping[str, np.ndarray]

RANKS = ("best", "median", "worst")
EXPLANATION = "solid: truth, dashed: prediction; frames without their black borders, which don't count"
COLOURS = ("#009e73", "#e69f00", "#56b4e9", "#cc79a7", "#f0e442", "#d55e00")  # of several structures, then anew


def overlays_of_arms(
    cases: pd.DataFrame,
    predicted: Mapping[str, Masks],
    true: Masks,
    frames: np.ndarray,
    boxes: Sequence[Box],
    seed: int,
) -> Figure:
    """Best, median and worst image by the mean Dice over arms, one row each; one column per arm.

    `cases` [n] has case and one column of Dice per arm; `frames` [n, height, width] grey, the boolean masks of the
    `true` and each arm's `predicted` structures and the `boxes` of their pictures belong to its rows. All are from one
    `seed`, which the title names. Only the pictures are shown, without the black borders of their frames.
    """
    arms = list(predicted)
    rows = ranked(cases[arms].mean(axis=1).to_numpy())
    names = [wrapped(arm, 12) for arm in arms]
    lines = 1 + max(name.count("\n") for name in names)
    size = (PAGE, 0.4 + 0.15 * lines + len(rows) * (PAGE / max(len(arms), 3) + 0.2))
    figure, axes = plt.subplots(len(rows), len(arms), figsize=size, layout="constrained", squeeze=False)
    for line, rank, row in zip(axes, RANKS, rows, strict=False):
        for axis, arm in zip(line, arms, strict=True):
            outlined(axis, boxes[row], frames[row], of_row(true, row), of_row(predicted[arm], row))
            axis.set(xticks=[], yticks=[])
            axis.set_xlabel(f"Dice {cases[arm].iloc[row]:.2f}", fontsize=8)
        line[0].set_ylabel(f"{rank}\n{wrapped(str(cases['case'].iloc[row]), 16)}", fontsize=8)
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(name, fontsize=8)
    figure.suptitle(f"seed {seed}; {EXPLANATION}\nimages ranked by the mean Dice of all arms")
    name_structures(figure, true)
    return figure


def of_row(masks: Masks, row: int) -> dict[str, np.ndarray]:
    """The masks of one image."""
    return {name: of_structure[row] for name, of_structure in masks.items()}


def colours(structures: Mapping[str, np.ndarray]) -> dict[str, tuple[str, str]]:
    """The colours of each structure's true and predicted outline: one colour for both if there are several."""
    if len(structures) == 1:
        return dict.fromkeys(structures, (GREEN, ORANGE))
    of_place = [COLOURS[place % len(COLOURS)] for place in range(len(structures))]
    return {name: (colour, colour) for name, colour in zip(structures, of_place, strict=True)}


def name_structures(figure: Figure, structures: Mapping[str, np.ndarray]) -> None:
    """Add a legend of several structures."""
    if len(structures) > 1:
        lines = [plt.Line2D([], [], color=colour, label=name) for name, (colour, _) in colours(structures).items()]
        figure.legend(handles=lines, loc="outside lower center", ncols=len(lines), frameon=False)


def ranked(scores: np.ndarray) -> Sequence[int]:
    """Positions of the best, the median and the worst score, each position once."""
    order = np.argsort(-scores, kind="stable")
    return list(dict.fromkeys(int(order[place]) for place in (0, len(order) // 2, len(order) - 1)))


def outlined(axis: Axes, box: Box, frame: np.ndarray, true: Masks, predicted: Masks) -> None:
    """Draw the picture of a frame, the outline of each structure, and that of its prediction."""
    picture = box.pixels
    axis.imshow(frame[picture], cmap="gray", vmin=0, vmax=255)
    for name, (colour, of_prediction) in colours(true).items():
        outline(axis, true[name][picture], colour, "solid")
        outline(axis, predicted[name][picture], of_prediction, "dashed")


def outline(axis: Axes, mask: np.ndarray, colour: str, style: str) -> None:
    """Draw the outline of a mask, if it has one."""
    if mask.any() and not mask.all() and min(mask.shape) > 1:
        axis.contour(mask, levels=[0.5], colors=colour, linestyles=style, linewidths=1)

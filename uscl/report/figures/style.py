"""What all figures share: colours, the style of each arm, and how they are written."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from uscl.base.files import written

# A figure of at most `PAGE` inches is printed at its own size, so these are the sizes on paper: 7 pt or more, because
# "small" is 0.83 of `font.size`.
PAGE = 7.2
mpl.rcParams.update({"font.size": 9, "axes.titlesize": 9, "axes.labelsize": 9, "figure.titlesize": 10})
mpl.rcParams.update({"xtick.labelsize": 8, "ytick.labelsize": 8, "legend.fontsize": 8, "hatch.linewidth": 0.6})

# Names of patients and files may contain a dollar sign, which does not start a formula.
mpl.rcParams["text.parse_math"] = False

# Text stays text, so it can be searched and edited; identifiers come from the contents and this word, not at random.
mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "uscl"})

# Okabe and Ito's colours, which colour-blind readers can distinguish, also in print (https://jfly.uni-koeln.de/color/).
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, BLACK, YELLOW = "#CC79A7", "#56B4E9", "#000000", "#F0E442"
GREY = "#7F7F7F"

# Yellow comes last: it is pale on white paper.
COLOURS = (BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, BLACK, YELLOW)
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES = ((8, 1.5), (6, 1, 1, 1, 1, 1), (2, 1), (3, 1, 3, 1, 1, 1))
LINES: tuple[Any, ...] = ("-", "--", "-.", ":", *((0, dash) for dash in DASHES))
HATCHES = ("", "//", "..", "\\\\", "xx", "--", "||", "oo")


class ArmStyle(NamedTuple):
    """How an arm looks in all figures of a study: `linestyle` and `hatch` are Matplotlib's."""

    colour: str
    marker: str
    linestyle: Any
    hatch: str


def arm_styles(arms: Sequence[str]) -> dict[str, ArmStyle]:
    """The style of each arm by its place in `arms`, the order of the study's `methods`.

    The first eight arms differ in each part. From the ninth on, colours repeat with another marker, line and hatch, so
    that 64 arms differ. Always pass all arms of the study, even for a figure that shows only some: an arm's style
    depends on its place.
    """
    looks = {}
    for index, arm in enumerate(arms):
        other = (index + index // len(COLOURS)) % len(MARKERS)
        looks[arm] = ArmStyle(COLOURS[index % len(COLOURS)], MARKERS[other], LINES[other], HATCHES[other])
    return looks


def wrapped(name: str, width: int = 22) -> str:
    """A name on lines of at most `width` characters, broken after an underscore, a hyphen or a space if it has one.

    >>> wrapped("simclr_ppi_without_jitter", 12)
    'simclr_ppi_\\nwithout_\\njitter'
    """
    return "\n".join(re.findall(rf".{{1,{width}}}$|.{{0,{width - 1}}}[_\- ]|.{{1,{width}}}", name))


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without the date that would make equal figures differ."""
    with written(path) as temporary:
        figure.savefig(temporary, dpi=120, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)


def save_both(figure: Figure, stem: Path) -> None:
    """Write a figure as `stem`.png and `stem`.svg; equal figures are equal bytes in both."""
    # Lay the figure out once: a layout per file, from the text sizes at its resolution, would move a little every time.
    figure.draw_without_rendering()
    figure.set_layout_engine("none")
    with written(stem.with_name(f"{stem.name}.svg")) as temporary:
        figure.savefig(temporary, bbox_inches="tight", metadata={"Date": None, "Creator": None})
    with written(stem.with_name(f"{stem.name}.png")) as temporary:
        figure.savefig(temporary, dpi=200, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)

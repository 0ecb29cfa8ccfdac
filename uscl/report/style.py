"""What all figures share: colours, and how they are written."""

from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from uscl.files import written

# Names of patients and files may hold a dollar sign, which is no formula.
mpl.rcParams["text.parse_math"] = False

# Okabe and Ito's colours, told apart by colour-blind readers and in print.
BLUE, ORANGE, GREEN = "#0072B2", "#E69F00", "#009E73"


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, without the date that would make equal figures differ."""
    with written(path) as beside:
        figure.savefig(beside, dpi=120, bbox_inches="tight", metadata={"Software": None})
    plt.close(figure)

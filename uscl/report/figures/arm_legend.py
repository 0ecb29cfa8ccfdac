"""One legend of all arms below the panels of a figure."""

import math

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from uscl.report.figures.style import PAGE, ArmStyle, wrapped

WIDTH = 30  # of a name, characters


def arm_legend(figure: Figure, styles: dict[str, ArmStyle], *, lines: bool = True) -> None:
    """Name the arms below the panels; `lines` False for panels that show the arms' markers alone."""
    handles = [
        Line2D(
            [],
            [],
            color=style.colour,
            linestyle=style.linestyle if lines else "none",
            marker=style.marker,
            label=wrapped(arm, WIDTH),
        )
        for arm, style in styles.items()
    ]
    length = 3.5 if lines else 1
    figure.legend(
        handles=handles,
        loc="outside lower center",
        ncols=legend_shape(styles)[1],
        frameon=False,
        handlelength=length,
    )


def legend_height(styles: dict[str, ArmStyle]) -> float:
    """The height of the legend in inches."""
    lines = max(wrapped(arm, WIDTH).count("\n") + 1 for arm in styles)
    return 0.1 + legend_shape(styles)[0] * (0.05 + 0.14 * lines)


def legend_shape(styles: dict[str, ArmStyle]) -> tuple[int, int]:
    """Rows and columns of the legend: as many columns as fit with these names."""
    longest = max(len(line) for arm in styles for line in wrapped(arm, WIDTH).split("\n"))
    rows = math.ceil(len(styles) / max(1, int(PAGE / (0.65 + 0.07 * longest))))
    return rows, math.ceil(len(styles) / rows)

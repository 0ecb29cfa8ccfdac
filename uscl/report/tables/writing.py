"""How numbers and grids are written in tables for readers."""

import math
from collections.abc import Sequence

from uscl.metrics.registry import metric_named

SHOWN = 0.05  # a corrected p below it supports a verdict
BRACES = str.maketrans("[]", "{}")  # for an interval of these models alone


def shown(value: float, metric: str) -> str:
    """A score in percent, or in the unit that its title names.

    >>> shown(0.5, "accuracy"), shown(12.34, "hd95")
    ('50.0', '12.3')
    """
    return f"{100 * value if metric_named(metric).percent else value:z.1f}"


def mean_and_sd(mean: float, sd: float, metric: str) -> str:
    """A mean and, if there is one, its standard deviation.

    >>> mean_and_sd(0.5, 0.025, "dice"), mean_and_sd(0.5, math.nan, "dice"), mean_and_sd(math.nan, math.nan, "dice")
    ('50.0 ± 2.5', '50.0', 'undefined')
    """
    if math.isnan(mean):
        return "undefined"
    return shown(mean, metric) + ("" if math.isnan(sd) else f" ± {shown(sd, metric)}")


def limits(low: float, high: float, metric: str) -> str:
    """A confidence interval, or an empty text if it is undefined.

    >>> limits(0.45, 0.55, "dice"), limits(math.nan, math.nan, "dice")
    ('[45.0, 55.0]', '')
    """
    return "" if math.isnan(low) else f"[{shown(low, metric)}, {shown(high, metric)}]"


def points(difference: float, sign: str = "") -> str:
    """A difference of shares in percentage points, with a second decimal if one decimal would show 0.

    >>> points(0.008, "+"), points(-0.004), points(-0.0004), points(0.0), points(-1e-17, "+")
    ('+0.8', '-0.4', '-0.04', '0.0', '0.0')
    """
    for decimals in (1, 2):
        if round(100 * difference, decimals):
            return f"{100 * difference:{sign}.{decimals}f}"
    return "0.0"


def number(value: float, sign: str = "") -> str:
    """A difference in a unit of its own, with one decimal.

    >>> number(-2.345, "+"), number(0.0)
    ('-2.3', '0.0')
    """
    return f"{value:{sign}z.1f}"


def p_value(p: float) -> str:
    """A p with two digits, or with as many as it takes to show on which side of 0.05 it lies.

    >>> p_value(0.3149), p_value(1.0), p_value(0.0496), p_value(0.05), p_value(0.0002), p_value(math.nan)
    ('0.31', '1', '0.0496', '0.05', '< 0.001', 'undefined')
    """
    if math.isnan(p):
        return "undefined"
    if p < 0.001:
        return "< 0.001"
    rounded = (f"{p:.{digits}g}" for digits in range(2, 17))
    return next(text for text in rounded if (float(text) < SHOWN) == (p < SHOWN))


def span(texts: Sequence[str]) -> str:
    """The first and last of some ordered texts, or one text if they are equal.

    >>> span(["4 s", "5 s", "7 s"]), span(["4 s", "4 s"])
    ('4 s to 7 s', '4 s')
    """
    return texts[0] if texts[0] == texts[-1] else f"{texts[0]} to {texts[-1]}"


def grid(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table with its columns in line.

    >>> print(grid(["arm", "Dice"], [["random", "50.0"]]))
    | arm    | Dice |
    | ------ | ---- |
    | random | 50.0 |
    """
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = [header, ["-" * width for width in widths], *rows]
    padded = ([text.ljust(width) for text, width in zip(line, widths, strict=True)] for line in lines)
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)

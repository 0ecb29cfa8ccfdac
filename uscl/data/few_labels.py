"""How a part of the training labels is named, in settings, paths and tables. Imports nothing: every plan reads it.

A name is a whole number, a percentage of the groups of each class, or a text: `5shots` are five groups of each class.
The labels are drawn once per training, or several times: `10draw2` is the draw with the number 2, after 0 and 1.
"""

import re
from typing import NamedTuple

ALL_LABELS = 100  # percent
PATTERN = r"(?:[1-9]\d?|100|[1-9]\d*shots)(?:draw[1-9]\d*)?"

Labels = int | str


class FewLabels(NamedTuple):
    """A part of the training labels: `percent` of the groups of each class, or so many of them (`shots`)."""

    percent: int | None
    shots: int | None
    draw: int

    @property
    def words(self) -> str:
        """The part in words.

        >>> few_labels(10).words, few_labels("1shots").words, few_labels("5shotsdraw2").words
        ('10 % of the labels', '1 group of each class', '5 groups of each class, draw 2')
        """
        groups = f"{self.shots} group{'s' * (self.shots != 1)} of each class"
        part = groups if self.shots else f"{self.percent} % of the labels"
        return f"{part}, draw {self.draw}" if self.draw else part


def labels_named(text: str) -> Labels:
    """The name of a part as a study has it, from a path; a plain percentage is a number.

    >>> labels_named("100"), labels_named("labels10draw1"), labels_named("5shots")
    (100, '10draw1', '5shots')
    """
    name = text.removeprefix("labels")
    return int(name) if name.isdigit() else name


def few_labels(labels: Labels) -> FewLabels:
    """The part with a name. Raises ValueError for a text that is none."""
    found = re.fullmatch(r"(\d+)(shots)?(?:draw(\d+))?", str(labels))
    if found is None:
        raise ValueError(f"{labels!r} names no part of the labels.")
    number, draw = int(found[1]), int(found[3] or 0)
    return FewLabels(None, number, draw) if found[2] else FewLabels(number, None, draw)


def of_draw(labels: Labels, draw: int) -> Labels:
    """The name of a draw of a part; the first has the name of the part itself.

    >>> of_draw(10, 0), of_draw(10, 1), of_draw("5shots", 2)
    (10, '10draw1', '5shotsdraw2')
    """
    return f"{labels}draw{draw}" if draw else labels

"""Whether a figure can be read: texts on the canvas, large enough, and not over each other."""

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from uscl.report.figures.style import save_both

SMALLEST = 7  # points


def assert_legible(figure):
    """Draw a figure and check all its texts; figures are printed at their own size, on a page of 7.2 inches at most."""
    canvas = FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    width, height = canvas.get_width_height()
    boxes = {}
    for text in texts(figure):
        # Of an annotation, only the words, without the line that leads to them.
        box = Text.get_window_extent(text, canvas.get_renderer())
        words = text.get_text()
        assert min(box.x0, box.y0, width - box.x1, height - box.y1) >= -1, f"{words!r} is clipped"
        assert text.get_fontsize() >= SMALLEST, f"{words!r} is small"
        boxes[text] = box.padded(-1)
    for one, other in combinations(boxes, 2):
        assert not boxes[one].overlaps(boxes[other]), f"{one.get_text()!r} lies on {other.get_text()!r}"
    assert figure.get_size_inches()[0] <= 7.2


def texts(figure):
    """The visible texts: a tick outside the view has a label that is not drawn."""
    found = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axes in figure.axes:
        found += [*axes.texts, axes.title]
        if axes.get_legend():
            found += axes.get_legend().get_texts()
        for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
            low, high = sorted(axis.get_view_interval())
            for ticks in (axis.get_major_ticks(), axis.get_minor_ticks()):
                found += [
                    label for tick in ticks if low <= tick.get_loc() <= high for label in (tick.label1, tick.label2)
                ]
            found += [axis.label, axis.offsetText]
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def assert_same_bytes(draw, folder):
    """Save two figures drawn alike: PNG and SVG are the same bytes, also when a figure is saved a second time.

    The second time only as SVG, which records the place of everything that drawing could move.
    """
    figure = draw()
    save_both(figure, folder / "first")
    save_both(draw(), folder / "alike")
    figure.savefig(folder / "again.svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    for first, other in (("first.png", "alike.png"), ("first.svg", "alike.svg"), ("first.svg", "again.svg")):
        assert (folder / first).read_bytes() == (folder / other).read_bytes(), f"{first} and {other} differ"

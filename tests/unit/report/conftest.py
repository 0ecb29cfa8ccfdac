"""Close the figures of a test after it, even if it fails."""

import pytest

from uscl.report.figures.style import plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")

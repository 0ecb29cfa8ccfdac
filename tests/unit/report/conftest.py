"""Figures of a test are closed behind it, also where it fails."""

import pytest

from uscl.report.figures.style import plt


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")

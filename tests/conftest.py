"""One CPU thread in every test: sums then have one order, and two test processes don't fight over two cores."""

import gc

import pytest
import xdist


def pytest_sessionstart(session: pytest.Session) -> None:
    """Import torch before any test module, except in the process that only distributes tests: it takes seconds."""
    if xdist.is_xdist_controller(session):
        return
    gc.disable()  # what is imported stays: looking for garbage during collection takes a third of its time
    import torch

    import uscl.models.torchvision_cpu  # noqa: F401  (tests import torchvision and timm in any order)

    torch.set_num_threads(1)


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()

"""The finished tiny study, which all files of tests share. A test that changes it sets it back."""

import pytest

from tests.integration.calls import copy_of_checkout, succeeds


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A project whose study was run on two cores."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("projects") / "two cores, ä")
    succeeds(folder)
    return folder

"""The finished tiny study, which all files of tests share. A test that changes it sets it back."""

import pytest

from tests.integration.calls import copy_of_checkout, start


@pytest.fixture(scope="session")
def first_call(tmp_path_factory):
    """A project whose study was run on two cores, and what that call printed, line by line."""
    folder = copy_of_checkout(tmp_path_factory.mktemp("projects") / "two cores, ä")
    call = start(folder, "--cores", "2")
    printed, _ = call.communicate()
    assert call.returncode == 0, printed
    return folder, printed.splitlines()


@pytest.fixture(scope="session")
def project(first_call):
    """The project alone."""
    return first_call[0]

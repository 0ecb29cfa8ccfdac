"""What a call shows, for tests."""

import re


def unwrapped(text: str) -> str:
    """A text whose broken lines are whole again (see `uscl.base.text.wrapped`)."""
    return re.sub(r"\n {4,}(?=\S)", " ", text)

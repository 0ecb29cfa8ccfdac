"""Errors that the user can fix; they are shown as one sentence without a traceback."""

from uscl.base.redaction import redacted


class UserError(Exception):
    """Bad input: says what is wrong, where, and what to do; never repeats credentials."""

    def __str__(self) -> str:
        """The sentence."""
        return redacted(super().__str__())


class DamagedFileError(UserError):
    """A file of the study isn't as it was written; the job that reads it has made no mistake."""


class DiskFullError(UserError):
    """The disk has no room for a file; another attempt may succeed."""

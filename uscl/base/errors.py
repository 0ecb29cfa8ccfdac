"""Errors that the user can fix; they are shown as one sentence without a traceback."""


class UserError(Exception):
    """Bad input: says what is wrong, where, and what to do."""


class DamagedFileError(UserError):
    """A file of the study isn't as it was written; the job that reads it has made no mistake."""


class DiskFullError(UserError):
    """The disk has no room for a file; another attempt may succeed."""

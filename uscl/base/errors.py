"""Errors that the user can fix: shown as one sentence, without a traceback."""


class UserError(Exception):
    """Bad input: says what is wrong, where, and what to do."""


class DiskFullError(UserError):
    """There is no room for a file: another attempt may find some."""

"""Errors that are the user's to mend: shown as one sentence, without a traceback."""


class UserError(Exception):
    """Bad input: says what is wrong, where, and what to do."""

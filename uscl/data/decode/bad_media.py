"""The error of a file that cannot be used."""


class BadMedia(Exception):  # noqa: N818 - the file is at fault, not the program
    """A file cannot be used; the message is a short reason without the file's name."""

"""What a person can mend: one line, exit code 2."""

from __future__ import annotations

import re

__all__ = ["InputError", "as_option", "one_line"]

_ROLES = "user|item|rating|time"


class InputError(ValueError):
    """Something given to the command cannot be used; the message is the line to show."""


def one_line(error: BaseException) -> str:
    """Message of an error on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def as_option(message: str) -> str:
    """Write the parameters of Python functions that a message names as options of the command.

    Examples
    --------
    >>> as_option("Name the user column with user_col='uid'; time_col=None to take the rows in order.")
    'Name the user column with --user-col uid; --no-time to take the rows in order.'
    """
    message = re.sub(rf"\b({_ROLES})_col=None", r"--no-\1", message)
    message = re.sub(rf"\b({_ROLES})_col='([\w.-]+)'", r"--\1-col \2", message)
    return re.sub(rf"\b({_ROLES})_col=", r"--\1-col", message)

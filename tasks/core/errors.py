"""The error type whose message is meant for the user."""

from __future__ import annotations


class LandloomError(Exception):
    """Bad input, or a failure outside the program, described in one line.

    The message names the file or key, and says what is wrong and what to do. A stage prints it
    without a traceback and exits with status 1. Any other exception is a defect of the program.
    """

"""The error a person is meant to read."""

from __future__ import annotations


class LandloomError(Exception):
    """Bad input or a broken promise of the outside world, told in one line.

    The message names the file or key, says what was wrong and what to do. A stage prints it
    without a traceback and ends with status 1; anything else that is raised is a defect.
    """

"""The error of a picture file whose bytes are damaged."""

from __future__ import annotations


class Broken(ValueError):
    """The file breaks off or is damaged inside, so another copy of it may be whole."""

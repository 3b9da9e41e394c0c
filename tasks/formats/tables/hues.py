"""Names of classes that are known by their colour alone, as `middle green`; a person has not named them yet."""

from __future__ import annotations

import re

SHADES = ("dark", "middle", "pale")
HUES = ("grey", "red", "green", "blue")
_NAME = re.compile(rf"({'|'.join(SHADES)}) ({'|'.join(HUES)})( \d+)?")


def is_hue(name: str) -> bool:
    """Whether a class's name is such a description, or one of several with a number."""
    return _NAME.fullmatch(name) is not None

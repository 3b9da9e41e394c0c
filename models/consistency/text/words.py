"""Splits texts into words and numbers, the same for training captions and for what a person writes."""

from __future__ import annotations

import math
import re

TOKEN = re.compile(r"\d[\d,]*(?:\.\d+)?|[^\W\d_]+(?:[-'’][^\W\d_]+)*|°")


def tokens(text: str) -> list[str]:
    """Words in lower case, and numbers as magnitudes: `1,900` becomes `#44`.

    A magnitude is four times the logarithm to base 2, rounded: neighbours differ by 19 %, so that numbers of similar
    size share a token.
    """
    return [_magnitude(part) if part[0].isdigit() else part for part in TOKEN.findall(text.lower())]


def is_number(token: str) -> bool:
    """Whether a token is a magnitude."""
    return token.startswith("#")


def _magnitude(digits: str) -> str:
    value = float(digits.replace(",", ""))
    return f"#{round(4 * math.log2(1 + value))}"


def forms(word: str) -> list[str]:
    """The word, then its likely singular and plural forms."""
    found = [word, f"{word}s", f"{word}es"]
    if word.endswith("s"):
        found.append(word[:-1])
    if word.endswith("es"):
        found.append(word[:-2])
    if word.endswith("ies"):
        found.append(f"{word[:-3]}y")
    if word.endswith("y"):
        found.append(f"{word[:-1]}ies")
    return found

"""Keys stay in the environment: finds their values in text that is about to be written down, and blanks them.

Three things count as secret: the value of an environment variable whose name says so, the password in an
address (`//user:password@host`), and strings of a shape that only keys have.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_NAMES = re.compile(  # not AUTHOR, KEYBOARD or TOKENIZERS
    r"KEY(?![A-Z])|SECRET|TOKEN(?!IZ)|PASSWORD|PASSWD|CREDENTIAL|CONNECTION_STRING|AUTH(?!OR(?!IZ))", re.IGNORECASE
)
# `user:password@`, or a token for a user; a name alone is none, nor is a placeholder (`{…}`, `$…`).
_IN_ADDRESS = re.compile(r"""(?<=//)(?:[^/@\s"'{}$:]*:[^/@\s"'{}$]+|[^/@\s"'{}$]{16,})(?=@)""")
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # Amazon's key ids
    r"|\bsk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic and those who copy them
    r"|\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}"
    r"|\bhf_[A-Za-z0-9]{20,}"
    r"|\bpn[ub]_[A-Za-z0-9]{20,}"  # Prefect
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"  # Google
)
BLANK = "[blanked]"


def secret_values(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Values to keep out of sight, by the variable that holds each, longest first.

    Words of fewer than eight characters, numbers and words of plain letters are left out: they stand in
    ordinary text (a password `password` would blank half a document), and blanking cannot make them safe.
    """
    found: dict[str, str] = {}
    for name, value in environ.items():
        if _NAMES.search(name):
            found[name] = value
        for user in _IN_ADDRESS.findall(value):
            found[f"{name} (its password)"] = user.partition(":")[2] or user
    kept = {name: value.strip() for name, value in found.items() if _telling(value.strip())}
    return dict(sorted(kept.items(), key=lambda item: -len(item[1])))


def _telling(value: str) -> bool:
    if value.startswith(("/", "./", "~")):  # the path of a key file
        return False
    return len(value) >= 16 or (len(value) >= 8 and not value.isalpha() and not value.isdigit())


def found_in(text: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """What secrets `text` holds, in words for a message that does not repeat them."""
    names = [f"the value of ${name}" for name, value in secret_values(environ).items() if value in text]
    if _IN_ADDRESS.search(text):
        names.append("a password in an address")
    if _SHAPES.search(text):
        names.append("what looks like a key")
    return names


def redact(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """`text` with every secret replaced by `[blanked]`; the same text where there is none."""
    for value in secret_values(environ).values():
        text = text.replace(value, BLANK)
    return _SHAPES.sub(BLANK, _IN_ADDRESS.sub(BLANK, text))

"""Search for secrets in text that is about to be recorded, and replacement of them. Secrets stay in the environment.

Three kinds of text are secrets: the value of an environment variable whose name suggests a secret, the password in
an address (`//user:password@host`), and strings in the format of well-known keys.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

_NAMES = re.compile(  # does not match AUTHOR, KEYBOARD or TOKENIZERS
    r"KEY(?![A-Z])|SECRET|TOKEN(?!IZ)|PASSWORD|PASSWD|CREDENTIAL|CONNECTION_STRING|AUTH(?!OR(?!IZ))", re.IGNORECASE
)
# Matches `user:password@` or a token as the user. Does not match a user name alone, or a placeholder (`{…}`, `$…`).
_IN_ADDRESS = re.compile(r"""(?<=//)(?:[^/@\s"'{}$:]*:[^/@\s"'{}$]+|[^/@\s"'{}$]{16,})(?=@)""")
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"  # Amazon's key ids
    r"|\bsk-[A-Za-z0-9_-]{20,}"  # OpenAI, Anthropic and others
    r"|\b(?:gh[pousr]|github_pat)_[A-Za-z0-9_]{20,}"
    r"|\bhf_[A-Za-z0-9]{20,}"
    r"|\bpn[ub]_[A-Za-z0-9]{20,}"  # Prefect
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bAIza[A-Za-z0-9_-]{35}"  # Google
)
BLANK = "[blanked]"


def secret_values(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the secret values of the environment, by variable name, longest first.

    Values of fewer than eight characters are left out. Values of fewer than 16 characters that are only letters or
    only digits are left out too. Such values occur in ordinary text, and blanking them would damage it.
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
    if value.startswith(("/", "./", "~")):  # a path of a key file is no secret
        return False
    return len(value) >= 16 or (len(value) >= 8 and not value.isalpha() and not value.isdigit())


def found_in(text: str, environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return descriptions of the secrets in `text`, for a message that does not show the secrets."""
    names = [f"the value of ${name}" for name, value in secret_values(environ).items() if value in text]
    if _IN_ADDRESS.search(text):
        names.append("a password in an address")
    if _SHAPES.search(text):
        names.append("what looks like a key")
    return names


def redact(text: str, environ: Mapping[str, str] = os.environ) -> str:
    """Return `text` with every secret replaced by `[blanked]`."""
    for value in secret_values(environ).values():
        text = text.replace(value, BLANK)
    return _SHAPES.sub(BLANK, _IN_ADDRESS.sub(BLANK, text))

"""What a source uses to sign its requests: tokens of a catalogue, or a key of a service."""

from __future__ import annotations

from typing import Protocol


class Signer(Protocol):
    """Adds to a URL the token that its host requires."""

    def sign(self, url: str) -> str: ...

    def renew(self, url: str) -> None:
        """Forget the token of this URL's host, because the host refused it."""


def signed(url: str, signer: Signer | None) -> str:
    """The URL as it is sent: with its token, where there is a signer."""
    return signer.sign(url) if signer else url

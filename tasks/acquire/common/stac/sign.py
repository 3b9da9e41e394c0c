"""Signatures that a host wants to see: for the Planetary Computer a token for each container, used until it ends."""

from __future__ import annotations

import threading
from urllib.parse import urlsplit

from planetary_computer import sas
from planetary_computer.settings import Settings
from pydantic import ValidationError

from tasks.acquire.common.http import Http
from tasks.core.errors import LandloomError

_LEFT = 60.0  # seconds of life below which a token is not used any more


class PlanetaryComputer:
    """Signs Azure blob URLs of the Planetary Computer.

    The URLs, the endpoint (`PC_SDK_SAS_URL`) and the token's form are the planetary-computer package's; the asking
    is ours, because its own has no timeout and takes no turns.
    """

    def __init__(self, http: Http):
        self._http = http
        self._tokens: dict[str, sas.SASToken] = {}
        self._lock = threading.Lock()  # one token for all threads, not one each

    def sign(self, url: str) -> str:
        """The URL with its container's token; other hosts' URLs as they are."""
        source = self._source(url)
        if source is None:
            return url
        with self._lock:
            token = self._tokens.get(source)
            if token is None or token.ttl() < _LEFT:
                text = self._http.text("GET", source)
                try:
                    token = self._tokens[source] = sas.SASToken.model_validate_json(text)
                except ValidationError:
                    raise LandloomError(
                        f"{source} answers with no token; is source.sign right for this catalogue?"
                    ) from None
        return f"{url}{'&' if urlsplit(url).query else '?'}{token.token}"

    def renew(self, url: str) -> None:
        """Forget the token of this URL's container."""
        with self._lock:
            self._tokens.pop(self._source(url) or "", None)

    @staticmethod
    def _source(url: str) -> str | None:
        """Where the token for this URL is had."""
        parts = urlsplit(url)
        if not parts.netloc.endswith(sas.BLOB_STORAGE_DOMAIN) or "sig=" in parts.query:
            return None
        account, container = sas.parse_blob_url(parts)
        return f"{Settings.get().sas_url}/{account}/{container}"

"""The API key or token of a service, from the environment. It is added to a request and stands nowhere else."""

from __future__ import annotations

import os
from urllib.parse import quote, urlsplit

from tasks.core.errors import LandloomError


class Key:
    """Signs requests to one host."""

    def __init__(self, variable: str, url: str):
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise LandloomError(f"source.url: a key is sent over https only, and {url} is not")
        value = os.environ.get(variable, "").strip()
        if not value:
            raise LandloomError(f"source.key: the environment has no ${variable}; export it, or set key: null")
        self._host, self._value = parts.netloc, value

    def sign(self, url: str) -> str:
        """The URL with the key, where it leads to the service's host. `plain` removes a `token` from any URL."""
        if urlsplit(url).netloc != self._host:
            return url
        return f"{url}{'&' if urlsplit(url).query else '?'}token={quote(self._value, safe='')}"

    def renew(self, url: str) -> None:
        """A key from the environment has no successor: the service turned it down."""
        raise LandloomError(
            f"{urlsplit(url).netloc} turns the key of source.key down; is it current, and for this service?"
        )

"""Hosts that turn us away. Nothing that they send instead of a file is stored, and a host that blocks is left alone."""

from __future__ import annotations

from threading import Lock
from typing import NoReturn

from tasks.acquire.common.source import Refusal
from tasks.core.errors import LandloomError


class Denied(LandloomError):
    """A host turned us away, by a status code or by a block page. No further request goes to it in this run."""


class Unreachable(LandloomError):
    """A file could not be had after many tries: the host stays away, or sends something else again and again."""


class Blocks:
    """What is known of the hosts of one run. Several threads can use it at once.

    One web page in place of a file can be a dead link, so it refuses one file. The second page in a row is a block.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._denied: dict[str, str] = {}
        self._pages: set[str] = set()

    def may_ask(self, host: str) -> None:
        """Raise `Denied` if the host turned us away before."""
        if host in self._denied:
            raise Denied(self._denied[host])

    def deny(self, host: str, url: str, what: str) -> NoReturn:
        """Send nothing more to the host, and raise `Denied`. `what` says what came."""
        message = (
            f"{url} {what}; nothing of it was stored. Is the access open, the URL right? A host that blocks for too "
            "many requests opens again after a while: run again then, what has come is kept"
        )
        with self._lock:
            message = self._denied.setdefault(host, message)
        raise Denied(message)

    def leave(self, host: str, why: str) -> None:
        """Send nothing more to the host in this run."""
        with self._lock:
            self._denied.setdefault(host, why)

    def page(self, host: str, url: str, what: str) -> NoReturn:
        """A web page or an error document came instead of a file: refuse the file, or stop at the second in a row."""
        with self._lock:
            again = host in self._pages
            self._pages.add(host)
        if again:
            self.deny(host, url, what)
        raise Refusal(f"the server {what}")

    def file(self, host: str) -> None:
        """A file came, so that the pages before it were no block."""
        with self._lock:
            self._pages.discard(host)

"""A server that behaves badly on purpose, and watches that its clients behave well."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from tests.acquire.server import Handler, Route, Server

SLOW = 0.06  # seconds, the longest that an answer takes to begin
GRACE = 0.3  # seconds in which requests that were on their way when a wait was told may still come


class Watch:
    """What clients did: when each request came, how many at a time, and which came within a wait that was told."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.arrivals: list[float] = []
        self.active = self.most_active = self.within_waits = 0
        self._waits: list[tuple[float, float]] = []

    @contextmanager
    def request(self) -> Iterator[None]:
        with self._lock:
            now = time.monotonic()
            self.arrivals.append(now)
            self.active += 1
            self.most_active = max(self.most_active, self.active)
            self.within_waits += any(start < now < end for start, end in self._waits)
        try:
            yield
        finally:
            with self._lock:
                self.active -= 1

    def tell_wait(self, seconds: float) -> None:
        now = time.monotonic()
        with self._lock:
            self._waits.append((now + GRACE, now + seconds - 0.05))

    def most_within(self, seconds: float) -> int:
        """The largest number of requests in any span of so many seconds."""
        times, first, most = sorted(self.arrivals), 0, 0
        for last, moment in enumerate(times):
            while times[first] < moment - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most


class Rude:
    """A server that spoils the answers of some routes: throttles, drops one connection in ten, states wrong lengths.

    Attributes:
        did: how often each of these happened. sent: whole and honest answers, by path.
    """

    def __init__(self, seed: int = 0, throttled: float = 0.04, dropped: float = 0.1, lied: float = 0.05):
        self.server, self.watch, self.did, self.sent = Server(), Watch(), Counter[str](), Counter[str]()
        self._down = threading.Event()
        self._random, self._lock = random.Random(seed), threading.Lock()
        self._shares = (("throttled", throttled), ("dropped", dropped), ("lied", lied))

    def spoil(self, route: Route) -> Route:
        """The route with bad behaviour."""

        def spoiled(handler: Handler) -> None:
            with self.watch.request():
                self._answer(handler, route)

        return spoiled

    def restart_after(self, requests: int, down_s: float) -> None:
        """Wait for so many requests, break all connections, and come back on the same port after `down_s` seconds."""
        while len(self.watch.arrivals) < requests:
            time.sleep(0.02)
        self._down.set()
        routes, port = self.server.routes, self.server.port
        self.server.close()
        time.sleep(down_s)
        self.server = Server(port)
        self.server.routes.update(routes)
        self._down.clear()
        self.did["restarted"] += 1

    def _pick(self) -> tuple[str | None, float]:
        with self._lock:
            at, chance = self._random.random(), self._random.random()
            for kind, share in self._shares:
                if at < share:
                    self.did[kind] += 1
                    return kind, chance
                at -= share
            return None, chance

    def _answer(self, handler: Handler, route: Route) -> None:
        if self._down.is_set():
            handler.close_connection = True
            return
        kind, chance = self._pick()
        time.sleep(SLOW * chance)
        if kind == "throttled" and chance < 0.7:
            wait = 1 if chance < 0.5 else 2
            self.watch.tell_wait(wait)
            handler.answer(429, b"slow down", Retry_After=wait)
        elif kind == "throttled":
            handler.answer(503, b"busy")
        elif kind == "dropped" and chance < 0.5:
            handler.close_connection = True  # without a word
        elif kind:
            plain = handler.answer

            def worse(status: int, body: bytes, **headers: object) -> None:
                handler.answer = plain  # type: ignore[method-assign]
                part = int(len(body) * chance)
                if kind == "dropped":
                    handler.cut(status, body[:part], len(body), **headers)
                elif chance < 0.5:
                    handler.cut(status, body, len(body) + 1 + part, **headers)  # announces more than there is
                else:
                    handler.cut(status, body, part, **headers)  # announces less than there is

            handler.answer = worse  # type: ignore[method-assign]
            route(handler)
        else:
            route(handler)
            with self._lock:
                self.sent[handler.path] += 1

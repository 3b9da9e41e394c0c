"""The budget: what was spent, what may still be spent, and the most that one request can cost."""

from __future__ import annotations

import threading

from tasks.caption.prose.settings import Api


class Budget:
    """Reserves the bound of a request, and releases what it did not cost. Spent and reserved never exceed the cap.

    All requests have one bound, so that a second run stops where the first one stopped. Before the first answer it
    takes every byte of text as a token, and what the parameters say of the picture. The first request goes alone. From
    then on the bound is the largest input that an answer told, and every byte of the longest facts as one more token:
    requests differ in nothing else. The answer counts at its longest.
    """

    def __init__(self, api: Api, spent: float, text_bytes: int, facts_bytes: int):
        """Start with what was spent before.

        Args:
            spent: US dollars. text_bytes: of the longest request. facts_bytes: of the longest part that differs.
        """
        self._api, self._changed = api, threading.Condition()
        self._spent, self._reserved = spent, 0.0
        self._text, self._facts = text_bytes, facts_bytes
        self.seen: int | None = None  # the largest input that an answer told, in tokens
        self._stopped: str | None = None

    @property
    def spent(self) -> float:
        """US dollars."""
        return self._spent

    @property
    def stopped(self) -> str | None:
        """Why no further request is sent, or None."""
        return self._stopped

    def stop(self, reason: str) -> None:
        """Send no further request."""
        with self._changed:
            self._stopped = self._stopped or reason
            self._changed.notify_all()

    def bound(self, price: float = 1.0) -> float:
        """The most that one request can cost. `price` is the share of the full price."""
        first = self._text + self._api.picture_tokens
        return price * self.cost(first if self.seen is None else self.seen + self._facts, self._api.most_tokens)

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """The cost of so many tokens at the full price."""
        usd = self._api.usd_per_million
        return (tokens_in * usd.input + tokens_out * usd.output) / 1e6

    def room(self) -> float:
        """Requests at the full price that the cap still has room for."""
        bound = self.bound()
        return (self._api.cap_usd - self._spent - self._reserved) // bound if bound else float("inf")

    def reserve(self, price: float = 1.0, wait: bool = True) -> float | None:
        """Set aside the bound of one request; None if the cap or a stop forbids it.

        While other requests are on their way, it waits: they may cost less than their bound. With `wait=False` it never
        waits.
        """
        with self._changed:
            while self._stopped is None:
                usd = self.bound(price)
                if self._spent + self._reserved + usd <= self._api.cap_usd + 1e-12:
                    self._reserved += usd
                    return usd
                if self._reserved <= 1e-12 or not wait:
                    if wait:
                        self._stopped = f"the cap of {self._api.cap_usd:g} USD is reached"
                        self._changed.notify_all()
                    return None
                self._changed.wait()
            return None

    def settle(self, reserved: float, cost: float) -> None:
        """A request is over: it cost `cost` of what was reserved for it."""
        with self._changed:
            self._reserved = max(0.0, self._reserved - reserved)
            self._spent += cost
            self._changed.notify_all()

    def learn(self, tokens_in: int) -> None:
        """An answer tells the tokens of its input."""
        with self._changed:
            self.seen = max(self.seen or 0, tokens_in)

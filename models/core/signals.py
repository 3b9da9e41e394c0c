"""Records SIGTERM and SIGINT, so that a training can finish its step and save before it ends."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

SAME_WISH_S = 3.0


@contextmanager
def recorded() -> Iterator[list[int]]:
    """Record SIGTERM and SIGINT instead of exiting. A later signal of the same kind has its previous effect.

    A scheduler and a launcher often send the same signal shortly after each other. The two signals are one request
    to stop.
    """
    received: list[int] = []
    first: dict[int, float] = {}

    def note(number: int, frame: object) -> None:
        received.append(number)
        if time.monotonic() - first.setdefault(number, time.monotonic()) >= SAME_WISH_S:
            signal.signal(number, before[number])
            os.kill(os.getpid(), number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""Arrays whose memory is used again, once nobody holds them any more.

Memory fresh from the system costs a page fault for every 4 kB that is written to it: for decoded
batches of large tiles that is a tenth of the time.
"""

from __future__ import annotations

import weakref
from collections import defaultdict, deque
from math import prod

import numpy as np

_KEPT = 6  # idle buffers of one size; more are given back to the system


class Buffers:
    """Stands in for `np.empty`. May be used from several threads."""

    def __init__(self) -> None:
        self._idle: dict[int, deque[memoryview]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def empty(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """An array with arbitrary content that no living array shares memory with."""
        size = prod(shape) * np.dtype(dtype).itemsize
        if not size:
            return np.empty(shape, dtype)
        idle = self._idle[size]
        try:
            memory = idle.pop()
        except IndexError:
            memory = memoryview(np.empty(size, np.uint8))
        # Every view of `array`, and every tensor made from it, keeps `array` itself alive (numpy follows
        # bases down to the first array that lies on something else); when it goes, all have gone.
        array = np.frombuffer(memory, dtype)
        weakref.finalize(array, idle.append, memory).atexit = False
        return array.reshape(shape)

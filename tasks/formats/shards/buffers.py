"""Arrays whose memory is reused after the last reference to them is gone.

The first write to each 4 kB page of new memory costs a page fault. For decoded batches of large tiles, page faults
take a tenth of the time.
"""

from __future__ import annotations

import weakref
from collections import defaultdict, deque
from math import prod

import numpy as np

_KEPT = 6  # most idle buffers of one size; further buffers are freed


class Buffers:
    """A pool of buffers whose `empty` replaces `np.empty`. It is thread-safe."""

    def __init__(self) -> None:
        self._idle: dict[int, deque[memoryview]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def empty(self, shape: tuple[int, ...], dtype: str) -> np.ndarray:
        """Return an array with arbitrary content. It shares memory with no array that is still referenced."""
        size = prod(shape) * np.dtype(dtype).itemsize
        if not size:
            return np.empty(shape, dtype)
        idle = self._idle[size]
        try:
            memory = idle.pop()
        except IndexError:
            memory = memoryview(np.empty(size, np.uint8))
        # Each view of `array`, and each tensor made from it, keeps a reference to `array`, because numpy sets the base
        # of a view to the array that does not own its memory. So the end of `array` is the end of all of them.
        array = np.frombuffer(memory, dtype)
        weakref.finalize(array, idle.append, memory).atexit = False
        return array.reshape(shape)

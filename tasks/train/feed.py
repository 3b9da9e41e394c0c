"""Prepares batches ahead of the training: threads read, turn and encode the tiles."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from models.core.method import Batch
from tasks.formats.shards.loader import Loader


class Feed:
    """An endless iterator of batches.

    Args:
        loader: its position is the first batch. Only this object may use it from now on.
        prepare: function from the arrays of one batch to the batch. It runs in a thread, for `readers` batches at a
            time.
        ahead: largest number of prepared batches that wait. They hide the time of a slow read.
        pin: put batches into page-locked memory, so that a GPU copies them while it computes.
        readers: number of batches that are prepared at the same time. Their order stays the same.
    """

    def __init__(
        self,
        loader: Loader,
        prepare: Callable[[dict[str, np.ndarray]], Batch],
        ahead: int,
        pin: bool,
        readers: int = 1,
    ):
        self._loader, self._prepare, self._pin, self._readers = loader, prepare, pin, readers
        self._state = loader.state()
        self._ready: queue.Queue[tuple[Batch, dict[str, Any]] | BaseException] = queue.Queue(ahead)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="feed", daemon=True)
        self._thread.start()

    def __next__(self) -> Batch:
        item = self._ready.get()
        if isinstance(item, BaseException):
            raise item
        batch, self._state = item
        return batch

    def state(self) -> dict[str, Any]:
        """The position of the loader after the last returned batch; waiting batches do not count."""
        return self._state

    def close(self) -> None:
        """Stop the thread."""
        self._closed.set()
        while self._thread.is_alive():
            try:
                self._ready.get(timeout=0.05)  # the thread may wait for space in the queue
            except queue.Empty:
                continue

    def _fill(self) -> None:
        waiting: deque[tuple[Future[Batch], dict[str, Any]]] = deque()
        try:
            with ThreadPoolExecutor(self._readers, thread_name_prefix="reader") as pool:
                for arrays in self._loader.stream():
                    waiting.append((pool.submit(self._made, arrays), self._loader.state()))
                    if len(waiting) < self._readers:
                        continue
                    future, state = waiting.popleft()
                    batch = future.result()
                    if self._closed.is_set():
                        return
                    self._ready.put((batch, state))
        except BaseException as error:  # noqa: BLE001 - `__next__` raises it
            self._ready.put(error)

    def _made(self, arrays: dict[str, np.ndarray]) -> Batch:
        batch = self._prepare(arrays)
        return batch.pinned() if self._pin else batch

"""Prepares batches ahead of the training: one thread reads, turns and encodes the tiles."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from models.core.method import Batch
from tasks.formats.shards.loader import Loader


class Feed:
    """An endless iterator of batches.

    Args:
        loader: its position is the first batch. Only this object may use it from now on.
        prepare: function of (arrays of one batch, the epoch in which it ends) that returns the batch. It runs in the
            thread.
        ahead: largest number of prepared batches that wait. They hide the time of a slow read.
        pin: put batches into page-locked memory, so that a GPU copies them while it computes.
    """

    def __init__(self, loader: Loader, prepare: Callable[[dict[str, np.ndarray], int], Batch], ahead: int, pin: bool):
        self._loader, self._prepare, self._pin = loader, prepare, pin
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
        try:
            for arrays in self._loader.stream():
                state = self._loader.state()
                batch = self._prepare(arrays, state["epoch"])
                if self._pin:
                    batch = batch.pinned()
                if self._closed.is_set():
                    return
                self._ready.put((batch, state))
        except BaseException as error:  # noqa: BLE001 - `__next__` raises it
            self._ready.put(error)

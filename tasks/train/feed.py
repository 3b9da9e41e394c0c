"""Batches that are ready before the training asks for them: one thread reads, turns and encodes."""

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
        loader: stands where the batches begin; nobody else uses it from here on.
        prepare: (arrays of one batch, the epoch in which it ends) to the batch. Runs in the thread.
        ahead: prepared batches that may wait, so that a slow read costs no time.
        pin: put batches into page-locked memory, from where a GPU fetches them while it computes.
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
        """Where the loader stood after the batch last given out; batches that wait do not count."""
        return self._state

    def close(self) -> None:
        """Stop the thread."""
        self._closed.set()
        while self._thread.is_alive():
            try:
                self._ready.get(timeout=0.05)  # it may be waiting for room
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

"""Batches ready before they are asked for: read, turned, encoded in one thread beside the training."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from torch import Tensor

from tasks.formats.shards.loader import Loader

AHEAD = 4  # prepared batches that may wait: a slow read is hidden by so many steps


class Feed:
    """An endless iterator of batches of tensors.

    Args:
        loader: where to begin; it belongs to the feed from here on.
        prepare: arrays of one batch and the epoch it ends in, to tensors. Runs in the thread.
        pin: put batches into page-locked memory, from where a GPU fetches them while it computes.
    """

    def __init__(self, loader: Loader, prepare: Callable[[dict[str, np.ndarray], int], dict[str, Tensor]], pin: bool):
        self._loader, self._prepare, self._pin = loader, prepare, pin
        self._state = loader.state()
        self._ready: queue.Queue[tuple[dict[str, Tensor], dict[str, Any]] | BaseException] = queue.Queue(AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._fill, name="feed", daemon=True)
        self._thread.start()

    def __next__(self) -> dict[str, Tensor]:
        item = self._ready.get()
        if isinstance(item, BaseException):
            raise item
        batch, self._state = item
        return batch

    def state(self) -> dict[str, Any]:
        """Where the loader stood after the batch last given out; those that wait do not count."""
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
                    batch = {name: value.pin_memory() for name, value in batch.items()}
                if self._closed.is_set():
                    return
                self._ready.put((batch, state))
        except BaseException as error:  # noqa: BLE001 - it is raised where the batch is asked for
            self._ready.put(error)

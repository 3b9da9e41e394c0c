"""Keeps prepared tiles in memory, so that a small dataset is prepared once and not again in each epoch."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from models.core.method import Batch

Make = Callable[[np.ndarray], Batch]
"""Prepares the tiles at these places of a batch, bool (n,)."""


class Prepared:
    """Prepared tiles by row and turn. Threads may share it.

    What is kept is what `make` gave. A method prepares each tile by itself, so batches are the same with and without
    this memory. When it is full, further tiles are prepared each time.

    Args:
        rows: largest row number plus one. turns: number of turns of a tile. limit: bytes to use at most.
    """

    def __init__(self, rows: int, turns: int, limit: int):
        self._slots = np.full((rows, turns), -1, np.int64)
        self._limit, self._used, self._room = limit, 0, 0
        self._tensors: dict[str, Tensor] = {}
        self._conditions: dict[str, Tensor] = {}
        self._lock = threading.Lock()

    def batch(self, rows: np.ndarray, turns: np.ndarray, make: Make) -> Batch:
        """The batch of tiles (n,) in their turns (n,)."""
        slots = self._slots[rows, turns]
        missing = slots < 0
        if not missing.any():
            return self._kept(torch.from_numpy(slots))
        made = make(missing)
        self._keep(rows[missing], turns[missing], made)
        if missing.all():
            return made
        place = np.empty(len(rows), np.int64)  # in the kept tiles of this batch, then the made ones
        place[~missing] = np.arange((~missing).sum())
        place[missing] = np.arange(missing.sum()) + (~missing).sum()
        order, kept = torch.from_numpy(place), self._kept(torch.from_numpy(slots[~missing]))
        return Batch(_joined(kept.tensors, made.tensors, order), _joined(kept.conditions, made.conditions, order))

    def _kept(self, slots: Tensor) -> Batch:
        parts = (self._tensors, self._conditions)
        return Batch(*({name: store.index_select(0, slots) for name, store in part.items()} for part in parts))

    def _keep(self, rows: np.ndarray, turns: np.ndarray, made: Batch) -> None:
        with self._lock:
            if not self._room:
                self._reserve(made)
            new = np.flatnonzero(self._slots[rows, turns] < 0)  # another thread may have made some of them
            new = new[: self._room - self._used]
            slots = np.arange(self._used, self._used + len(new))
            self._used += len(new)
            taken, target = torch.from_numpy(new), torch.from_numpy(slots)
            for stores, values in ((self._tensors, made.tensors), (self._conditions, made.conditions)):
                for name, value in values.items():
                    stores[name].index_copy_(0, target, value.index_select(0, taken))
            self._slots[rows[new], turns[new]] = slots  # last: a reader takes no lock

    def _reserve(self, made: Batch) -> None:
        """Reserve memory for all tiles, or for as many as the limit allows; pages are used when they are written."""
        values = [*made.tensors.values(), *made.conditions.values()]
        each = sum(value[0].numel() * value.element_size() for value in values)
        self._room = max(1, min(self._slots.size, self._limit // each))
        for stores, given in ((self._tensors, made.tensors), (self._conditions, made.conditions)):
            stores |= {
                name: torch.empty(self._room, *value.shape[1:], dtype=value.dtype) for name, value in given.items()
            }


def _joined(one: dict[str, Tensor], other: dict[str, Tensor], order: Tensor) -> dict[str, Tensor]:
    return {name: torch.cat([values, other[name]]).index_select(0, order) for name, values in one.items()}

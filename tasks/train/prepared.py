"""Keeps prepared tiles in memory, so that a small dataset is not prepared again in each epoch."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

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
        rows: largest row number plus one. turns: largest turn plus one.
        most: number of tiles in all turns that can occur. limit: bytes to use at most.
    """

    def __init__(self, rows: int, turns: int, most: int, limit: int):
        self._slots = np.full((rows, turns), -1, np.int64)
        self._most, self._limit, self._used = most, limit, 0
        self._room: int | None = None  # until the first tile says how large a tile is
        self._tensors: dict[str, Tensor] = {}
        self._conditions: dict[str, Tensor] = {}
        self._lock = threading.Lock()

    def batch(self, rows: np.ndarray, turns: np.ndarray, make: Make) -> Batch:
        """The batch of tiles (n,) in their turns (n,)."""
        with self._lock:
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
        """Keep what has room. A slot never changes once it has a tile, so `_kept` needs no lock."""
        with self._lock:
            if self._room is None:
                self._reserve(made)
            tiles = rows * self._slots.shape[1] + turns
            _, first = np.unique(tiles, return_index=True)  # a batch can have a tile twice
            new = first[self._slots[rows[first], turns[first]] < 0]  # another thread may have made some of them
            new = new[: self._room - self._used]
            slots = np.arange(self._used, self._used + len(new))
            taken, target = torch.from_numpy(new), torch.from_numpy(slots)
            for stores, values in ((self._tensors, made.tensors), (self._conditions, made.conditions)):
                for name, value in values.items():
                    stores[name].index_copy_(0, target, value.index_select(0, taken))
            self._slots[rows[new], turns[new]] = slots
            self._used += len(new)

    def _reserve(self, made: Batch) -> None:
        """Reserve memory for all tiles, or for as many as the limit allows."""
        values = [*made.tensors.values(), *made.conditions.values()]
        each = sum(value[0].numel() * value.element_size() for value in values)
        self._room = min(self._most, self._limit // each)
        for stores, given in ((self._tensors, made.tensors), (self._conditions, made.conditions)):
            for name, value in given.items():
                empty = np.empty((self._room, *value.shape[1:]), value.numpy().dtype)
                stores[name] = torch.from_numpy(empty)  # torch's own would write to every page of it


def _joined(one: Mapping[str, Tensor], other: Mapping[str, Tensor], order: Tensor) -> dict[str, Tensor]:
    return {name: torch.cat([values, other[name]]).index_select(0, order) for name, values in one.items()}

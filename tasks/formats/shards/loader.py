"""Batches of tiles in a seeded order, for any number of ranks.

The order of an epoch is a permutation of the rows of the split. It depends only on the seed and the number of the
epoch. All ranks share this order: of the next `batch × world` rows, rank r takes every `world`-th row, starting with
row r. A position is the epoch and the number of rows that all ranks have seen in it. A run can resume at a position
with another number of ranks and keeps the same global order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from tasks.core.errors import LandloomError
from tasks.formats.shards.buffers import Buffers
from tasks.formats.shards.shardset import ShardSet

Batch = dict[str, np.ndarray]
Plan = Iterator[tuple[np.ndarray, np.ndarray, tuple[int, int]]]
"""Yields the rows of each batch of this rank, the epoch of each row, and the position (epoch, samples) after it."""

# Number of batches that are decoded in advance and in parallel, so that no decoder idles at the end of a batch. Raw
# tiles are copied on request, because passing the copy to a thread would take longer.
_AHEAD = 2


class Loader:
    """Batches of one split: the arrays of `ShardSet.batch`, and of each tile its row number as `row` and the epoch that
    shows it as `epoch`, both int64 (n,).

    `for batch in loader` stops at the end of the current epoch; `loader.stream()` never stops.

    Args:
        batch: rows in a batch of one rank.
        seed: determines the order, together with the number of the epoch.
        rank, world: the rank of this process and the number of ranks.
        epoch, samples: where to start, as `state` returns it; `samples` counts the rows of all ranks in the epoch.
        drop_last: end an epoch before a global batch that is not full. Otherwise the last batches are smaller, and
            a rank can have one batch fewer than another rank. `stream` has only full batches and drops no row: one
            batch can hold the end of an epoch and the start of the next epoch.
        read: whether to read the tiles; without, a batch is `row` and `epoch` alone.

    Raises:
        ValueError: `batch`, `rank` or `world` is not valid.
        LandloomError: the split is empty, or has fewer rows than `samples`.
    """

    def __init__(
        self,
        shards: ShardSet,
        split: str,
        batch: int,
        seed: int,
        rank: int = 0,
        world: int = 1,
        epoch: int = 0,
        samples: int = 0,
        drop_last: bool = True,
        read: bool = True,
    ):
        self.shards, self.split, self.batch, self.seed = shards, split, batch, seed
        self.rank, self.world, self.drop_last = rank, world, drop_last
        self.epoch, self.samples, self._reads = epoch, samples, read
        self.rows = shards.rows(split)
        self._buffers = Buffers()
        if batch < 1 or not 0 <= rank < world:
            raise ValueError(f"batch {batch}, rank {rank} of {world}: no such share")
        if not len(self.rows):
            raise LandloomError(f"{shards.folder}: split {split} is empty; keep more tiles in select")
        if not 0 <= samples <= len(self.rows):
            raise LandloomError(
                f"{shards.folder}: cannot go on from sample {samples} of split {split}, which has {len(self.rows)}; "
                "the position is from another data set"
            )

    def __iter__(self) -> Iterator[Batch]:
        """Yield the rest of the current epoch. Afterwards, the position is the start of the next epoch."""
        if self.drop_last and len(self.rows) < self.batch * self.world:
            raise LandloomError(
                f"{self.shards.folder}: split {self.split} has {len(self.rows)} tiles, fewer than one batch "
                f"({self.batch} on each of {self.world}); use a smaller batch or keep more tiles"
            )
        yield from self._run(self._one_epoch())
        self.epoch, self.samples = self.epoch + 1, 0

    def stream(self) -> Iterator[Batch]:
        """Yield full batches without end."""
        return self._run(self._endless())

    def state(self) -> dict[str, int]:
        """Return the position after the last yielded batch. A new loader with these values continues there."""
        return {"seed": self.seed, "epoch": self.epoch, "samples": self.samples}

    def order(self, epoch: int) -> np.ndarray:
        """Return all rows of the split in the order of one epoch."""
        return np.random.default_rng([self.seed, epoch]).permutation(self.rows)

    def _one_epoch(self) -> Plan:
        epoch, samples, order = self.epoch, self.samples, self.order(self.epoch)
        step = self.batch * self.world
        while samples < len(order):
            chunk = order[samples : samples + step]
            if len(chunk) < step and self.drop_last:
                return
            samples += len(chunk)
            rows = chunk[self.rank :: self.world]
            yield rows, np.full(len(rows), epoch), (epoch, samples)

    def _endless(self) -> Plan:
        epoch, samples, order = self.epoch, self.samples, self.order(self.epoch)
        step = self.batch * self.world
        while True:
            chunk = order[samples : samples + step]
            epochs = np.full(len(chunk), epoch)
            samples += len(chunk)
            while len(chunk) < step:
                epoch += 1
                order = self.order(epoch)
                samples = min(len(order), step - len(chunk))
                chunk = np.concatenate([chunk, order[:samples]])
                epochs = np.concatenate([epochs, np.full(samples, epoch)])
            yield chunk[self.rank :: self.world], epochs[self.rank :: self.world], (epoch, samples)

    def _run(self, plan: Plan) -> Iterator[Batch]:
        """Yield the batches of a plan. The position moves when a batch is yielded, not when it is decoded."""
        if not self._reads or self.shards.spec.record_bytes is not None:
            for rows, epochs, position in plan:
                yield from self._give(rows, epochs, self._read(rows) if self._reads else {}, position)
            return
        waiting: deque[tuple[np.ndarray, np.ndarray, Future[Batch], tuple[int, int]]] = deque()
        pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="ahead")
        try:
            for rows, epochs, position in plan:
                waiting.append((rows, epochs, pool.submit(self._read, rows), position))
                if len(waiting) > _AHEAD:
                    rows, epochs, future, position = waiting.popleft()
                    yield from self._give(rows, epochs, future.result(), position)
            for rows, epochs, future, position in waiting:
                yield from self._give(rows, epochs, future.result(), position)
        finally:
            pool.shutdown(cancel_futures=True)

    def _read(self, rows: np.ndarray) -> Batch:
        return self.shards.batch(rows, empty=self._buffers.empty)

    def _give(self, rows: np.ndarray, epochs: np.ndarray, arrays: Batch, position: tuple[int, int]) -> Iterator[Batch]:
        self.epoch, self.samples = position
        if len(rows):
            yield {**arrays, "row": rows, "epoch": epochs}

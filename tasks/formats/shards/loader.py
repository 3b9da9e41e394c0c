"""Batches of tiles in a seeded order, exact to the row, over any number of ranks.

The order of epoch e is one permutation of the split's rows, from (seed, e) alone. All ranks walk it
together: of the next `batch × world` rows rank r takes every `world`-th, beginning with the r-th. A
position is therefore the epoch and the number of rows that all ranks together have seen in it, and a
run can go on from there under another number of ranks, with the same global order.
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
Plan = Iterator[tuple[np.ndarray, tuple[int, int]]]
"""Rows of the next batch of this rank, and the position (epoch, samples) after it."""

# Batches decoded in advance, side by side, so that no decoder waits for the last tile of a batch. Raw tiles
# are copied when they are asked for: handing that to a thread would take longer.
_AHEAD = 2


class Loader:
    """Batches of one split: the arrays of `ShardSet.batch`, and `row`, int64 (n,), their row numbers.

    `for batch in loader` runs to the end of the current epoch; `loader.stream()` never ends.

    Args:
        batch: rows a batch and rank.
        seed: with the epoch's number, decides the order.
        rank, world: which share of each global batch this process takes.
        epoch, samples: where to start, as `state` gave it; `samples` counts the rows of all ranks in the epoch.
        drop_last: end an epoch before a global batch that would not be full. Without it, the last batches
            are smaller, and a rank may have one batch fewer than another. A stream has full batches only
            and drops nothing: one batch may hold the end of an epoch and the beginning of the next.
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
    ):
        self.shards, self.split, self.batch, self.seed = shards, split, batch, seed
        self.rank, self.world, self.drop_last = rank, world, drop_last
        self.epoch, self.samples = epoch, samples
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
        """The rest of the current epoch; afterwards the loader stands at the beginning of the next."""
        if self.drop_last and len(self.rows) < self.batch * self.world:
            raise LandloomError(
                f"{self.shards.folder}: split {self.split} has {len(self.rows)} tiles, fewer than one batch "
                f"({self.batch} on each of {self.world}); use a smaller batch or keep more tiles"
            )
        yield from self._run(self._one_epoch())
        self.epoch, self.samples = self.epoch + 1, 0

    def stream(self) -> Iterator[Batch]:
        """Batches without end, all full."""
        return self._run(self._endless())

    def state(self) -> dict[str, int]:
        """The position after the batch last given out; pass `epoch` and `samples` to a new loader to go on."""
        return {"seed": self.seed, "epoch": self.epoch, "samples": self.samples}

    def order(self, epoch: int) -> np.ndarray:
        """The rows of the whole split in the order of one epoch."""
        return np.random.default_rng([self.seed, epoch]).permutation(self.rows)

    def _one_epoch(self) -> Plan:
        epoch, samples, order = self.epoch, self.samples, self.order(self.epoch)
        step = self.batch * self.world
        while samples < len(order):
            chunk = order[samples : samples + step]
            if len(chunk) < step and self.drop_last:
                return
            samples += len(chunk)
            yield chunk[self.rank :: self.world], (epoch, samples)

    def _endless(self) -> Plan:
        epoch, samples, order = self.epoch, self.samples, self.order(self.epoch)
        step = self.batch * self.world
        while True:
            chunk = order[samples : samples + step]
            samples += len(chunk)
            while len(chunk) < step:
                epoch += 1
                order = self.order(epoch)
                samples = min(len(order), step - len(chunk))
                chunk = np.concatenate([chunk, order[:samples]])
            yield chunk[self.rank :: self.world], (epoch, samples)

    def _run(self, plan: Plan) -> Iterator[Batch]:
        """Carry a plan out; the position moves only as batches are given out, not as they are prepared."""
        if self.shards.spec.record_bytes is not None:
            for rows, position in plan:
                yield from self._give(rows, self._read(rows), position)
            return
        waiting: deque[tuple[np.ndarray, Future[Batch], tuple[int, int]]] = deque()
        pool = ThreadPoolExecutor(_AHEAD, thread_name_prefix="ahead")
        try:
            for rows, position in plan:
                waiting.append((rows, pool.submit(self._read, rows), position))
                if len(waiting) > _AHEAD:
                    rows, future, position = waiting.popleft()
                    yield from self._give(rows, future.result(), position)
            for rows, future, position in waiting:
                yield from self._give(rows, future.result(), position)
        finally:
            pool.shutdown(cancel_futures=True)

    def _read(self, rows: np.ndarray) -> Batch:
        return self.shards.batch(rows, empty=self._buffers.empty)

    def _give(self, rows: np.ndarray, arrays: Batch, position: tuple[int, int]) -> Iterator[Batch]:
        self.epoch, self.samples = position
        if len(rows):
            yield {**arrays, "row": rows}

"""Parallel map over many scenes with one of three engines: serial, processes, or a Dask cluster.

Each item is a batch, such as hundreds of tiles. Results are yielded in the order of the items, and each item is
computed on one thread, so all engines give the same bytes. Only a few items are in flight at the same time, so memory
does not grow with the number of items.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from tasks.core.errors import LandloomError
from tasks.core.settings import Compute

Item = TypeVar("Item")
Result = TypeVar("Result")

AHEAD = 4  # finished results for each worker that can wait while an earlier item runs
GDAL_CACHE_MB = "128"  # for each worker; GDAL's default, 5 % of the memory for each process, is too much for many


class Engine(Protocol):
    """Interface of a place where items are computed."""

    def slots(self) -> int:
        """Return how many items can be in flight now."""

    def submit(self, item: Any) -> Any:
        """Start one item; return a future."""

    def finished(self, futures: Iterable[Any]) -> Iterable[Any]:
        """Wait for at least one of `futures`; return those that are done."""

    def result(self, future: Any) -> Any:
        """Return the result of a done future, or raise the error of its item."""


def parallel_map(fn: Callable[[Item], Result], items: Sequence[Item], compute: Compute) -> Iterator[Result]:
    """Yield `fn(item)` in the order of the items. `fn` and the items must be picklable unless the engine is `serial`.

    Raises:
        LandloomError: a worker died, or the cluster cannot be reached, has other code, or cannot compute an item.
        Exception: the error of the first item, in the order of the items, for which `fn` raised.
    """
    if compute.engine == "serial" or len(items) < 2:
        yield from (alone(fn, item) for item in items)
    elif compute.engine == "processes":
        yield from _processes(fn, items, compute.workers)
    else:
        from tasks.compute.cluster import Cluster  # Dask is slow to import

        with Cluster(compute.engine, fn, items) as cluster:
            yield from in_order(cluster, items)


def alone(fn: Callable[[Item], Result], item: Item) -> Result:
    """Return `fn(item)`, computed on one thread. Workers share the cores, and sums must not depend on their number."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return fn(item)


def in_order(engine: Engine, items: Sequence[Any]) -> Iterator[Any]:
    """Yield the results in the order of the items, with a bounded number of items in flight.

    Results are fetched as soon as they are ready, so that a worker that dies later loses none of them. After an error
    no new item starts. The error is raised in the order of the items, so that every engine raises the same error.
    """
    running: dict[Any, int] = {}
    done: dict[int, tuple[Any, Exception | None]] = {}
    sent, failed = 0, False
    for turn in range(len(items)):
        while True:
            slots = engine.slots()
            while sent < len(items) and not failed and len(running) < slots and sent - turn < AHEAD * slots:
                running[engine.submit(items[sent])] = sent
                sent += 1
            if turn in done:  # checked after new items started, so that workers are busy while the caller uses a result
                break
            for future in engine.finished(running):
                index = running.pop(future)
                try:
                    done[index] = engine.result(future), None
                except Exception as error:  # noqa: BLE001 - raised below, in order
                    done[index], failed = (None, error), True
        result, error = done.pop(turn)
        if error is not None:
            raise error
        yield result


class _Pool:
    """An engine of processes on this machine."""

    def __init__(self, pool: ProcessPoolExecutor, fn: Callable[[Any], Any], workers: int):
        self._pool, self._fn, self._workers = pool, fn, workers

    def slots(self) -> int:
        return self._workers + 1  # one more, so that a pickled item is ready for the next free worker

    def submit(self, item: Any) -> Future[Any]:
        return self._pool.submit(alone, self._fn, item)

    def finished(self, futures: Iterable[Future[Any]]) -> Iterable[Future[Any]]:
        return wait(futures, return_when=FIRST_COMPLETED).done

    def result(self, future: Future[Any]) -> Any:
        return future.result()


def _processes(fn: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    workers = min(workers, len(items))
    # spawn, not fork: threads of GDAL and OpenMP do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), prepare_worker) as pool:
        try:
            yield from in_order(_Pool(pool, fn, workers), items)
        except BrokenProcessPool:
            raise LandloomError(
                "compute: a worker process died (most often for lack of memory); lower compute.workers and run again"
            ) from None


def prepare_worker() -> None:
    """Limit the block cache of GDAL in a worker. Call this before the first read with GDAL."""
    os.environ.setdefault("GDAL_CACHEMAX", GDAL_CACHE_MB)

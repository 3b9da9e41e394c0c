"""The one seam for work over many scenes: serial, processes, or a Dask cluster.

Items are given in batches (hundreds of tiles, never one task a tile). Results come back in the order of
the items whatever finished first, and every item is computed on one thread, so that every engine gives the
same bytes. Only a few items are out at a time, so memory stays flat however many there are.
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

AHEAD = 4  # results a worker that may wait for their turn, while an earlier item takes long
GDAL_CACHE_MB = "128"  # a worker; GDAL's own default, 5 % of the memory for each, is too much where there are many


class Engine(Protocol):
    """Where items are computed."""

    def slots(self) -> int:
        """How many items may be at work now."""

    def submit(self, item: Any) -> Any:
        """Send one item; a future."""

    def finished(self, futures: Iterable[Any]) -> Iterable[Any]:
        """Those of `futures` that are done; waits for at least one."""

    def result(self, future: Any) -> Any:
        """What a done future holds; raises what its item raised."""


def parallel_map(fn: Callable[[Item], Result], items: Sequence[Item], compute: Compute) -> Iterator[Result]:
    """Yield `fn(item)` in order. `fn` and the items must pickle unless the engine is `serial`.

    Raises:
        LandloomError: a worker process died, or the cluster is away, of other code, or cannot compute an item.
        Exception: whatever `fn` raised for the first item, in order, for which it raised.
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
    """`fn(item)` on one thread: workers share the cores, and sums must not depend on how many there are."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return fn(item)


def in_order(engine: Engine, items: Sequence[Any]) -> Iterator[Any]:
    """Yield the results in the items' order, keeping the engine busy and little in flight.

    Results are taken as soon as they are there, so that a worker which dies later loses none of them. An
    error stops new work at once, but is raised only in its turn: every engine raises the same one.
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
            if turn in done:  # looked at after new work went out: nobody waits while the caller handles a result
                break
            for future in engine.finished(running):
                index = running.pop(future)
                try:
                    done[index] = engine.result(future), None
                except Exception as error:  # noqa: BLE001 - raised below, in its turn
                    done[index], failed = (None, error), True
        result, error = done.pop(turn)
        if error is not None:
            raise error
        yield result


class _Pool:
    """Processes of this machine."""

    def __init__(self, pool: ProcessPoolExecutor, fn: Callable[[Any], Any], workers: int):
        self._pool, self._fn, self._workers = pool, fn, workers

    def slots(self) -> int:
        return self._workers + 1  # one is pickled and ready when a worker gets free

    def submit(self, item: Any) -> Future[Any]:
        return self._pool.submit(alone, self._fn, item)

    def finished(self, futures: Iterable[Future[Any]]) -> Iterable[Future[Any]]:
        return wait(futures, return_when=FIRST_COMPLETED).done

    def result(self, future: Future[Any]) -> Any:
        return future.result()


def _processes(fn: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    workers = min(workers, len(items))
    # spawn, not fork: GDAL's and OpenMP's threads do not survive a fork.
    with ProcessPoolExecutor(workers, get_context("spawn"), prepare_worker) as pool:
        try:
            yield from in_order(_Pool(pool, fn, workers), items)
        except BrokenProcessPool:
            raise LandloomError(
                "compute: a worker process died (most often for lack of memory); lower compute.workers and run again"
            ) from None


def prepare_worker() -> None:
    """Bound what GDAL may cache in a worker; must come before GDAL's first read there."""
    os.environ.setdefault("GDAL_CACHEMAX", GDAL_CACHE_MB)

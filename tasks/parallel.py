"""The one seam for work over many scenes: serial, processes, or a Dask cluster.

Items are given in batches (hundreds of tiles, never one task a tile); results come back in the
order of the items whatever finished first, so every engine gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from tasks.errors import LandloomError
from tasks.settings import Compute

Item = TypeVar("Item")
Result = TypeVar("Result")


def parallel_map(fn: Callable[[Item], Result], items: Sequence[Item], compute: Compute) -> Iterator[Result]:
    """Yield `fn(item)` in order. `fn` and the items must pickle unless the engine is `serial`."""
    if compute.engine == "serial" or len(items) < 2:
        yield from map(fn, items)
    elif compute.engine == "processes":
        yield from _processes(fn, items, compute.workers)
    else:
        yield from _dask(fn, items, compute.engine)


def _processes(fn: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    # spawn, not fork: GDAL's and OpenMP's threads do not survive a fork.
    with ProcessPoolExecutor(min(workers, len(items)), mp_context=get_context("spawn")) as pool:
        try:
            yield from pool.map(fn, items)
        except BrokenProcessPool:
            raise LandloomError(
                "compute: a worker process died (most often for lack of memory); lower compute.workers and run again"
            ) from None


def _dask(fn: Callable[[Item], Result], items: Sequence[Item], address: str) -> Iterator[Result]:
    from distributed import Client

    try:
        client = Client(address, timeout="30s")
    except OSError as error:
        raise LandloomError(f"compute.engine: no Dask scheduler answers at {address}: {error}") from None
    with client:
        futures = client.map(fn, items, pure=False)
        for future in futures:
            yield future.result()
            future.release()

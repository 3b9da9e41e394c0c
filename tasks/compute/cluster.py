"""A Dask cluster as an engine of `tasks.compute.parallel`: admission of workers, and recovery from failures.

Workers read and write `data/` themselves, so they must see the folder of this checkout at the same path (a shared
file system). They must run the same code and the same libraries, with the same arithmetic. Each worker must have one
thread, because GDAL's datasets and caches belong to one thread. A worker that differs would silently write other
bytes. Therefore each worker is compared with this process before its first item, also if it joins later.
"""

from __future__ import annotations

import asyncio
import ctypes
import hashlib
import pickle
import platform
import time
import uuid
import warnings
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import distributed
from distributed.comm import connect as connect_comm
from distributed.versions import VersionMismatchWarning

from tasks.compute.parallel import alone, prepare_worker
from tasks.core import arithmetic
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.core.settings import ROOT

CONNECT_S = 15  # seconds for a scheduler to answer
ALONE_S = 60  # seconds to wait while the cluster has no worker
LOOK_S = 2  # seconds between two counts of the workers
FAREWELL_S = 60  # seconds for running items to end after an error, so that none writes into a deleted folder
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # from malloc.h
LIBRARIES = (
    "dask", "distributed", "numpy", "scipy", "pandas", "pyarrow", "geopandas", "shapely", "pyproj", "rasterio",
    "numba", "opencv-python-headless", "pillow", "scikit-learn", "torch", "openai",
)  # fmt: skip


Facts = tuple[tuple[str, str], ...]


def _facts() -> Facts:
    """Return all facts that determine the bytes of a worker: Python, processor, libraries, and a hash of each room."""
    facts = {
        "Python": _minor(platform.python_version()),
        "processor": platform.machine(),
        "arithmetic": arithmetic.NAME,
    }
    for name in LIBRARIES:
        try:
            facts[name] = version(name)
        except PackageNotFoundError:
            facts[name] = "none"
    rooms: dict[str, hashlib._Hash] = {}
    for path in sorted(path for package in ("tasks", "models") for path in (ROOT / package).rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        room = rooms.setdefault("/".join(name.split("/")[:2]), hashlib.sha256())
        room.update(f"{name}\0{file_sha256(path)}\0".encode())
    return tuple({**facts, **{name: room.hexdigest()[:16] for name, room in rooms.items()}}.items())


def _minor(python: str) -> str:
    return ".".join(python.split(".")[:2])


# Recorded at import, because a worker does not run files that are edited later.
FACTS = _facts()

# Dask pickles a lambda by value. A worker without our code can therefore report that, instead of a failed unpickling.
_ON_WORKER = lambda *work: __import__("importlib").import_module("tasks.compute.cluster").compute(*work)  # noqa: E731


def compute(work: bytes, facts: Facts, mark: Path) -> Any:
    """Check this worker, then compute one item.

    Args:
        work: the pickled function and item. facts: `FACTS` of the driver.
        mark: a file in the checkout of the driver, which the worker must see.
    """
    _admit(facts, mark)
    fn, item = pickle.loads(work)
    return alone(fn, item)


@cache
def _admit(facts: Facts, mark: Path) -> None:
    """Raise LandloomError if this worker differs from `facts`, has several threads, or does not see `mark`."""
    worker = distributed.get_worker()
    _compare(f"Dask worker {worker.address}", dict(FACTS), dict(facts))
    if worker.state.nthreads != 1:
        raise LandloomError(
            f"compute.engine: Dask worker {worker.address} has {worker.state.nthreads} threads; "
            "start it with `--nthreads 1` and as many `--nworkers` as it should use cores"
        )
    if not mark.exists():
        raise LandloomError(
            f"compute.engine: Dask worker {worker.address} does not see {mark.parents[2]}, where data/ lies; "
            "mount that folder there at the same path"
        )
    prepare_worker()
    _reuse_memory()


def _reuse_memory() -> None:
    """Let glibc keep freed memory for the next array, up to the limits of its own dynamic adjustment.

    Dask starts workers with a MALLOC_TRIM_THRESHOLD_ of 64 KiB. A fixed threshold also disables glibc's adjustment, so
    that the kernel must supply new pages for each array above 128 KiB. This made the caption stage 50 % slower.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # other C libraries have neither
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 32 * 2**20)
        mallopt(_M_TRIM_THRESHOLD, 64 * 2**20)


def _compare(who: str, theirs: dict[str, str], ours: dict[str, str]) -> None:
    """Raise LandloomError that names the first fact that differs."""
    for name, value in ours.items():
        if theirs.get(name) == value:
            continue
        if "/" in name:
            raise LandloomError(
                f"compute.engine: {who} runs other code than this checkout ({name} differs); "
                "start it again, from the same commit"
            )
        if name == "arithmetic":
            raise LandloomError(
                f"compute.engine: {who} computes with {theirs.get(name)} arithmetic, here it is {value}; start it as "
                "docs/cluster.md says, with the variables of tasks.core.arithmetic"
            )
        raise LandloomError(
            f"compute.engine: {who} has {name} {theirs.get(name, 'none')}, here it is {value}; "
            "install requirements.lock there and start it again"
        )


class Cluster:
    """An engine for `tasks.compute.parallel.in_order`; a context manager that holds the connection.

    If a worker dies, another worker computes its item again. Each worker has only one item at a time. A dead worker
    therefore loses no other item, and an item that kills its workers can be named.
    """

    def __init__(self, address: str, fn: Callable[[Any], Any], items: Sequence[Any]):
        self.address, self._fn, self._count = address, fn, len(items)
        self._name = f"{getattr(fn, 'func', fn).__name__}-{uuid.uuid4().hex}"  # a partial holds its function as `func`
        self._mark = ROOT / ".landloom" / "dask" / uuid.uuid4().hex
        self._out: dict[distributed.Future, tuple[int, Any]] = {}
        self._sent, self._workers = 0, 0
        self._looked = -LOOK_S
        self._seen = time.monotonic()

    def __enter__(self) -> Cluster:
        self._client = connect(self.address)
        try:
            check_versions(self._client, self.address)
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            self._mark.touch()
        except BaseException:
            self._client.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._out and kind is not KeyboardInterrupt:
            with suppress(Exception), self._client.as_current():  # their results are not needed
                distributed.wait(list(self._out), timeout=FAREWELL_S)
        self._out.clear()
        self._client.close()
        self._mark.unlink(missing_ok=True)

    def slots(self) -> int:
        """Return the number of workers, which can change over time."""
        now = time.monotonic()
        if now - self._looked >= LOOK_S:
            try:
                self._workers = len(self._client.nthreads())
            except Exception as error:  # noqa: BLE001 - every kind of broken connection
                raise self._gone(error) from None
            self._looked = now
            if self._workers:
                self._seen = now
            elif now - self._seen > ALONE_S:
                raise LandloomError(
                    f"compute.engine: the Dask cluster at {self.address} has had no worker for {ALONE_S} s; "
                    "start some (docs/cluster.md) and run again"
                )
        return max(1, self._workers)

    def submit(self, item: Any) -> distributed.Future:
        # Pickled here, so that the scheduler passes bytes on without unpickling tables.
        work = pickle.dumps((self._fn, item), pickle.HIGHEST_PROTOCOL)
        try:
            key = f"{self._name}-{self._sent:06}"
            future = self._client.submit(_ON_WORKER, work, FACTS, self._mark, key=key, pure=False)
        except Exception as error:  # noqa: BLE001 - every kind of broken connection
            raise self._gone(error) from None
        self._out[future] = self._sent, item
        self._sent += 1
        return future

    def finished(self, futures: Iterable[distributed.Future]) -> Iterable[distributed.Future]:
        waiting = list(futures)
        while True:
            try:
                with self._client.as_current():
                    return distributed.wait(waiting, timeout=LOOK_S, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                self.slots()
            except Exception as error:  # noqa: BLE001 - a lost scheduler cancels every future
                raise self._gone(error) from None

    def result(self, future: distributed.Future) -> Any:
        while True:
            try:
                value = future.result(timeout=LOOK_S)
            except Exception as error:  # noqa: BLE001 - told apart below
                if future.status == "error":
                    raise self._reworded(error, *self._out.pop(future)) from error.__cause__
                if not isinstance(error, TimeoutError):
                    raise self._gone(error) from None
                self.slots()  # its worker died before the result arrived; Dask computes it again
            else:
                del self._out[future]
                return value

    def _gone(self, error: Exception) -> LandloomError:
        self._out.clear()  # no future can finish any more
        return LandloomError(
            f"compute.engine: the Dask scheduler at {self.address} went away: {_line(error)}; start it again "
            "(docs/cluster.md), or set compute.engine to `processes`, and run again: nothing was half-written"
        )

    def _reworded(self, error: Exception, index: int, item: Any) -> Exception:
        """Return a LandloomError if an item failed because of the cluster, else the error itself."""
        what = f"item {index + 1} of {self._count}" if type(item).__str__ is object.__str__ else str(item)
        if isinstance(error, distributed.KilledWorker):
            return LandloomError(
                f"compute.engine: {error.allowed_failures + 1} Dask workers died one after the other over {what}, "
                "most often for lack of memory; see their logs, and give them more with `--memory-limit`"
            )
        if isinstance(error, ModuleNotFoundError) and (error.name or "").split(".")[0] in ("tasks", "models"):
            return LandloomError(
                f"compute.engine: the Dask cluster at {self.address} does not find our code ({error}); start its "
                "workers in this checkout, with PYTHONPATH set to it (docs/cluster.md)"
            )
        return error


def connect(address: str) -> distributed.Client:
    """Connect to a scheduler, or raise LandloomError. Certificates for `tls://` come from Dask's own settings."""
    try:
        asyncio.run(_knock(address))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", VersionMismatchWarning)  # `check_versions` reports it
            return distributed.Client(address, timeout=CONNECT_S, set_as_default=False, name="landloom")
    except Exception as error:  # noqa: BLE001 - wrong address, closed port, other protocol, no certificate
        raise LandloomError(
            f"compute.engine: no Dask scheduler answers at {address}: {_line(error)}; start one (docs/cluster.md), "
            "or set compute.engine to `processes`"
        ) from None


async def _knock(address: str) -> None:
    """Test the connection with a time limit.

    A Dask client waits forever for a port that accepts the connection and stays silent. A client that failed to connect
    hangs for half a minute when it is closed.
    """
    security = distributed.Security().get_connection_args("client")
    try:
        comm = await asyncio.wait_for(connect_comm(address, timeout=CONNECT_S, **security), CONNECT_S + 1)
    except TimeoutError:
        raise TimeoutError("what listens there does not speak Dask's protocol") from None
    await comm.close()


def check_versions(client: distributed.Client, address: str) -> None:
    """Raise LandloomError if another version of Python or Dask runs there, because unpickling could fail."""
    found = client.get_versions()
    hosts = {f"scheduler {address}": found["scheduler"]}
    hosts |= {f"worker {name}": facts for name, facts in found["workers"].items()}
    ours = {name: value for name, value in FACTS if name in ("Python", "dask", "distributed")}
    for name, host in hosts.items():
        packages = host["packages"]
        _compare(f"Dask {name}", {**packages, "Python": _minor(packages["python"])}, ours)


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]

"""Fetch the rasters of an area, inspect each, and record where each came from or why it was refused."""

from __future__ import annotations

import errno
import hashlib
import importlib
import json
import shutil
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from tasks.acquire.common.area import Area
from tasks.acquire.common.context import Context
from tasks.acquire.common.georeference import write_georeference, write_vertical
from tasks.acquire.common.inspect import inspect
from tasks.acquire.common.source import Candidate, Delivery, Refusal, Source, Unreadable
from tasks.acquire.params import Params
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_dir
from tasks.core.hashing import file_sha256
from tasks.core.stage import Stage
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tasks.formats.tables.licences import PARTITIONS, Partition, partition_of

_TOLD = 200  # candidates between two words on how the search goes


def run(stage: Stage[Params]) -> None:
    """Write `raw/`: the rasters as published, and `ledger.parquet`."""
    params = stage.params
    area = Area.read(params.area, stage.root)
    source = open_source(stage, area)
    candidates = []
    for candidate in source.items():
        candidates.append(candidate)
        if len(candidates) % _TOLD == 0:  # a polite search of thousands takes many minutes
            stage.say(f"{len(candidates)} rasters found so far")
    if not candidates:
        raise LandloomError(f"acquire.source: {params.source.kind} has no raster in this area; look at acquire.area")
    with _told_when_full(), atomic_dir(stage.dir / "raw") as raw:
        doubts: dict[str, str] = {}
        look = partial(take, raw=raw, area=area, max_pixels=params.max_pixels, allowed=params.allowed, doubts=doubts)
        connections = params.download.connections if getattr(params.source, "remote", False) else 1
        rows = []
        with ThreadPoolExecutor(connections) as pool:
            for row in stage.progress(pool.map(look, candidates), len(candidates), "rasters"):
                if row.refused:
                    stage.say(f"refused {row.key}: {row.refused}")
                elif row.key in doubts:
                    stage.say(f"warning: {row.key} is taken, but {doubts[row.key]}")
                rows.append(row)
        taken = [row for row in rows if row.refused is None]
        if not taken:
            first = Counter(row.refused for row in rows).most_common(1)[0][0]
            raise LandloomError(f"acquire: every one of {len(rows)} rasters was refused; most often: {first}")
        write_ledger(rows, raw)
    stage.say(f"{len(taken)} rasters taken, {len(rows) - len(taken)} refused")
    stage.metrics(
        {
            "rasters": len(taken),
            "refused": len(rows) - len(taken),
            "procedural": sum(row.procedural for row in taken),
            "bytes": sum(row.bytes or 0 for row in taken),
        },
        shown=("rasters", "refused", "bytes"),
    )


@contextmanager
def _told_when_full() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise LandloomError("acquire: the disk is full; make room and run again, downloads are kept") from None


def open_source(stage: Stage[Params], area: Area) -> Source:
    """The source that the parameters name: `open_source` of its folder."""
    params = stage.params
    module = importlib.import_module(f"tasks.acquire.sources.{params.source.kind}.source")
    return module.open_source(params.source, area, Context(stage.root, stage.state_dir, params.download))


def take(
    candidate: Candidate,
    raw: Path,
    area: Area,
    max_pixels: int,
    allowed: Collection[Partition] = PARTITIONS,
    doubts: dict[str, str] | None = None,
) -> LedgerRow:
    """Put one candidate into `raw`, or nothing of it where it is refused; return its row in both cases.

    Args:
        allowed: the partitions of licences that are taken. Nothing of another partition is fetched.
        doubts: gets, by its key, why a raster that is taken may be something else than heights.
    """
    row = partial(
        LedgerRow,
        key=candidate.key,
        source=candidate.source,
        licence=candidate.licence,
        attribution=candidate.attribution,
        url=candidate.url,
        procedural=candidate.procedural,
        facts=json.dumps(candidate.facts, ensure_ascii=False, sort_keys=True) if candidate.facts else None,
    )
    partition = partition_of(candidate.licence)
    if partition not in allowed:
        wanted = ", ".join(allowed)
        reason = f"its licence ({candidate.licence[:200]}) is {partition}; acquire.partitions takes {wanted}"
        return row(layer=candidate.layers[0], refused=reason)
    # A folder of its own, so that GDAL sees no neighbour's sidecar and a refused raster leaves nothing behind.
    lobby = raw / f".{_file_key(candidate.key)}"
    delivery = Delivery()
    try:
        lobby.mkdir()
        delivery = candidate.deliver(lobby)
        path = lobby / candidate.name
        write_georeference(path, candidate.override)
        found = inspect(path, candidate.layers, candidate.override, max_pixels, candidate.beside)
        box = (found.west, found.south, found.east, found.north)
        if None not in box and not area.intersects(*box):  # type: ignore[arg-type]
            raise Refusal("outside the area")
        if found.vertical is not None:
            write_vertical(path, found.vertical)
        if found.doubt and doubts is not None:
            doubts[candidate.key] = found.doubt
        for file in sorted(item for item in lobby.rglob("*") if item.is_file()):
            target = raw / file.relative_to(lobby)
            target.parent.mkdir(parents=True, exist_ok=True)
            file.replace(target)
    except Refusal as refusal:
        if isinstance(refusal, Unreadable):
            delivery.forget()
        return row(layer=candidate.layers[0], refused=str(refusal))
    except Exception as error:  # noqa: BLE001 - one odd raster must not end the run
        if _of_the_machine(error, raw):
            raise
        reason = " ".join(str(error).replace(f"{lobby}/", "").split())[:300]
        return row(layer=candidate.layers[0], refused=f"it cannot be handled: {type(error).__name__}: {reason}")
    finally:
        shutil.rmtree(lobby, ignore_errors=True)
    path = raw / candidate.name
    return row(
        layer=found.layer,
        path=candidate.name,
        etag=delivery.etag,
        modified=delivery.modified,
        sha256=delivery.sha256 or file_sha256(path),
        bytes=path.stat().st_size,
        crs=found.crs,
        nodata=found.nodata,
        west=found.west,
        south=found.south,
        east=found.east,
        north=found.north,
    )


def _of_the_machine(error: Exception, raw: Path) -> bool:
    """Whether an error has its cause outside the raster: another raster would meet it too."""
    if isinstance(error, LandloomError | MemoryError):
        return True
    machine = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.ENOMEM)
    denied = (errno.EACCES, errno.EPERM)  # in our own folder; a file of the source may be unreadable alone
    if not isinstance(error, OSError):
        return False
    return error.errno in machine or (error.errno in denied and str(error.filename or "").startswith(str(raw)))


def _file_key(key: str) -> str:
    """A key as one plain file name."""
    return hashlib.sha256(key.encode()).hexdigest()[:16]

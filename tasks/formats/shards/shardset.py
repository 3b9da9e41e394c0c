"""Shard sets: a folder of TFRecord files with a card and an index. numpy reads any rows in any order.

    shards = ShardSet(Path("data/terrain/shards"))
    rows = shards.rows("train")            # row numbers into shards.index
    shards.heights(rows[:64])              # float32 (64, px, px), metres
    shards.batch(rows[:64])                # every array of the records: height, color, label

Records of fixed length are copied out of a memory map. Encoded records are read and decoded by several threads. The
checksum of a record is checked each time it is decoded, or the first time it is copied.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from tasks.core.errors import LandloomError
from tasks.formats.shards.records import RecordSpec, decode_record, key_entry
from tasks.formats.shards.tfrecord import read_index, unframe
from tasks.formats.tables.table import read_table

FORMAT = "landloom-shards/1"
SPLITS = ("train", "val")
AGAIN = "run `dvc checkout` to restore it, or `dvc repro` to make it again"
_OPEN_FILES = 256  # most shards that are open at the same time; a common limit of a process is 1,024 files


class ShardSet:
    """One folder of shards. It is thread-safe, but forked processes must not share it.

    Attributes:
        card: `card.json`: px, gsd, encoding, spec, counts, height statistics, sources (see `tasks/shard/card.py`).
        spec: the layout of the records.
        px: side of a tile in pixels.
        index: `index.parquet`: one row for each tile with shard, record, offset, length, key, split, caption and the
            columns of the tile table. Row numbers are positions in this table.
    """

    def __init__(self, folder: Path, threads: int | None = None):
        """Open `folder` and compare its files with its index.

        Args:
            threads: number of decoding threads; None for one on each core, at most 8.

        Raises:
            LandloomError: a file is missing, damaged, or does not fit the index.
        """
        self.folder = Path(folder)
        self.card = _read_card(self.folder)
        self.spec = RecordSpec.from_json(self.card["spec"])
        self.px = int(self.card["px"])
        self.index = read_table(self.folder / "index.parquet").reset_index(drop=True)
        self._names = [shard["name"] for shard in self.card["shards"]]
        self._shard = pd.Index(self._names).get_indexer(self.index["shard"])
        self._offset = self.index["offset"].to_numpy(np.int64)
        self._length = self.index["length"].to_numpy(np.int64)
        self._key = self.index["key"].to_numpy(object)
        self._checked = np.zeros(len(self.index), bool)
        self._files: dict[int, _ShardFile] = {}
        self._lock = Lock()
        self._threads = threads or min(8, os.cpu_count() or 1)
        self._check_files()

    def __len__(self) -> int:
        return len(self.index)

    def rows(self, split: str) -> np.ndarray:
        """Return the row numbers of one split (train or val), int64 (n,), in the order of the keys."""
        if split not in SPLITS:
            raise ValueError(f"there is no split {split!r}; there are {', '.join(SPLITS)}")
        return np.flatnonzero(self.index["split"].to_numpy() == split)

    def heights(self, rows: np.ndarray) -> np.ndarray:
        """Return heights in metres, float32 (n, px, px), NaN for void."""
        return self.batch(rows, ("height",))["height"]

    def batch(
        self, rows: np.ndarray, names: Iterable[str] | None = None, empty: Callable[..., np.ndarray] = np.empty
    ) -> dict[str, np.ndarray]:
        """Return the arrays of `rows`, in the order of `rows`.

        Args:
            names: names of the arrays; None for all.
            empty: function with the signature of `np.empty` that allocates the arrays.

        Returns:
            height float32 (n, px, px) metres; color uint8 (n, px, px, 3) RGB; label uint8 (n, px, px), 255 no class.

        Raises:
            LandloomError: the tiles have no such array, or a record is damaged.
        """
        fields = {field.name: field for field in self.spec.fields}
        names = tuple(fields) if names is None else tuple(names)
        missing = [name for name in names if name not in fields]
        if missing:
            raise LandloomError(f"{self.folder}: the tiles have no {missing[0]}; they have {', '.join(fields)}")
        out = {name: empty((len(rows), *fields[name].shape), fields[name].dtype) for name in names}
        if self.spec.record_bytes is not None:
            self._copy(rows, out)
        else:
            self._decode(rows, out)
        return out

    def record(self, row: int) -> bytes:
        """Return the bytes of one record with its frame."""
        return self._file(self._shard[row]).read(int(self._offset[row]), int(self._length[row]))

    def damage(self, row: int) -> str | None:
        """Return what is wrong with one record, or None."""
        arrays = {field.name: np.empty(field.shape, field.dtype) for field in self.spec.fields}
        return self._try(row, arrays)

    def view(self, shard: str, name: str) -> np.ndarray:
        """Return one array of all records of one shard, (n, px, px[, 3]), as a read-only view of the file.

        Raises:
            LandloomError: the records are encoded, so the arrays have no fixed offsets.
        """
        if self.spec.record_bytes is None:
            raise LandloomError(f"{self.folder}: encoded tiles have no view; only `encoding: raw` has")
        field = next(field for field in self.spec.fields if field.name == name)
        count = int((self._shard == self._names.index(shard)).sum())
        inner = np.empty(field.shape, field.dtype).strides
        return np.ndarray(
            (count, *field.shape),
            field.dtype,
            self._file(self._names.index(shard)).map,
            self.spec.offsets[name],
            (self.spec.record_bytes, *inner),
        )

    def _copy(self, rows: np.ndarray, out: dict[str, np.ndarray]) -> None:
        """Read records of fixed length: copy each array of each row.

        Slices of bytes cost no more than fancy indexing of a strided array, for any number of shards in a batch.
        """
        unseen = rows[~self._checked[rows]]
        if len(unseen):
            self._check(unseen)
        shards, offsets = self._shard[rows].tolist(), self._offset[rows].tolist()
        maps = {shard: self._file(shard).view for shard in set(shards)}
        for name, array in out.items():
            target = memoryview(array).cast("B") if array.size else memoryview(b"")
            size, start, position = array.nbytes // max(1, len(rows)), self.spec.offsets[name], 0
            for shard, offset in zip(shards, offsets, strict=True):
                source = offset + start
                target[position : position + size] = maps[shard][source : source + size]
                position += size

    def _check(self, rows: np.ndarray) -> None:
        """Check checksums and keys of records of fixed length, and note that they were checked."""
        text_at = self.spec.text_at
        for row in rows.tolist():
            record = self.record(row)
            try:
                unframe(record)
            except ValueError as error:
                raise LandloomError(self._say(row, str(error))) from None
            if not record.startswith(key_entry(self._key[row]), text_at):
                raise LandloomError(self._say(row, "it holds another tile than the index says"))
            self._checked[row] = True

    def _decode(self, rows: np.ndarray, out: dict[str, np.ndarray]) -> None:
        """Read, check and decode encoded records on several threads. Reading and decoding release the GIL."""
        work = [(row, {name: array[at] for name, array in out.items()}) for at, row in enumerate(rows.tolist())]
        run = map if self._threads == 1 or len(work) < 2 else self._pool.map
        for row, problem in zip(rows.tolist(), run(lambda item: self._try(*item), work), strict=True):
            if problem:
                raise LandloomError(self._say(row, problem))

    def _try(self, row: int, out: dict[str, np.ndarray]) -> str | None:
        try:
            key, _ = decode_record(self.spec, self.record(row), out)
        except ValueError as error:
            return str(error)
        return None if key == self._key[row] else f"it holds tile {key!r}, not the one the index says"

    def _say(self, row: int, problem: str) -> str:
        shard, record, key = (self.index[column].iat[row] for column in ("shard", "record", "key"))
        return f"{self.folder / shard}: record {record} (tile {key}) is damaged: {problem}; {AGAIN}"

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(self._threads, thread_name_prefix="decode")

    def _file(self, shard: int) -> _ShardFile:
        with self._lock:
            file = self._files.get(shard)
            if file is None:
                if len(self._files) >= _OPEN_FILES:
                    self._files.pop(next(iter(self._files)))  # closed after its last use
                file = self._files[shard] = _ShardFile(self.folder / self._names[shard])
            return file

    def _check_files(self) -> None:
        """Raise LandloomError if the sizes of the shards, the `.idx` files and `index.parquet` do not agree."""
        if (self._shard < 0).any():
            name = self.index["shard"][self._shard < 0].iloc[0]
            raise LandloomError(f"{self.folder / 'index.parquet'}: names {name}, which the card does not; {AGAIN}")
        order = np.argsort(self._shard, kind="stable")
        bounds = np.searchsorted(self._shard[order], np.arange(len(self._names) + 1))
        for shard, name in enumerate(self._names):
            path, rows = self.folder / name, order[bounds[shard] : bounds[shard + 1]]
            table = np.stack([self._offset[rows], self._length[rows]], axis=1)
            try:
                size = path.stat().st_size
            except OSError as error:
                raise LandloomError(f"{path}: this shard cannot be read: {error.strerror}; {AGAIN}") from None
            end = int(table.sum(axis=1).max(initial=0))
            if size != end:
                short = int((table.sum(axis=1) > size).sum())
                lost = f"cut short, {short} of {len(rows)} records are lost" if short else "longer than its index says"
                raise LandloomError(f"{path}: {size} bytes where the index says {end}: {lost}; {AGAIN}")
            if not np.array_equal(read_index(path), table):
                raise LandloomError(f"{path.with_suffix('.idx')}: does not match index.parquet; {AGAIN}")


class _ShardFile:
    """One open shard: reads at an offset, and a memory map that is created at first use."""

    def __init__(self, path: Path):
        self._path = path
        try:
            self._fd = os.open(path, os.O_RDONLY)
        except OSError as error:
            raise LandloomError(f"{path}: this shard cannot be read: {error.strerror}; {AGAIN}") from None

    def __del__(self) -> None:
        if hasattr(self, "_fd"):
            os.close(self._fd)

    def read(self, offset: int, length: int) -> bytes:
        """Read `length` bytes at `offset`, or fewer at the end of the file. This releases the GIL."""
        try:
            return os.pread(self._fd, length, offset)
        except OSError as error:
            raise LandloomError(f"{self._path}: cannot be read at byte {offset}: {error.strerror}") from None

    @cached_property
    def map(self) -> mmap.mmap:
        return mmap.mmap(self._fd, 0, access=mmap.ACCESS_READ)

    @cached_property
    def view(self) -> memoryview:
        return memoryview(self.map)


def verify(folder: Path) -> int:
    """Check all records of a set; return their number.

    Raises:
        LandloomError: a record is damaged. The message names the first one and counts the others.
    """
    shards = ShardSet(folder, threads=1)
    damaged = [(row, problem) for row in range(len(shards)) if (problem := shards.damage(row))]
    if damaged:
        more = f" ({len(damaged) - 1} more of {len(shards)} records are damaged)" if len(damaged) > 1 else ""
        raise LandloomError(shards._say(*damaged[0]) + more)
    return len(shards)


def _read_card(folder: Path) -> dict[str, Any]:
    path = folder / "card.json"
    try:
        card = json.loads(path.read_text())
    except FileNotFoundError:
        raise LandloomError(f"{path}: missing; run the shard stage first (`dvc repro` does)") from None
    except (OSError, ValueError) as error:
        raise LandloomError(f"{path}: not a readable card: {error}; {AGAIN}") from None
    found = card.get("format") if isinstance(card, dict) else None
    if found != FORMAT:
        raise LandloomError(f"{path}: format is {found!r}, this version reads {FORMAT!r}; run `dvc repro`")
    return card

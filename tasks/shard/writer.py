"""One shard: one worker writes all its records."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd

from tasks.core.errors import LandloomError
from tasks.formats.shards.records import RecordSpec, encode_record, payload_bytes
from tasks.formats.shards.tfrecord import index_path, index_text
from tasks.shard.tile_pixels import TilePixels


@dataclass(frozen=True)
class ShardJob:
    """Input of a worker: the tiles in the order of the records, with a `caption` column."""

    path: Path
    split: str
    tiles: pd.DataFrame
    data: Path
    scenes: gpd.GeoDataFrame
    px: int
    spec: RecordSpec

    def __str__(self) -> str:
        return f"shard {self.path.name}"


@dataclass
class ShardResult:
    """Result of a shard: bytes of each record, payload, and figures of the pixels for the card."""

    name: str
    split: str
    lengths: list[int] = field(default_factory=list)
    payload: int = 0
    heights: list[tuple[float, float, float, float, int]] = field(default_factory=list)
    """For each tile with a height: lowest, highest, mean, sum of squared deviations, pixels with a height."""
    void_pixels: int = 0
    class_pixels: np.ndarray = field(default_factory=lambda: np.zeros(256, np.int64))


def write_shard(job: ShardJob) -> ShardResult:
    """Write the shard and its `.idx`.

    Raises:
        LandloomError: the disk is full or cannot be written, or a scene cannot be read.
    """
    result = ShardResult(job.path.name, job.split)
    layers = [field.name for field in job.spec.fields]
    try:
        with job.path.open("wb") as stream, TilePixels(job.data, job.scenes, layers, job.px) as pixels:
            for tile in job.tiles.itertuples():
                arrays = pixels.read(tile)
                try:
                    record = encode_record(job.spec, tile.key, tile.caption, arrays)
                except ValueError as error:
                    raise LandloomError(f"tile {tile.key}: cannot be stored: {error}") from None
                stream.write(record)
                result.lengths.append(len(record))
                result.payload += payload_bytes(job.spec, record, tile.key, tile.caption)
                _measure(result, arrays)
            stream.flush()
            os.fsync(stream.fileno())  # a full disk can raise its error only here
        index_path(job.path).write_text(index_text(result.lengths))
    except OSError as error:
        raise disk_error(job.path, error) from None
    return result


def disk_error(path: Path, error: OSError) -> LandloomError:
    """The error for a disk that is full or not writable."""
    return LandloomError(
        f"{path.parent.parent}: the shards cannot be written: {error.strerror or error}; nothing was kept: "
        "free some room, or lower select.quota or shard.px, and run again"
    )


def _measure(result: ShardResult, arrays: dict[str, np.ndarray]) -> None:
    if "height" in arrays:
        known = arrays["height"][~np.isnan(arrays["height"])].astype(np.float64)
        result.void_pixels += arrays["height"].size - known.size
        if known.size:
            mean = float(known.mean())
            spread = float(np.square(known - mean).sum())
            result.heights.append((float(known.min()), float(known.max()), mean, spread, known.size))
    if "label" in arrays:
        result.class_pixels += np.bincount(arrays["label"].ravel(), minlength=256)

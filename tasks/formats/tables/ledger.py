"""The ledger: one row for every published raster that acquire fetched or refused.

`raw/ledger.parquet` says where each byte came from and under which terms. It holds nothing that
differs between two equal acquisitions: `modified` is the publisher's own date, never the clock.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from tasks.formats.tables.table import read_table, write_table

LAYERS = ("height", "color")
"""What a raster may supply: heights in metres (one band), or RGB (three bands, uint8)."""

SCHEMA = pa.schema(
    [
        ("key", pa.string()),  # unique, sorted; names the raster in every message
        ("layer", pa.string()),
        ("source", pa.string()),  # sample, files, stac
        ("path", pa.string()),  # relative to raw/; null where refused
        ("url", pa.string()),
        ("etag", pa.string()),
        ("sha256", pa.string()),
        ("bytes", pa.int64()),
        ("modified", pa.string()),
        ("licence", pa.string()),
        ("attribution", pa.string()),
        ("procedural", pa.bool_()),  # computed, not measured: must never pass for real data
        ("crs", pa.string()),  # what to read it as (WKT); null for a picture with no place on Earth
        ("nodata", pa.float64()),  # what to read as void; null where none is declared
        ("west", pa.float64()),  # footprint in degrees, WGS 84; west > east means across 180°
        ("south", pa.float64()),
        ("east", pa.float64()),
        ("north", pa.float64()),
        ("refused", pa.string()),  # why it was left out; null where it was taken
    ]
)


@dataclass(frozen=True)
class LedgerRow:
    """One raster. Field meanings: see `SCHEMA`."""

    key: str
    layer: str
    source: str
    licence: str
    attribution: str
    path: str | None = None
    url: str | None = None
    etag: str | None = None
    sha256: str | None = None
    bytes: int | None = None
    modified: str | None = None
    procedural: bool = False
    crs: str | None = None
    nodata: float | None = None
    west: float | None = None
    south: float | None = None
    east: float | None = None
    north: float | None = None
    refused: str | None = None


def write_ledger(rows: list[LedgerRow], raw: Path) -> None:
    """Write `raw/ledger.parquet`, sorted by key; two rows of one key are a defect."""
    frame = pd.DataFrame([asdict(row) for row in rows], columns=SCHEMA.names)
    if frame["key"].duplicated().any():
        raise ValueError(f"ledger: key {frame['key'][frame['key'].duplicated()].iloc[0]!r} stands twice")
    write_table(frame.sort_values("key"), raw / "ledger.parquet", SCHEMA)


def read_ledger(raw: Path) -> pd.DataFrame:
    """All rows, refused ones too."""
    return read_table(raw / "ledger.parquet")

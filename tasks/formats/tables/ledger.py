"""The ledger: `raw/ledger.parquet` has one row for each published raster that acquire fetched or refused.

It records the origin and the licence of each raster. It is the same for two equal acquisitions: `modified` is the date
that the publisher states, not the time of the download.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from tasks.formats.tables.licences import partition_of
from tasks.formats.tables.table import read_table, write_table

LAYERS = ("height", "color")
"""The layers that a raster can supply: heights in metres (one band), or RGB (three bands, uint8)."""

SCHEMA = pa.schema(
    [
        ("key", pa.string()),  # unique, sorted; messages name the raster by it
        ("layer", pa.string()),
        ("source", pa.string()),  # kind of the source: sample, files, stac …
        ("path", pa.string()),  # relative to raw/; null if refused
        ("url", pa.string()),
        ("etag", pa.string()),
        ("sha256", pa.string()),
        ("bytes", pa.int64()),
        ("modified", pa.string()),
        ("licence", pa.string()),
        ("partition", pa.string()),  # of the licence, by `tasks.formats.tables.licences`
        ("attribution", pa.string()),
        ("procedural", pa.bool_()),  # true if computed and not measured; it must never pass for real data
        ("crs", pa.string()),  # WKT to read the raster with; null for a picture without a place on Earth
        ("nodata", pa.float64()),  # value of void pixels; null if none is declared
        ("west", pa.float64()),  # footprint in degrees, WGS 84; west > east if it crosses 180°
        ("south", pa.float64()),
        ("east", pa.float64()),
        ("north", pa.float64()),
        ("facts", pa.string()),  # JSON object of what the publisher says of it: title, date, language; null if nothing
        ("refused", pa.string()),  # reason of the refusal; null if the raster was taken
    ]
)


@dataclass(frozen=True)
class LedgerRow:
    """One raster. `SCHEMA` describes the fields. The column `partition` follows from `licence`."""

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
    facts: str | None = None
    refused: str | None = None


def write_ledger(rows: list[LedgerRow], raw: Path) -> None:
    """Write `raw/ledger.parquet`, sorted by key.

    Raises:
        ValueError: two rows have the same key.
    """
    frame = pd.DataFrame([asdict(row) | {"partition": partition_of(row.licence)} for row in rows], columns=SCHEMA.names)
    if frame["key"].duplicated().any():
        raise ValueError(f"ledger: key {frame['key'][frame['key'].duplicated()].iloc[0]!r} occurs twice")
    write_table(frame.sort_values("key"), raw / "ledger.parquet", SCHEMA)


def read_ledger(raw: Path) -> pd.DataFrame:
    """Return all rows, including those of refused rasters."""
    return read_table(raw / "ledger.parquet")


TERMS = ("source", "licence", "attribution", "procedural")
FEW = 5  # attributions of one licence that are told apart; photographs have one each, which no page can list


def by_terms(ledger: pd.DataFrame) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """Rows that share their terms, with the values of `TERMS`; groups are sorted by these.

    The rows of one licence with more than `FEW` attributions are one group, whose attribution says so.
    """
    for values, rows in ledger.groupby(["source", "licence", "procedural"], sort=True, dropna=False):
        terms = dict(zip(("source", "licence", "procedural"), values, strict=True))
        named = rows["attribution"].nunique(dropna=False)
        if named > FEW:
            several = f"{named:,} different ones, each in the ledger beside its raster"
            yield {name: {**terms, "attribution": several}[name] for name in TERMS}, rows
            continue
        for attribution, group in rows.groupby("attribution", sort=True, dropna=False):
            yield {name: {**terms, "attribution": attribution}[name] for name in TERMS}, group

"""Sources: `sources.parquet` has one row for each raw raster, with its scenes or the reason of its refusal."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from tasks.formats.tables.table import read_table, write_table

SCHEMA = pa.schema(
    [
        ("key", pa.string()),  # the ledger's key
        ("layer", pa.string()),  # height or color
        ("partition", pa.string()),  # of its licence, as in the ledger
        (
            "gsd",
            pa.float64(),
        ),  # metres a pixel at the centre; null without a place on Earth, or if refused before it was read
        ("scenes", pa.list_(pa.string())),  # sorted; empty if refused
        ("stage", pa.string()),  # the stage that refused it, acquire or project; null if taken
        ("refused", pa.string()),  # the reason; null if taken
    ]
)


def write_sources(frame: pd.DataFrame, path: Path) -> None:
    """Write the table, sorted by key."""
    write_table(frame.sort_values("key"), path, SCHEMA)


def read_sources(path: Path) -> pd.DataFrame:
    """Return all rasters of the ledger, taken and refused."""
    return read_table(path)

"""Sources: one row for every raw raster in `sources.parquet`: the scenes it went to, or why it went to none."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from tasks.formats.tables.table import read_table, write_table

SCHEMA = pa.schema(
    [
        ("key", pa.string()),  # the ledger's key
        ("layer", pa.string()),  # height or color
        (
            "gsd",
            pa.float64(),
        ),  # metres a pixel at its centre; null where it has no place on Earth or was refused unread
        ("scenes", pa.list_(pa.string())),  # sorted; empty where refused
        ("stage", pa.string()),  # who refused it, acquire or project; null where taken
        ("refused", pa.string()),  # the reason; null where taken
    ]
)


def write_sources(frame: pd.DataFrame, path: Path) -> None:
    """Write the table, sorted by key."""
    write_table(frame.sort_values("key"), path, SCHEMA)


def read_sources(path: Path) -> pd.DataFrame:
    """All rasters of the ledger, taken and refused."""
    return read_table(path)

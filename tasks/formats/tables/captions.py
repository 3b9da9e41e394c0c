"""Captions: `captions.parquet` has one row for each kept tile. It is empty if the dataset has no captions."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from tasks.formats.tables.table import read_table, write_table

SCHEMA = pa.schema(
    [
        ("key", pa.string()),  # key of the tile
        ("text", pa.string()),
        ("facts", pa.string()),  # JSON object: measured facts that the text may state
        ("method", pa.string()),  # facts, or the name of a describer
        ("model", pa.string()),  # null if no model wrote the text
        ("cost_usd", pa.float64()),
    ]
)


def write_captions(frame: pd.DataFrame, path: Path) -> None:
    """Write the table, sorted by key."""
    write_table(frame.sort_values("key"), path, SCHEMA)


def read_captions(path: Path) -> pd.DataFrame:
    """Return the table, indexed by tile key. It is empty if the dataset has no captions."""
    return read_table(path).set_index("key")


def empty_captions() -> pd.DataFrame:
    """Return the table of a dataset without captions."""
    return SCHEMA.empty_table().to_pandas()

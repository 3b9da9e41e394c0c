"""Captions: one row a kept tile in `captions.parquet`; the table is empty where nothing is captioned."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from tasks.formats.tables.table import read_table, write_table

SCHEMA = pa.schema(
    [
        ("key", pa.string()),  # the tile
        ("text", pa.string()),
        ("facts", pa.string()),  # JSON object: what the text may say, measured from the data
        ("method", pa.string()),  # facts, or the name of a describer
        ("model", pa.string()),  # null where no model wrote it
        ("cost_usd", pa.float64()),
    ]
)


def write_captions(frame: pd.DataFrame, path: Path) -> None:
    """Write the table, sorted by key."""
    write_table(frame.sort_values("key"), path, SCHEMA)


def read_captions(path: Path) -> pd.DataFrame:
    """The table, indexed by tile key; empty where the dataset has no captions."""
    return read_table(path).set_index("key")


def empty_captions() -> pd.DataFrame:
    """What a dataset without captions writes."""
    return SCHEMA.empty_table().to_pandas()

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
        ("method", pa.string()),  # facts or prose
        ("text_from", pa.string()),  # template, or model if a model wrote the text
        ("reason", pa.string()),  # why a template stands in for the model, or which sentence was left out; else null
        ("model", pa.string()),  # null if no model wrote the text
        ("cost_usd", pa.float64()),  # of the text, with the answers that were rejected
        ("request", pa.string()),  # content key of the request to the model; null without
        ("answers", pa.string()),  # all that came for the request and what it cost, a JSON list; null without
        ("attribution", pa.string()),  # whom to name for the name of the place; null without
    ]
)


NULL_WITHOUT = ("reason", "model", "request", "answers", "attribution")
"""Columns that may be left out where all of their values are null."""


def write_captions(frame: pd.DataFrame, path: Path) -> None:
    """Write the table, sorted by key."""
    missing = {name: None for name in NULL_WITHOUT if name not in frame.columns}
    write_table(frame.assign(**missing).sort_values("key"), path, SCHEMA)


def read_captions(path: Path) -> pd.DataFrame:
    """Return the table, indexed by tile key. It is empty if the dataset has no captions."""
    return read_table(path).set_index("key")


def empty_captions() -> pd.DataFrame:
    """Return the table of a dataset without captions."""
    return SCHEMA.empty_table().to_pandas()

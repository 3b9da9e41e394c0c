"""The class card `labels/classes.parquet`: the classes of a dataset; empty where it has no labels."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from tasks.formats.tables.table import read_table, write_table

SCHEMA = pa.schema(
    [
        ("id", pa.uint8()),
        ("name", pa.string()),
        ("red", pa.uint8()),
        ("green", pa.uint8()),
        ("blue", pa.uint8()),
    ]
)
NO_CLASS = 255


def write_classes(frame: pd.DataFrame, labels: Path) -> None:
    """Write the class card, sorted by id."""
    write_table(frame.sort_values("id"), labels / "classes.parquet", SCHEMA)


def read_classes(labels: Path) -> pd.DataFrame:
    """The class card; empty where the dataset has no labels."""
    return read_table(labels / "classes.parquet")


def empty_classes() -> pd.DataFrame:
    """What a dataset without labels writes."""
    return SCHEMA.empty_table().to_pandas()

"""The class table `labels/classes.parquet`: the classes of a dataset. It is empty if the dataset has no labels."""

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
    """Write the class table into the folder `labels`, sorted by id."""
    write_table(frame.sort_values("id"), labels / "classes.parquet", SCHEMA)


def read_classes(labels: Path) -> pd.DataFrame:
    """Return the class table. It is empty if the dataset has no labels."""
    return read_table(labels / "classes.parquet")


def empty_classes() -> pd.DataFrame:
    """Return the class table of a dataset without labels."""
    return SCHEMA.empty_table().to_pandas()

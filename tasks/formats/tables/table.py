"""Parquet tables: the same rows give the same bytes, and writes are atomic."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file


def write_table(frame: pd.DataFrame, path: Path, schema: pa.Schema) -> None:
    """Write a table with the columns of `schema`, in its order and with its types.

    Raises:
        ValueError: a column is missing or not in the schema.
    """
    if set(frame.columns) != set(schema.names):
        odd = sorted(set(frame.columns) ^ set(schema.names))
        raise ValueError(f"{path.name}: columns differ from the schema: {odd}")
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    with atomic_file(path) as part:
        pq.write_table(table.replace_schema_metadata(None), part, compression="zstd")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table.

    Raises:
        LandloomError: the file is missing or unreadable.
    """
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise LandloomError(f"{path}: missing; run the stage that writes it (`dvc repro` does)") from None
    except (OSError, pa.ArrowException) as error:
        raise LandloomError(f"{path}: not a readable Parquet table: {error}") from None

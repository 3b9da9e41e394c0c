"""Parquet tables that are the same bytes for the same rows, and never half-written."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file


def write_table(frame: pd.DataFrame, path: Path, schema: pa.Schema) -> None:
    """Write the columns of `schema`, in its order and types; a missing or extra column is a defect."""
    if set(frame.columns) != set(schema.names):
        odd = sorted(set(frame.columns) ^ set(schema.names))
        raise ValueError(f"{path.name}: columns differ from the schema: {odd}")
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    with atomic_file(path) as part:
        pq.write_table(table.replace_schema_metadata(None), part, compression="zstd")


def read_table(path: Path) -> pd.DataFrame:
    """Read a table; an unreadable one is told by name."""
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        raise LandloomError(f"{path}: missing; run the stage that writes it (`dvc repro` does)") from None
    except (OSError, pa.ArrowException) as error:
        raise LandloomError(f"{path}: not a readable Parquet table: {error}") from None

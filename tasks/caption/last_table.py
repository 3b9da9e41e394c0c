"""The last `captions.parquet` that DVC knows, with answers that another machine paid or asked for.

DVC removes an output before the stage runs, but `dvc.lock` names its last version, and the cache or a remote holds it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd


def last_table(root: Path, table: str, say: Callable[[str], None]) -> pd.DataFrame | None:
    """The last table; None where there is none, or where it cannot be had. The latter is told: it may cost money.

    Args:
        root: the repository. table: path of the table below it.
    """
    if not (root / ".dvc").is_dir():
        return None
    from dvc import api
    from dvc.exceptions import DvcException

    try:
        with api.open(table, repo=str(root), mode="rb") as stream:
            return pd.read_parquet(io.BytesIO(stream.read()))
    except FileNotFoundError:  # no run before this one
        return None
    except (DvcException, OSError, ValueError) as error:
        say(f"the last version of {table} cannot be read ({error}); what it answers is asked for again")
        return None

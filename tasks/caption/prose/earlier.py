"""Answers that another machine paid for: they come with the last `captions.parquet` that DVC knows.

DVC removes an output before the stage runs, but `dvc.lock` names its last version, and the cache or a remote holds it.
So a fresh clone, a worker or a reproduction takes over every answer that is in the table, and pays for none of them.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from tasks.caption.prose.store import Store


def adopt_earlier(store: Store, root: Path, table: str, say: Callable[[str], None]) -> int:
    """Copy the answers of the last table into the store, those of other requests too; return how many requests.

    Args:
        root: the repository. table: path of the table below it.
    """
    earlier = _read(root, table, say)
    if earlier is None or "answers" not in earlier.columns:
        return 0
    paid = earlier[earlier["request"].notna() & earlier["answers"].notna()].drop_duplicates("request")
    adopted = sum(store.adopt(row.request, row.answers) for row in paid.itertuples())
    if adopted:
        say(f"{adopted} answers come with the last version of {table}")
    return adopted


def _read(root: Path, table: str, say: Callable[[str], None]) -> pd.DataFrame | None:
    """The last table; None where there is none, or where it cannot be had. The latter is told: it may cost money."""
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
        say(f"the last version of {table} cannot be read ({error}); answers in it are paid for again")
        return None

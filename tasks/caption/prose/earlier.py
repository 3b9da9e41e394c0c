"""Answers that another machine paid for: they come with the last `captions.parquet` that DVC knows.

A fresh clone, a worker or a reproduction takes over every answer that is in the table, and pays for none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tasks.caption.last_table import last_table
from tasks.caption.prose.store import Store


def adopt_earlier(store: Store, root: Path, table: str, say: Callable[[str], None]) -> int:
    """Copy the answers of the last table into the store, those of other requests too; return how many requests.

    Args:
        root: the repository. table: path of the table below it.
    """
    earlier = last_table(root, table, say)
    if earlier is None or "answers" not in earlier.columns:
        return 0
    paid = earlier[earlier["request"].notna() & earlier["answers"].notna()].drop_duplicates("request")
    adopted = sum(store.adopt(row.request, row.answers) for row in paid.itertuples())
    if adopted:
        say(f"{adopted} answers come with the last version of {table}")
    return adopted

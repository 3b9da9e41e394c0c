"""Terms of use of the tiles: partitions of licences, which are not mixed unless told, and whom to name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import geopandas as gpd
import pandas as pd

from tasks.core.errors import LandloomError
from tasks.formats.tables.licences import PARTITIONS, Partition

COLUMNS = ["key", "tiles", "partition", "licence", "attribution", "url", "source", "procedural"]
"""Columns of `attributions.csv`: one row for each raster or picture that a tile was made from."""


def attributions(tiles: pd.DataFrame, scenes: gpd.GeoDataFrame, ledger: pd.DataFrame) -> pd.DataFrame:
    """One row for each raster of the ledger that tiles were made from, sorted by key, with the columns `COLUMNS`.

    Args:
        tiles: all stored tiles, with the column `scene`. scenes: their scenes.
    """
    count = tiles.groupby("scene").size()
    used: dict[str, int] = {}
    for scene, keys in scenes["sources"].items():
        for key in keys:
            used[key] = used.get(key, 0) + int(count.get(scene, 0))
    rows = ledger[ledger["key"].isin(list(used))].sort_values("key")
    return rows.assign(tiles=rows["key"].map(used).astype(int))[COLUMNS].reset_index(drop=True)


def check_partitions(
    allowed: Collection[Partition] | None, tiles: pd.DataFrame, scenes: gpd.GeoDataFrame, rows: pd.DataFrame
) -> None:
    """Raise `LandloomError` where tiles are of several partitions, or of another one than those allowed.

    Args:
        allowed: the partitions that may be mixed; None for one alone, whichever it is.
        rows: the table of `attributions`.
    """
    found = [name for name in PARTITIONS if (rows["partition"] == name).any()]
    if allowed is None and len(found) <= 1:
        return
    odd = found if allowed is None else [name for name in found if name not in allowed]
    if not odd:
        return
    told = "; ".join(f"{name}: {_example(rows[rows['partition'] == name], tiles, scenes)}" for name in odd)
    if allowed is None:
        raise LandloomError(
            f"shard.partitions: the tiles are under {len(found)} kinds of licences, and what is made from them owes "
            f"the duties of all ({told}). Name those that may be mixed (shard.partitions: [{', '.join(found)}]), or "
            "leave some out in acquire.partitions"
        )
    raise LandloomError(
        f"shard.partitions: [{', '.join(allowed)}] does not name the licences of some tiles ({told}); add them, or "
        "leave them out in acquire.partitions"
    )


def _example(rows: pd.DataFrame, tiles: pd.DataFrame, scenes: gpd.GeoDataFrame) -> str:
    """How many tiles and sources are of one partition, and one of each."""
    keys = set(rows["key"])
    inside = [scene for scene, sources in scenes["sources"].items() if keys.intersection(sources)]
    mine = tiles[tiles["scene"].isin(inside)]
    first = rows.iloc[0]
    licence = first["licence"] if len(first["licence"]) <= 80 else f"{first['licence'][:79]}…"
    tile = f", such as {mine['key'].min()}" if len(mine) else ""
    return f"{len(mine)} tiles{tile}, from {len(rows)} sources, such as {first['key']} ({licence})"


def groups(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Sources with the same terms: counts of rasters and tiles, and the attribution where all of them share one."""
    result = []
    by = ["partition", "source", "licence", "procedural"]
    for (partition, source, licence, procedural), group in rows.groupby(by, sort=True):
        named = group["attribution"].drop_duplicates()
        result.append(
            {
                "source": source,
                "partition": partition,
                "licence": licence,
                "attribution": named.iloc[0] if len(named) == 1 else None,
                "attributions": len(named),
                "procedural": bool(procedural),
                "rasters": len(group),
                "tiles": int(group["tiles"].sum()),
            }
        )
    return sorted(result, key=lambda one: (PARTITIONS.index(one["partition"]), one["source"], one["licence"]))

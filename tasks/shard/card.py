"""The data card in `card.json`: a description of a set of shards.

The keys beside `format` are: dataset, px, gsd (metres a stored pixel; null for photographs), encoding,
spec (see `RecordSpec.to_json`), shards, counts, splits, heights (of the train split, metres; null without
heights), classes, captions, sources, procedural_share and bytes; and `mirror` (whether training may mirror the tiles),
of pictures, and of heights where a parameter says it.
"""

from __future__ import annotations

from math import fsum, sqrt
from typing import Any

import numpy as np
import pandas as pd

from tasks.formats.shards.records import RecordSpec
from tasks.formats.shards.shardset import FORMAT, SPLITS
from tasks.shard.attributions import groups
from tasks.shard.params import Params
from tasks.shard.writer import ShardResult

PERCENTILES = (0, 5, 25, 50, 75, 95, 100)


def card(
    dataset: str,
    params: Params,
    spec: RecordSpec,
    table: pd.DataFrame,
    results: list[ShardResult],
    credits: pd.DataFrame,
    classes: pd.DataFrame,
    captions: pd.DataFrame,
) -> dict[str, Any]:
    """The content of `card.json`.

    Args:
        table: the index of the shards. credits: the table of attributions.
        captions: the rows of `captions.parquet` for the stored tiles; null where a tile has none.
    """
    payload = sum(result.payload for result in results)
    stored = int(table["length"].sum())
    return {
        "format": FORMAT,
        "dataset": dataset,
        "px": params.px,
        "gsd": _gsd(table, params.px),
        "encoding": params.encoding,
        "spec": spec.to_json(),
        "shards": [
            {"name": result.name, "records": len(result.lengths), "bytes": sum(result.lengths)} for result in results
        ],
        "counts": {split: int((table["split"] == split).sum()) for split in SPLITS},
        "splits": _splits(table),
        "heights": _heights([result for result in results if result.split == "train"]),
        "classes": _classes(classes, sum((result.class_pixels for result in results), np.zeros(256, np.int64))),
        "captions": _captions(captions),
        "sources": groups(credits),
        "procedural_share": _round(table["procedural"].astype(bool).mean()),
        "bytes": {"payload": payload, "shards": stored, "ratio": _round(stored / payload)},
        **_mirror(params, spec),
    }


def _mirror(params: Params, spec: RecordSpec) -> dict[str, bool]:
    """Whether training may mirror the tiles; nothing where the method alone decides."""
    if params.mirror is not None:
        return {"mirror": params.mirror}
    return {} if "height" in {field.name for field in spec.fields} else {"mirror": False}


def _gsd(table: pd.DataFrame, px: int) -> float | None:
    """Metres a stored pixel; None where tiles have no GSD or different ones."""
    gsd = (table["gsd"].astype(float) * table["px"] / px).round(6).unique()
    return float(gsd[0]) if len(gsd) == 1 and np.isfinite(gsd[0]) else None


def _splits(table: pd.DataFrame) -> dict[str, Any]:
    """Blocks and regions of each split, and the number of blocks on both sides (0 by construction)."""
    blocks = {split: set(rows["block"].dropna()) for split, rows in table.groupby("split")}
    regions = table.groupby("split")["region"].nunique()
    return {
        "blocks": {split: len(blocks.get(split, ())) for split in SPLITS},
        "regions": {split: int(regions.get(split, 0)) for split in SPLITS},
        "shared_blocks": len(set.intersection(*blocks.values())) if len(blocks) > 1 else 0,
    }


def _heights(results: list[ShardResult]) -> dict[str, Any] | None:
    """Statistics over all pixels, and percentiles of the tiles' relief and mean height."""
    rows = [row for result in results for row in result.heights]
    if not rows:
        return None
    low, high, means, spreads, pixels = (np.array(column) for column in zip(*rows, strict=True))
    total = int(pixels.sum())
    mean = fsum(means * pixels) / total
    # Chan et al. 1979: the pooled variance is the variance within tiles plus the variance of the tiles' means.
    variance = (fsum(spreads) + fsum(pixels * np.square(means - mean))) / total
    void = sum(result.void_pixels for result in results)
    return {
        "min": float(low.min()),
        "max": float(high.max()),
        "mean": _round(mean),
        "std": _round(sqrt(variance)),
        "void_share": _round(void / (void + total)),
        "relief": _percentiles(high - low),
        "tile_mean": _percentiles(means),
        "relief_mean": _round((high - low).mean()),
        "relief_std": _round((high - low).std()),
    }


def _classes(classes: pd.DataFrame, pixels: np.ndarray) -> list[dict[str, Any]]:
    total = max(1, int(pixels.sum()))
    return [
        {
            "id": int(row.id),
            "name": row.name,
            "color": [int(row.red), int(row.green), int(row.blue)],
            "share": _round(pixels[row.id] / total),
        }
        for row in classes.itertuples(index=False)
    ]


def _captions(captions: pd.DataFrame) -> dict[str, Any]:
    """What the captions are like, who wrote them, and whom to name for the names of places in them."""
    texts = captions["text"].dropna()
    lengths = texts.str.len()
    return {
        "count": len(texts),
        "distinct": int(texts.nunique()),
        "mean_characters": _round(lengths.mean()) if len(texts) else 0.0,
        "example": texts.iloc[0] if len(texts) else None,
        "by_model": int((captions["text_from"] == "model").sum()),
        "models": sorted(captions["model"].dropna().unique()),
        "attributions": sorted(captions["attribution"].dropna().unique()),
    }


def _percentiles(values: np.ndarray) -> dict[str, float]:
    return {f"p{percent}": _round(np.percentile(values, percent)) for percent in PERCENTILES}


def _round(value: float) -> float:
    """Round to six decimals, because the figures are not more precise."""
    return round(float(value), 6)

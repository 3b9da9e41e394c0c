"""The facts about the data on the page: card, reasons for dropped tiles, captions, sources, lineage."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from tasks.core.errors import LandloomError
from tasks.formats.tables.captions import read_captions
from tasks.formats.tables.ledger import by_terms, read_ledger
from tasks.formats.tables.sources import read_sources
from tasks.formats.tables.tiles import read_tiles
from tasks.runs.links import local_page

LISTED = 200  # largest number of rows shown of a table; the page gives the number of the others


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file; a `LandloomError` names the file if it is missing or invalid."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise LandloomError(f"{path}: missing; run the stage that writes it (`dvc repro` does)") from None
    except ValueError as error:
        raise LandloomError(f"{path}: not valid JSON: {error}; run `dvc repro` to make it again") from None


def verdicts(folder: Path) -> dict[str, Any]:
    """Numbers of candidate tiles, of kept tiles by split, and of dropped tiles by rule, largest number first."""
    tiles = read_tiles(folder / "tiles.parquet")
    reasons = tiles.loc[~tiles["keep"], "reason"].value_counts()
    order = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    splits = tiles.loc[tiles["keep"], "split"].value_counts().sort_index()
    return {
        "candidates": len(tiles),
        "kept": int(tiles["keep"].sum()),
        "splits": {name: int(count) for name, count in splits.items()},
        "reasons": [(name, int(count)) for name, count in order],
    }


def some_captions(folder: Path, count: int = 5) -> list[tuple[str, str]]:
    """(tile, caption) of a few tiles, evenly spread over the table; empty if no tile has a caption."""
    captions = read_captions(folder / "captions.parquet")
    places = np.unique(np.linspace(0, len(captions) - 1, count).round().astype(int)) if len(captions) else []
    return [(str(captions.index[place]), str(captions["text"].iloc[place])) for place in places]


def sources(folder: Path) -> dict[str, Any]:
    """The accepted rasters with their terms, and the refused rasters with the reasons."""
    ledger = read_ledger(folder / "raw").set_index("key")
    table = read_sources(folder / "sources.parquet").set_index("key")
    refused = table["refused"].reindex(ledger.index).fillna(ledger["refused"])
    rows = ledger.assign(refused=refused, by=table["stage"].reindex(ledger.index).fillna("acquire"))
    taken, left = rows[rows["refused"].isna()], rows[rows["refused"].notna()]
    terms = [
        {
            "licence": values["licence"],
            "attribution": values["attribution"],
            "procedural": bool(values["procedural"]),
            "rasters": len(group),
            "megabytes": float(group["bytes"].fillna(0).sum()) / 1e6,
        }
        for values, group in by_terms(taken)
    ]
    return {
        "terms": terms,
        "taken": [_raster(row) for row in taken.head(LISTED).itertuples()],
        "taken_more": max(0, len(taken) - LISTED),
        "count": len(taken),
        "refused": [(row.Index, row.by, row.refused) for row in left.head(LISTED).itertuples()],
        "refused_more": max(0, len(left) - LISTED),
    }


def _raster(row: Any) -> dict[str, Any]:
    known = {name: None if pd.isna(value) else value for name, value in row._asdict().items()}
    return {"key": row.Index, **{name: known[name] for name in ("licence", "url", "sha256", "procedural")}}


def stages(lineage: dict[str, Any]) -> list[dict[str, Any]]:
    """The lineage table: one row for each stage: data inputs and outputs with hashes, and parameters as YAML."""
    rows = []
    for record in lineage["stages"]:
        data = {path: digest for path, digest in record["inputs"].items() if path.startswith("data/")}
        shown = {path: digest for path, digest in record["outs"].items() if "/pictures/" not in path}
        text = yaml.safe_dump(record["params"], sort_keys=False, allow_unicode=True) if record["params"] else ""
        page = local_page(record["run_id"]) if record["run_id"] else None
        row = {"name": record["stage"].split("@")[0], "data": data, "shown": shown, "yaml": text, "page": page}
        rows.append({**record, **row})
    return rows

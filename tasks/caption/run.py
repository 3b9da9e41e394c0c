"""Write `captions.parquet`: for every kept tile its measured facts, and a text from them."""

from __future__ import annotations

import json
from collections import Counter
from functools import partial
from pathlib import Path

import geopandas as gpd
import pandas as pd

from tasks.caption import sheet
from tasks.caption.describer import Describer, Facts
from tasks.caption.measure import BATCH, batches, measure_batch
from tasks.caption.params import Params
from tasks.caption.templates import TemplateDescriber
from tasks.compute.parallel import parallel_map
from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.formats.tables.captions import empty_captions, write_captions
from tasks.formats.tables.classes import read_classes
from tasks.formats.tables.ledger import read_ledger
from tasks.formats.tables.scenes import read_scenes
from tasks.formats.tables.tiles import kept, read_tiles
from tasks.relief.geomorphons import NAMES


def run(stage: Stage[Params]) -> None:
    """Write the captions. With `method: none` the table is empty, and the metrics say so."""
    output = stage.dir / "captions.parquet"
    if stage.params.method.name == "none":
        write_captions(empty_captions(), output)
        stage.metrics({"captions": 0}, shown=("captions",))
        return
    scenes = read_scenes(stage.dir / "scenes.parquet")
    tiles = kept(read_tiles(stage.dir / "tiles.parquet"))
    _check(tiles, scenes, stage.dir)
    settings = stage.params.method
    describe: Describer = TemplateDescriber(settings.drop_share)
    captions = empty_captions()
    if len(tiles):
        named = read_classes(stage.dir / "labels")
        classes = dict(zip(named["id"].tolist(), named["name"], strict=True))
        measure = partial(measure_batch, folder=stage.dir, settings=settings, classes=classes)
        work = batches(tiles, scenes, read_ledger(stage.dir / "raw"))
        results = stage.progress(parallel_map(measure, work, stage.compute), len(work), f"batches of {BATCH} tiles")
        facts = [tile for batch in results for tile in batch]
        texts = describe(list(tiles["key"]), facts)
        captions = pd.DataFrame(
            {
                "key": tiles["key"].to_numpy(),
                "text": [caption.text for caption in texts],
                "facts": [json.dumps(tile, sort_keys=True, allow_nan=False) for tile in facts],
                "method": stage.params.method.name,
                "model": [caption.model for caption in texts],
                "cost_usd": [caption.cost_usd for caption in texts],
            }
        )
        stage.picture("sheet", sheet.draw(tiles, scenes, captions, stage.dir))
        stage.metrics(summary(captions, facts), shown=("captions",))
    else:
        stage.metrics({"captions": 0}, shown=("captions",))
    write_captions(captions, output)


def summary(captions: pd.DataFrame, facts: list[Facts]) -> dict[str, float]:
    """Figures that show whether the texts are useful for training."""
    words = captions["text"].str.split().str.len()
    leading = Counter(tile["dominant"][0] for tile in facts if tile.get("dominant"))
    return {
        "captions": len(captions),
        "words_mean": round(float(words.mean()), 2),
        "words_least": int(words.min()),
        "words_most": int(words.max()),
        "unique_share": round(captions["text"].nunique() / len(captions), 4),
        "procedural_share": round(sum(tile["procedural"] for tile in facts) / len(facts), 4),
        **{f"leading_{name}_share": round(leading[name] / len(facts), 4) for name in NAMES},
    }


def _check(tiles: pd.DataFrame, scenes: gpd.GeoDataFrame, folder: Path) -> None:
    unknown = ~tiles["scene"].isin(scenes.index)
    if unknown.any():
        raise LandloomError(
            f"{folder / 'tiles.parquet'}: tile {tiles['key'][unknown].iloc[0]} lies in a scene that scenes.parquet "
            "does not have; run select again"
        )
    high = tiles["scene"].map(scenes["height"].notna()).astype(bool)
    lost = high & tiles["gsd"].isna()
    if lost.any():
        raise LandloomError(
            f"{folder / 'tiles.parquet'}: tile {tiles['key'][lost].iloc[0]} has heights but no GSD, so its slopes "
            "are unknown; give its scene a CRS in project, or caption it with method none"
        )

"""select: cut scenes into tiles, measure each, keep a balanced choice, split it into train and val."""

from __future__ import annotations

import geopandas as gpd
import pandas as pd

from tasks.compute.parallel import parallel_map
from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.formats.tables.scenes import read_scenes
from tasks.formats.tables.tiles import IDENTITY, VERDICT, write_tiles
from tasks.select.columns import PICTURE, STATISTICS
from tasks.select.cut import batches, cut_batch, join
from tasks.select.params import Params
from tasks.select.pictures import draw
from tasks.select.stratify import scales
from tasks.select.verdict import judge


def run(stage: Stage[Params]) -> None:
    """Write `tiles.parquet` and the pictures."""
    scenes = read_scenes(stage.dir / "scenes.parquet")
    tiles = finish(judge(cut(stage, scenes), stage.params, stage.seed))
    write_tiles(tiles, stage.dir / "tiles.parquet")
    stage.metrics(counts(tiles, len(scenes), stage.params), shown=("kept", "tiles", "train", "val"))
    kept = tiles[tiles["keep"]]
    stage.say(f"{len(kept)} of {len(tiles)} tiles kept: {(kept['split'] == 'val').sum()} in val, the rest in train")
    draw(stage, scenes, tiles)


def cut(stage: Stage[Params], scenes: gpd.GeoDataFrame) -> pd.DataFrame:
    """Every tile of every scene, measured, sorted by key."""
    jobs = batches(stage.dir, scenes, stage.params, stage.compute.workers)
    parts = list(stage.progress(parallel_map(cut_batch, jobs, stage.compute), len(jobs), "batches of scenes"))
    columns = join(parts) if parts else {"key": []}
    if len(columns["key"]) == 0:
        raise LandloomError(
            f"select.px: none of {len(scenes)} scenes is {stage.params.px} pixels wide and high: no tiles; "
            "make select.px smaller, or the scenes larger"
        )
    return pd.DataFrame(columns).sort_values("key", ignore_index=True)


def finish(tiles: pd.DataFrame) -> gpd.GeoDataFrame:
    """The table as written: hashes as text, null where all is void, and no internal columns."""
    seen = tiles["void_share"] < 1
    text = [f"{number:016x}" if some else None for number, some in zip(tiles["phash"].tolist(), seen, strict=True)]
    of_pictures = [name for name in PICTURE if name in tiles]
    columns = [*IDENTITY, *STATISTICS, *of_pictures, "phash", "duplicate_of", *VERDICT, "geometry"]
    return gpd.GeoDataFrame(tiles.assign(phash=text)[columns], geometry="geometry", crs="EPSG:4326")


def counts(tiles: gpd.GeoDataFrame, scenes: int, params: Params) -> dict[str, int]:
    """Tiles by verdict, by reason, and by bin of relief (of colours for pictures) before and after the choice."""
    values = {
        "scenes": scenes,
        "scenes_without_tiles": scenes - tiles["scene"].nunique(),
        "tiles": len(tiles),
        "kept": int(tiles["keep"].sum()),
        "train": int((tiles["split"] == "train").sum()),
        "val": int((tiles["split"] == "val").sum()),
    }
    for reason, count in sorted(tiles["reason"].value_counts().items()):
        # In words, because MLflow allows neither < nor > in names.
        values[f"dropped/{reason.replace('<', 'below').replace('>', 'above')}"] = int(count)
    for scale in scales(tiles, params):
        bins = scale.bins(tiles)
        for number, name in enumerate(scale.names()):
            inside = bins == number
            values[f"{name}/tiles"] = int(inside.sum())
            values[f"{name}/kept"] = int((inside & tiles["keep"]).sum())
    return values

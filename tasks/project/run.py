"""Project every acquired raster to metric grids of one ground sampling distance, each centred on its scene."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import geopandas as gpd
import pandas as pd

from tasks.compute.parallel import parallel_map
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_dir
from tasks.core.stage import Stage
from tasks.formats.tables.ledger import read_ledger
from tasks.formats.tables.scenes import COLUMNS, write_scenes
from tasks.formats.tables.sources import SCHEMA, write_sources
from tasks.project.batches import Job, share_out
from tasks.project.cover import cover
from tasks.project.crops import sphere_crops
from tasks.project.make import render
from tasks.project.overview import overview
from tasks.project.params import Params
from tasks.project.photographs import Picture, cut
from tasks.project.place import Placed, place_all


def run(stage: Stage[Params]) -> None:
    """The stage: ledger to scenes, scene table and source table."""
    params, raw = stage.params, stage.dir / "raw"
    ledger = read_ledger(raw)
    placed, refused = place_all(ledger, raw, params)
    scenes = _plan(placed, params, stage)
    stage.say(f"{len(placed)} rasters, {len(refused)} refused here, at most {len(scenes)} scenes")
    if not scenes:
        raise LandloomError(_nothing(ledger, refused))

    rows: list[dict[str, Any]] = []
    with atomic_dir(stage.dir / "scenes") as folder:
        batches = share_out(scenes, folder, params)
        made = parallel_map(render, batches, stage.compute)
        for found in stage.progress(made, len(batches), "batches of scenes"):
            rows += found
        if not rows:
            raise LandloomError("raw: all rasters are void, or no crop lies on all layers; check the ledger")

    frame = gpd.GeoDataFrame(pd.DataFrame(rows, columns=list(COLUMNS)), geometry="geometry", crs="EPSG:4326")
    write_scenes(frame, stage.dir / "scenes.parquet")
    sources = _sources(ledger, placed, refused, rows)
    write_sources(sources, stage.dir / "sources.parquet")
    stage.metrics(_metrics(frame, sources))
    stage.picture("scenes", overview(frame.sort_values("scene"), stage.dir))


def _plan(placed: Sequence[Placed], params: Params, stage: Stage[Params]) -> list[Job | Picture]:
    """The scenes to make, in name order."""
    rasters = [item.raster for item in placed]
    if params.method == "none":
        return list(cut(rasters, params.scene_px))
    if params.method == "sphere_crops":
        return sphere_crops(placed, params, stage.rng("centres"))
    blocks = cover(
        [item.ground for item in placed],
        [item.reach for item in placed],
        params.gsd,
        params.scene_px,
        params.method,
    )
    return [Job(block.grid, tuple(rasters[i] for i in block.members)) for block in blocks]


def _sources(
    ledger: pd.DataFrame, placed: Sequence[Placed], refused: dict[str, str], rows: Sequence[dict[str, Any]]
) -> pd.DataFrame:
    """One row a raster of the ledger: its scenes, or the stage that refused it and the reason."""
    went: dict[str, list[str]] = {}
    for row in rows:
        for key in row["sources"]:
            went.setdefault(key, []).append(row["scene"])
    gsds = {item.raster.key: item.raster.gsd for item in placed}
    table = []
    for row in ledger.itertuples():
        scenes, reason, who = sorted(went.get(row.key, [])), None, None
        if isinstance(row.refused, str):
            reason, who = row.refused, "acquire"
        elif row.key in refused:
            reason, who = refused[row.key], "project"
        elif not scenes:
            reason, who = "it holds no value: all void, or finer rasters cover all of it", "project"
        table.append((row.key, row.layer, gsds.get(row.key), scenes, who, reason))
    return pd.DataFrame(table, columns=SCHEMA.names)


def _metrics(frame: gpd.GeoDataFrame, sources: pd.DataFrame) -> dict[str, float | int]:
    pixels = frame["cols"] * frame["rows"]
    here = sources["stage"] == "project"
    values: dict[str, float | int] = {
        "scenes": len(frame),
        "sources_taken": int(sources["refused"].isna().sum()),
        "sources_refused": int(here.sum()),
        "void_share": float((frame["void_share"] * pixels).sum() / pixels.sum()),
        "filled_share": float((frame["filled_share"] * pixels).sum() / pixels.sum()),
    }
    if frame["gsd"].notna().any():
        ground = pixels * (1 - frame["void_share"]) * frame["gsd"].astype(float) ** 2
        values["ground_km2"] = float(ground.sum() / 1e6)
    return values


def _nothing(ledger: pd.DataFrame, refused: dict[str, str]) -> str:
    if refused:
        key, reason = next(iter(sorted(refused.items())))
        return f"{key}: {reason}; none of the {len(refused)} acquired rasters can be projected"
    return f"raw/ledger.parquet: none of its {len(ledger)} rasters was acquired; its column `refused` says why"

"""Project every acquired raster to metric grids of one ground sampling distance, each centred on its scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
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
from tasks.project.agree import left_out
from tasks.project.batches import Job, share_out
from tasks.project.cover import cover
from tasks.project.crops import sphere_crops
from tasks.project.make import render
from tasks.project.overview import overview
from tasks.project.params import SQUARE_METHODS, Params
from tasks.project.photographs import Picture, cut
from tasks.project.place import place_all
from tasks.project.sheets.contact import contact_sheets
from tasks.project.sheets.plan import DROPPED, scans_of, survey_all
from tasks.project.sheets.survey import Square


def run(stage: Stage[Params]) -> None:
    """The stage: ledger to scenes, scene table and source table."""
    params, raw = stage.params, stage.dir / "raw"
    ledger = read_ledger(raw)
    _check_drop(params.drop, ledger, stage)
    plan = _squares(ledger, raw, stage) if params.method in SQUARE_METHODS else _grids(ledger, raw, stage)
    stage.say(f"{plan.taken} rasters, {len(plan.refused)} refused here, at most {len(plan.scenes)} scenes")
    if not plan.scenes:
        raise LandloomError(_nothing(ledger, plan.refused))

    rows: list[dict[str, Any]] = []
    with atomic_dir(stage.dir / "scenes") as folder:
        batches = share_out(plan.scenes, folder, params)
        made = parallel_map(render, batches, stage.compute)
        for found in stage.progress(made, len(batches), "batches of scenes"):
            rows += found
        if not rows:
            raise LandloomError("raw: all rasters are void, or no crop lies on all layers; check the ledger")

    frame = gpd.GeoDataFrame(pd.DataFrame(rows, columns=list(COLUMNS)), geometry="geometry", crs="EPSG:4326")
    write_scenes(frame, stage.dir / "scenes.parquet")
    sources = _sources(ledger, plan, rows)
    write_sources(sources, stage.dir / "sources.parquet")
    stage.metrics(_metrics(frame, sources) | plan.metrics, shown=("scenes", "ground_km2", "void_share"))
    stage.picture("scenes", overview(frame.sort_values("scene"), stage.dir))


@dataclass(frozen=True)
class _Plan:
    """The scenes to make, in name order; how many rasters they use; key to reason of the others; key to GSD."""

    scenes: list[Job | Picture | Square]
    taken: int
    refused: dict[str, str]
    gsds: dict[str, float | None]
    metrics: dict[str, float | int]


def _grids(ledger: pd.DataFrame, raw: Path, stage: Stage[Params]) -> _Plan:
    """Scenes on grids of the ground, and pictures as they are."""
    params = stage.params
    dropped = dict.fromkeys(params.drop, DROPPED)
    placed, refused = place_all(ledger[~ledger["key"].isin(params.drop)], raw, params)
    if params.method != "none":
        lost = left_out(placed, params.disagree_m, params.prefer)
        placed, refused = [item for item in placed if item.raster.key not in lost], refused | lost
    rasters = [item.raster for item in placed]
    if params.method == "none":
        scenes = list(cut(rasters, params.scene_px))
    elif params.method == "sphere_crops":
        scenes = sphere_crops(placed, params, stage.rng("centres"))
    else:
        grounds, reach = [item.ground for item in placed], [item.reach for item in placed]
        blocks = cover(grounds, reach, params.gsd, params.scene_px, params.method)
        scenes = [Job(block.grid, tuple(rasters[i] for i in block.members)) for block in blocks]
    return _Plan(scenes, len(placed), refused | dropped, {raster.key: raster.gsd for raster in rasters}, {})


def _squares(ledger: pd.DataFrame, raw: Path, stage: Stage[Params]) -> _Plan:
    """Squares of pictures without a place. Writes the contact sheets."""
    scans, refused = scans_of(ledger, raw, stage)
    found = survey_all(scans, stage)
    for name, page in contact_sheets(found):
        stage.picture(name, page)
    refused |= {item.scan.key: item.refused for item in found if item.refused}
    scenes = sorted((square for item in found for square in item.squares), key=lambda square: square.name)
    taken = [item for item in found if item.squares]
    metrics = {
        "edges_found": sum(bool(item.edges) for item in taken),
        "full_bleed": sum(not item.edges for item in taken),
        "widest_stretch": max((item.stretch for item in taken), default=1.0),
    }
    return _Plan(scenes, len(taken), refused, {}, metrics)


def _check_drop(drop: Sequence[str], ledger: pd.DataFrame, stage: Stage[Params]) -> None:
    known = set(ledger["key"])
    for key in drop:
        if key not in known:
            near = get_close_matches(key, sorted(known), 1)
            raise LandloomError(
                f"params.yaml: datasets.{stage.dataset}.project.drop: no source has the key {key!r}"
                + (
                    f"; did you mean {near[0]!r}?"
                    if near
                    else "; the contact sheets and raw/ledger.parquet have all keys"
                )
            )


def _sources(ledger: pd.DataFrame, plan: _Plan, rows: Sequence[dict[str, Any]]) -> pd.DataFrame:
    """One row a raster of the ledger: its scenes, or the stage that refused it and the reason."""
    went: dict[str, list[str]] = {}
    for row in rows:
        for key in row["sources"]:
            went.setdefault(key, []).append(row["scene"])
    table = []
    for row in ledger.itertuples():
        scenes, reason, who = sorted(went.get(row.key, [])), None, None
        if isinstance(row.refused, str):
            reason, who = row.refused, "acquire"
        elif row.key in plan.refused:
            reason, who = plan.refused[row.key], "project"
        elif not scenes:
            reason, who = "it holds no value: all void, or finer rasters cover all of it", "project"
        table.append((row.key, row.layer, row.partition, plan.gsds.get(row.key), scenes, who, reason))
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

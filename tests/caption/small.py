"""Three small scenes as the stages before `caption` write them, and the stage run on them."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import numpy as np
from affine import Affine
from shapely.geometry import box

from tasks.caption.params import Params
from tasks.caption.run import run
from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.formats.tables.classes import empty_classes, write_classes
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tasks.formats.tables.scenes import write_layer, write_scenes
from tasks.formats.tables.tiles import write_tiles
from tests.relief.shapes import cone, plane, roof, trough

PX, GSD = 32, 90.0
CRS = "+proj=laea +lat_0=46 +lon_0=8 +datum=WGS84 +units=m"
FACTS = {"lookup_px": 8, "flat_deg": 1.0, "drop_share": 0.3}


def relief_scene() -> np.ndarray:
    """Five tiles side by side: a plane, a cone, a roof, a trough, and a coast."""
    coast = np.maximum(plane(0.1, 0, PX, GSD) - 500, 0)
    return np.hstack(
        [plane(-0.2, 0, PX, GSD), *(make(side=PX, gsd=GSD) for make in (cone, roof, trough)), coast]
    ).astype(np.float32)


def grow(root: Path, gsd: float | None = GSD) -> Path:
    """`measured` and `planet` have the same heights, and `planet` is procedural; `photo` is colour without a CRS."""
    data = root / "data" / "terrain"
    heights, grid = relief_scene(), Affine(GSD, 0, 0, 0, -GSD, 0)
    photo = np.random.default_rng(2).integers(0, 255, (4, PX, PX), np.uint8)
    scenes, tiles = [], []
    for name, array in (("measured", heights), ("photo", photo), ("planet", heights)):
        layer = "color" if name == "photo" else "height"
        place = None if name == "photo" else box(8, 46, 8.2, 46.2)
        paths = {kind: f"scenes/{name}.{kind}.tif" if kind == layer else None for kind in ("height", "color")}
        write_layer(data / paths[layer], array, CRS if place else None, grid)
        size = gsd if place else None
        scenes.append(
            {"scene": name, **paths, "cols": array.shape[-1], "rows": PX, "crs": CRS if place else None}
            | {"transform": list(grid)[:6], "gsd": size, "void_share": 0.0, "filled_share": 0.0, "sources": [name]}
            | {"procedural": name == "planet", "region": "N40E000", "geometry": place}
        )
        for col in range(0, array.shape[-1], PX):
            tiles.append(
                {"key": f"{name}/00000_{col:05}", "scene": name, "row": 0, "col": col, "px": PX}
                | {"lat": 46.04 if place else None, "lon": 8.11 if place else None, "gsd": size}
                | {"region": "N40E000", "procedural": name == "planet", "keep": True, "reason": None}
                | {"block": name, "split": "train", "geometry": place}
            )
    tiles[-1] |= {"keep": False, "reason": "sea_share", "split": None}
    for folder in ("raw", "labels"):
        (data / folder).mkdir(exist_ok=True)
    stated = json.dumps({"date": "1908", "language": ["ger"], "title": "Am Gletscher"})
    rows = [LedgerRow(name, "height", "files", "CC0-1.0", "made up") for name in ("measured", "planet")]
    write_ledger([*rows, LedgerRow("photo", "color", "files", "CC0-1.0", "made up", facts=stated)], data / "raw")
    write_classes(empty_classes(), data / "labels")
    write_scenes(gpd.GeoDataFrame(scenes, geometry="geometry", crs=4326), data / "scenes.parquet")
    write_tiles(gpd.GeoDataFrame(tiles, geometry="geometry", crs=4326), data / "tiles.parquet")
    return data


def caption(root: Path, compute: Compute | None = None, **params: object) -> Stage:
    """Run the stage in `root`, without MLflow."""
    section = Params.model_validate({"method": {"name": "facts", **FACTS}} | params)
    outs = tuple(f"data/terrain/{name}" for name in ("captions.parquet", "pictures/caption", "metrics/caption.json"))
    stage = Stage(
        StageEntry("caption", "terrain", (), (), outs),
        section,
        1,
        compute or Compute(engine="serial", workers=1),
        Run(),
        root,
    )
    run(stage)
    stage.finish()
    return stage

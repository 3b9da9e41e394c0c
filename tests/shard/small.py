"""A small dataset as the stages before `shard` write it, and the shard stage run on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import rasterio
from affine import Affine
from shapely.geometry import box

from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.formats.tables.captions import empty_captions, write_captions
from tasks.formats.tables.classes import empty_classes, write_classes
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tasks.formats.tables.scenes import write_layer, write_scenes
from tasks.formats.tables.tiles import write_tiles
from tasks.shard.params import Params
from tasks.shard.run import run

SIDE = 256  # default side of a scene in pixels
CRS = "+proj=laea +lat_0=46 +lon_0=8 +datum=WGS84 +units=m"
GRID = Affine(90, 0, 0, 0, -90, 0)


def grow(
    data: Path,
    layers: tuple[str, ...] = ("height",),
    scenes: int = 2,
    px: int = 32,
    captions: bool = True,
    classes: int = 0,
    photographs: bool = False,
    relief: float = 900.0,
    side: int = SIDE,
) -> Path:
    """Scenes of smooth noise cut into tiles side by side: each scene's last quarter is val, one tile is dropped."""
    rng = np.random.default_rng(5)
    rows, tiles = [], []
    for number in range(scenes):
        name = f"scene{number}"
        paths = {layer: f"scenes/{name}.{layer}.tif" if layer in layers else None for layer in ("height", "color")}
        place = None if photographs else CRS
        if "height" in layers:
            write_layer(data / paths["height"], terrain(rng, relief, side), place, GRID)
        if "color" in layers:
            rgb = rng.integers(0, 256, (3, side, side), np.uint8)
            write_layer(data / paths["color"], np.concatenate([rgb, np.full_like(rgb[:1], 255)]), place, GRID)
        if classes:
            (data / "labels").mkdir(parents=True, exist_ok=True)
            write_layer_of_classes(data / "labels" / f"{name}.tif", rng.integers(0, classes, (side, side), np.uint8))
        gsd = None if photographs else 90.0
        footprint = None if photographs else box(8 + number, 46, 8.2 + number, 46.2)
        rows.append(
            {"scene": name, **paths, "cols": side, "rows": side, "crs": place, "transform": list(GRID)[:6]}
            | {"gsd": gsd, "void_share": 0.0, "filled_share": 0.0, "sources": [f"raster{number}"]}
            | {"procedural": number > 0, "region": "N40E000", "geometry": footprint}
        )
        for row in range(0, side, px):
            for col in range(0, side, px):
                index = len(tiles)
                tiles.append(
                    {"key": f"{name}/{row:05}_{col:05}", "scene": name, "row": row, "col": col, "px": px}
                    | {"lat": None if photographs else 46.0, "lon": None if photographs else 8.0, "gsd": gsd}
                    | {"region": "N40E000", "procedural": number > 0, "relief": float(index)}
                    | {"keep": index != 3, "reason": "relief" if index == 3 else None}
                    | {"block": f"{name}-{int(row >= side * 3 // 4)}", "geometry": footprint}
                    | {"split": None if index == 3 else "val" if row >= side * 3 // 4 else "train"}
                )
    write_scenes(gpd.GeoDataFrame(rows, geometry="geometry", crs=4326), data / "scenes.parquet")
    write_tiles(gpd.GeoDataFrame(tiles, geometry="geometry", crs=4326), data / "tiles.parquet")
    write_ledger(
        [
            LedgerRow(
                f"raster{n}", layers[0], "files", f"Licence {n}", f"© Owner {n}", path=f"{n}.tif", procedural=n > 0
            )
            for n in range(scenes + 1)  # the last raster was acquired, but has no scene
        ],
        data / "raw",
    )
    labels = pd.DataFrame([{"id": n, "name": f"class {n}", "red": n, "green": 0, "blue": 0} for n in range(classes)])
    write_classes(labels if classes else empty_classes(), data / "labels")
    texts = pd.DataFrame(
        [
            {
                "key": tile["key"],
                "text": f"Terrain {n}, ridges over valleys, facing {'north' * (n % 4)}.",
                "facts": "{}",
            }
            | {"method": "facts", "text_from": "template", "cost_usd": 0.0}
            for n, tile in enumerate(tiles)
            if tile["keep"]
        ]
    )
    write_captions(texts if captions else empty_captions(), data / "captions.parquet")
    return data


def terrain(rng: np.random.Generator, relief: float, side: int) -> np.ndarray:
    """float32 (side, side): a random surface with most of its relief in long waves."""
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.rfftfreq(side), indexing="ij"))
    frequency[0, 0] = np.inf
    noise = np.fft.rfft2(rng.standard_normal((side, side))) / frequency**2
    surface = np.fft.irfft2(noise, (side, side))
    return (relief * (surface - surface.min()) / np.ptp(surface)).astype(np.float32)


def write_layer_of_classes(path: Path, classes: np.ndarray) -> None:
    """A label map as the label stage writes it: uint8, one band."""
    with rasterio.open(path, "w", "GTiff", *classes.shape, 1, CRS, GRID, dtype="uint8") as target:
        target.write(classes, 1)


def shard(data: Path, workers: int = 1, **changes: Any) -> Path:
    """Run the stage on `data` and give the folder of shards."""
    params = Params(**{"px": 32, "tiles_per_shard": 40, "encoding": "raw", "height_step": 0.1, **changes})
    compute = Compute(engine="serial" if workers == 1 else "processes", workers=workers)
    entry = StageEntry("shard", data.name, (), (), ())
    root = data.parent.parent
    run(Stage(entry, params, 1, compute, Run(), root))
    return data / "shards"

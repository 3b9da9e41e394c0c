"""A small world with four kinds of ground that are known for every pixel, and the label stage run on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import geopandas as gpd
import numpy as np
from affine import Affine
from shapely.geometry import Point

from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute, validate
from tasks.core.stage import Stage
from tasks.formats.tables.scenes import write_layer, write_scenes
from tasks.formats.tables.tiles import write_tiles
from tasks.label.params import Params
from tasks.relief.shade.hillshade import hillshade

SIDE, PX, STRIDE, GSD = 96, 48, 24, 1000.0
GROUND = ("sea", "forest", "desert", "ice")
COLORS = np.array([[10, 90, 150], [60, 110, 60], [205, 170, 120], [190, 195, 204]], np.float32)
BASE = np.array([0.0, 250.0, 700.0, 2400.0], np.float32)
CLUSTER: dict[str, Any] = {
    "features": {
        "radii_px": (2, 5),
        "floor_m": 0.0,
        "lightness": "corrected",
        "sun_azimuth": 315.0,
        "sun_altitude": 45.0,
        "weights": {"height": 0.1, "color": 1.5, "texture": 0.1, "lightness": 0.5},
    },
    "sample": {"pixels": 500, "per_tile": 50, "elevation_m": (1.0, 500.0, 1500.0), "slope_deg": (0.5, 3.0)},
    "embedding": {"neighbours": 25, "dimensions": 3, "epochs": 80},
    "choice": {"k": 4, "candidates": (3, 5), "replicates": 2, "least_stability": 0.5, "least_cluster": 0.03},
    "hidden": 16,
    "reference": None,
    "edits": (),
}
SMOOTHING = {"sigma_px": (0.5, 2.0), "region_px": (4, 20)}


class Heard(Run):
    """Remembers what a stage told its run."""

    def __init__(self) -> None:
        self.told: list[tuple[dict[str, float], int | None]] = []

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        self.told.append((values, step))


def world(number: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Kind of ground (SIDE, SIDE), heights in metres, and shaded colours uint8 (4, SIDE, SIDE) with a mask."""
    rng = np.random.default_rng(number)
    field = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 12)
    kind = np.digitize(field, np.quantile(field, [0.3, 0.55, 0.8]))
    rough = cv2.GaussianBlur(rng.standard_normal((SIDE, SIDE)).astype(np.float32), (0, 0), 2)
    height = cv2.GaussianBlur(BASE[kind], (0, 0), 2) + 300 * rough * (kind > 0)
    height = np.where(kind == 0, 0, np.maximum(height, 5)).astype(np.float32)
    shade = 0.5 + 0.5 * hillshade(height * 4, GSD) / np.sin(np.radians(45))
    rgb = COLORS[kind] * shade[..., None] + rng.normal(0, 2, (SIDE, SIDE, 3))
    mask = np.full((SIDE, SIDE), 255, np.uint8)
    return kind, height, np.concatenate([np.clip(rgb, 0, 255).astype(np.uint8).transpose(2, 0, 1), mask[None]])


def grow(
    data: Path, layers: tuple[str, ...] = ("height", "color"), scenes: int = 4, place: bool = True, void: bool = False
) -> np.ndarray:
    """Write scenes and overlapping tiles; returns the kind of ground, (scenes, SIDE, SIDE)."""
    rows, tiles, kinds = [], [], []
    for number in range(scenes):
        name, lat, lon = f"scene{number}", 46.0, 8.0 + number
        crs = f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m" if place else None
        grid = Affine(GSD, 0, -GSD * SIDE / 2, 0, -GSD, GSD * SIDE / 2)
        kind, height, color = world(number)
        if void:
            height[:7, :9] = np.nan
            color[3, 90:, 90:] = 0
        kinds.append(kind)
        paths = {layer: f"scenes/{name}.{layer}.tif" if layer in layers else None for layer in ("height", "color")}
        for layer, array in (("height", height), ("color", color)):
            if layer in layers:
                write_layer(data / paths[layer], array, crs, grid)
        shape = Point(lon, lat).buffer(0.1) if place else None
        gsd = GSD if place else None
        rows.append(
            {"scene": name, **paths, "cols": SIDE, "rows": SIDE, "crs": crs, "transform": list(grid)[:6], "gsd": gsd}
            | {"void_share": 0.0, "filled_share": 0.0, "sources": ["x"], "procedural": True}
            | {"region": f"N40E{number:03}", "geometry": shape}
        )
        for row in range(0, SIDE - PX + 1, STRIDE):
            for col in range(0, SIDE - PX + 1, STRIDE):
                tiles.append(
                    {"key": f"{name}/{row:05}_{col:05}", "scene": name, "row": row, "col": col, "px": PX}
                    | {"lat": lat if place else None, "lon": lon if place else None, "gsd": gsd}
                    | {"region": f"N40E{number:03}", "procedural": True, "keep": (row, col) != (24, 24)}
                    | {"reason": None, "block": name, "split": "train", "geometry": shape}
                )
    write_scenes(gpd.GeoDataFrame(rows, geometry="geometry", crs=4326), data / "scenes.parquet")
    write_tiles(gpd.GeoDataFrame(tiles, geometry="geometry", crs=4326), data / "tiles.parquet")
    return np.stack(kinds)


def stage(root: Path, seed: int = 20, run: Run | None = None, **changes: Any) -> Stage[Params]:
    """The stage on `root`'s dataset `atlas`; `changes` are dotted keys with __ for the dots."""
    section: dict[str, Any] = {"method": {"name": "cluster", **copy(CLUSTER), "smoothing": dict(SMOOTHING)}}
    for dotted, value in changes.items():
        *parents, last = dotted.split("__")
        target = section
        for part in parents:
            target = target[part]
        target[last] = value
    params = validate(Params, section, "datasets.atlas.label")
    entry = StageEntry("label", "atlas", (), (), ())
    return Stage(entry, params, seed, Compute(engine="serial", workers=1), run or Run(), root)


def copy(section: dict[str, Any]) -> dict[str, Any]:
    return {name: copy(value) if isinstance(value, dict) else value for name, value in section.items()}

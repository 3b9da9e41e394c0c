"""Small scenes, and a stage to run on them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from pyproj import Transformer

from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.formats.tables.scenes import write_layer, write_scenes
from tasks.select.params import Params

GSD = 90.0
PARAMS: dict[str, Any] = {
    "px": 32,
    "stride": 16,
    "quota": 60,
    "rules": [{"column": "void_share", "max": 0.0}, {"column": "relief", "min": 2.0}],
    "duplicate_bits": 2,
    "relief_bins": [0, 30, 100, 300, 1000, 10000],
    "entropy_bin_m": 5.0,
    "entropy_bin_deg": 1.0,
    "block_km": 6.0,
    "val_share": 0.25,
}


def fractal(shape: tuple[int, int], relief: float, seed: int, slope: float = 2.0) -> np.ndarray:
    """Heights with a power-law spectrum, float32, from 0 to `relief` metres."""
    rng = np.random.default_rng(seed)
    down, across = np.fft.fftfreq(shape[0])[:, None], np.fft.rfftfreq(shape[1])[None]
    radius = np.hypot(down, across)
    radius[0, 0] = np.inf
    noise = np.fft.rfft2(rng.standard_normal(shape)) * radius ** (-slope)
    heights = np.fft.irfft2(noise, shape)
    return (relief * (heights - heights.min()) / np.ptp(heights)).astype(np.float32)


def laea(lat: float, lon: float) -> str:
    """A local equal-area grid in metres."""
    return f"+proj=laea +lat_0={lat} +lon_0={lon} +datum=WGS84 +units=m"


def scene_row(
    name: str, shape: tuple[int, int], lat: float, lon: float, gsd: float = GSD, **more: Any
) -> dict[str, Any]:
    """A row of the scene table for a scene centred on a place."""
    transform = Affine(gsd, 0, -gsd * shape[1] / 2, 0, -gsd, gsd * shape[0] / 2)
    return {
        "scene": name, "height": f"scenes/{name}.height.tif", "color": None, "cols": shape[1], "rows": shape[0],
        "crs": laea(lat, lon), "transform": list(transform)[:6], "gsd": gsd, "void_share": 0.0, "filled_share": 0.0,
        "sources": [name], "procedural": True, "region": "N40E010", "geometry": shapely.Point(lon, lat).buffer(0.1),
    } | more  # fmt: skip


def add_heights(
    folder: Path, name: str, heights: np.ndarray, lat: float = 46.0, lon: float = 11.0, **more: Any
) -> dict:
    """Write a scene of heights; its row."""
    row = scene_row(name, heights.shape, lat, lon, **more)
    write_layer(folder / row["height"], heights.astype(np.float32), row["crs"], Affine(*row["transform"]))
    return row


def add_photograph(folder: Path, name: str, color: np.ndarray, **more: Any) -> dict:
    """Write a picture without a place; its row. `color` is uint8 (4, H, W), RGB and mask."""
    nowhere = {"crs": None, "gsd": np.nan, "geometry": None, "height": None, "color": f"scenes/{name}.color.tif"}
    row = scene_row(name, color.shape[1:], 0, 0) | nowhere | more
    write_layer(folder / row["color"], color, None, Affine.identity())
    return row


def write_table(folder: Path, rows: list[dict]) -> gpd.GeoDataFrame:
    """Write `scenes.parquet`."""
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs="EPSG:4326")
    write_scenes(frame, folder / "scenes.parquet")
    return frame.set_index("scene", drop=False)


def stage(root: Path, engine: str = "serial", seed: int = 20, **changes: Any) -> Stage[Params]:
    """The stage on `root/data/terrain`, with changes of `PARAMS`."""
    params = Params.model_validate(PARAMS | changes)
    return Stage(
        StageEntry("select", "terrain", (), (), ()), params, seed, Compute(engine=engine, workers=2), Run(), root
    )


def degrees(row: dict) -> Transformer:
    """From a scene's grid to longitude and latitude."""
    return Transformer.from_crs(row["crs"], 4326, always_xy=True)

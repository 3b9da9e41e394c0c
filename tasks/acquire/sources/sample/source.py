"""The built-in sample: one small measured elevation model, and a procedural planet: cells of it, maps of it whole, and
pictures of it.

All are there on a fresh machine without a key or a network, and the ledger names each for what it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine

from tasks.acquire.common.area import Area, cell_box
from tasks.acquire.common.context import Context
from tasks.acquire.common.source import Candidate, Delivery, Source
from tasks.acquire.sources.sample.drawn import drawn
from tasks.acquire.sources.sample.params import Params
from tasks.acquire.sources.sample.planet import planet_height
from tasks.acquire.sources.sample.planet_map import planet_maps

_JACKSBORO = (-84.41375, 36.44625, -84.07791666666667, 36.73291666666667)


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The built-in sample; it needs nothing of the context."""
    return SampleSource(params, area)


class SampleSource:
    """Candidates of the built-in sample that lie in the area."""

    def __init__(self, params: Params, area: Area):
        self._params, self._area = params, area

    def items(self) -> Iterator[Candidate]:
        """Pictures, or maps of the whole planet, or the measured model; then cells by name."""
        planet = {
            "source": "sample",
            "licence": "CC0-1.0",
            "attribution": f"Landloom's procedural planet, seed {self._params.planet_seed}; not a real place",
            "procedural": True,
        }
        if self._params.of != "heights":
            yield from drawn(self._params, self._area, planet)
            return
        if self._params.planet_map_px is not None:
            for layer in ("color", "height"):
                name, size, seed = f"planet_{layer}", self._params.planet_map_px, self._params.planet_seed
                deliver = partial(write_map, layer=layer, px=size, seed=seed)
                yield Candidate(key=name, name=f"{name}.tif", layers=(layer,), deliver=deliver, **planet)
        elif self._area.intersects(*_JACKSBORO):
            yield Candidate(
                key="jacksboro",
                name="jacksboro.tif",
                source="sample",
                licence="public domain (NASA/USGS SRTM), as distributed with matplotlib",
                attribution="NASA/USGS Shuttle Radar Topography Mission, Jacksboro fault, Tennessee",
                deliver=write_jacksboro,
            )
        for cell in sorted(set(self._params.planet_cells)):
            if self._area.intersects(*cell_box(cell)):
                yield Candidate(
                    key=f"planet_{cell}",
                    name=f"planet_{cell}.tif",
                    deliver=partial(write_planet, cell=cell, px=self._params.planet_px, seed=self._params.planet_seed),
                    **planet,
                )


def write_jacksboro(folder: Path) -> Delivery:
    """The elevation model that ships with matplotlib, as a GeoTIFF in longitude and latitude."""
    import matplotlib.cbook

    with matplotlib.cbook.get_sample_data("jacksboro_fault_dem.npz") as sample:
        # Its `ymin` is the northern edge: row 0 lies in the north, and rows go south.
        west, north = float(sample["xmin"]), float(sample["ymin"])
        transform = Affine(float(sample["dx"]), 0, west, 0, -float(sample["dy"]), north)
        _write(folder / "jacksboro.tif", sample["elevation"], transform, {"SOURCE": "matplotlib sample data"})
    return Delivery()


def write_planet(folder: Path, cell: str, px: int, seed: int) -> Delivery:
    """One 1° cell of the procedural planet as a GeoTIFF of `px` × `px` pixels."""
    west, _, _, north = cell_box(cell)
    centre = (np.arange(px) + 0.5) / px
    height = planet_height((north - centre)[:, None], (west + centre)[None, :], seed)
    # Steps of 1/64 m: finer digits are noise of the processor's sines, and would differ between machines.
    height = np.round(height * 64) / 64
    tags = {"SOURCE": f"Landloom's procedural planet, seed {seed}; not a real place"}
    _write(folder / f"planet_{cell}.tif", height, Affine(1 / px, 0, west, 0, -1 / px, north), tags)
    return Delivery()


def write_map(folder: Path, layer: str, px: int, seed: int) -> Delivery:
    """The whole planet as a GeoTIFF in longitude and latitude, `px` pixels around: its heights, or its colours."""
    height, color = planet_maps(px, seed)
    bands = np.round(height * 64) / 64 if layer == "height" else np.moveaxis(color, -1, 0)
    tags = {"SOURCE": f"Landloom's procedural planet, seed {seed}; not a real place"}
    _write(folder / f"planet_{layer}.tif", bands, Affine(360 / px, 0, -180, 0, -360 / px, 90), tags)
    return Delivery()


def _write(path: Path, pixels: np.ndarray, transform: Affine, tags: dict[str, str]) -> None:
    bands = pixels[None] if pixels.ndim == 2 else pixels
    profile = {
        "driver": "GTiff",
        "dtype": str(bands.dtype),
        "count": len(bands),
        "height": bands.shape[1],
        "width": bands.shape[2],
        "crs": "EPSG:4326",
        "transform": transform,
        "compress": "DEFLATE",
        "predictor": 3 if bands.dtype.kind == "f" else 2,
        "tiled": True,
    }
    with rasterio.open(path, "w", **profile) as target:
        target.write(bands)
        target.update_tags(**tags)

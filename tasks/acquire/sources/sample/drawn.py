"""Pictures of the procedural planet as candidates: orthophotos with their place, sheets and views without one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from PIL import Image
from rasterio.crs import CRS
from rasterio.warp import transform

from tasks.acquire.common.area import Area
from tasks.acquire.common.source import Candidate, Delivery
from tasks.acquire.sources.sample.ground.places import Place, places
from tasks.acquire.sources.sample.orthophoto.render import orthophoto, wanted
from tasks.acquire.sources.sample.params import Params
from tasks.acquire.sources.sample.planet import RADIUS
from tasks.acquire.sources.sample.sheets.draft import draft, sheet_places
from tasks.acquire.sources.sample.sheets.render import sheet
from tasks.acquire.sources.sample.views.render import PER_PLACE, WANTED, view

QUALITY = 92  # of JPEGs; scans and photographs come as such


def drawn(params: Params, area: Area, planet: dict[str, Any]) -> Iterator[Candidate]:
    """The pictures that `params` ask for and whose places lie in the area. `planet` says whose they are."""
    given = planet | {"layers": ("color",)}
    count, px, seed = params.pictures, params.picture_px, params.planet_seed
    if params.of == "orthophoto":
        side = px * params.picture_m
        for number, place in enumerate(places(wanted(side), count, seed)):
            if _inside(area, place, side):
                key = f"orthophoto_{number:04d}"
                deliver = partial(write_orthophoto, name=f"{key}.tif", place=place, params=params)
                yield Candidate(key=key, name=f"{key}.tif", deliver=deliver, **given)
    elif params.of == "sheets":
        for number, place in enumerate(sheet_places(count, seed)):
            if _inside(area, place, 1000):
                key, plan = f"sheet_{number:04d}", draft(place)
                facts = {"title": plan.title, "script": plan.script.name, "date": str(plan.year)}
                deliver = partial(write_sheet, name=f"{key}.jpg", place=place, params=params)
                yield Candidate(key=key, name=f"{key}.jpg", deliver=deliver, facts=facts, **given)
    else:
        for number in range(count):
            place = places(WANTED, -(-count // PER_PLACE), seed)[number // PER_PLACE]
            if _inside(area, place, 1000):
                key = f"view_{number:04d}"
                deliver = partial(write_view, name=f"{key}.jpg", place=place, number=number % PER_PLACE, params=params)
                yield Candidate(key=key, name=f"{key}.jpg", deliver=deliver, **given)


def write_orthophoto(folder: Path, name: str, place: Place, params: Params) -> Delivery:
    """A GeoTIFF in the UTM zone of the place."""
    px, gsd = params.picture_px, params.picture_m
    zone = int((place.lon + 180) // 6) % 60 + 1
    crs = CRS.from_epsg((32600 if place.lat >= 0 else 32700) + zone)
    (east,), (north,) = transform(CRS.from_epsg(4326), crs, [place.lon], [place.lat])
    # Whole pixels: the last bits of a projection must not matter.
    left, top = round(east / gsd - px / 2) * gsd, round(north / gsd + px / 2) * gsd
    profile = {
        "driver": "GTiff", "dtype": "uint8", "count": 3, "height": px, "width": px, "crs": crs,
        "transform": Affine(gsd, 0, left, 0, -gsd, top), "compress": "DEFLATE", "predictor": 2, "tiled": True,
        "photometric": "RGB",
    }  # fmt: skip
    with rasterio.open(folder / name, "w", **profile) as target:
        target.write(np.moveaxis(orthophoto(place, px, gsd, params.planet_seed), -1, 0))
        target.update_tags(SOURCE=f"Landloom's procedural planet, seed {params.planet_seed}; not a real place")
    return Delivery()


def write_sheet(folder: Path, name: str, place: Place, params: Params) -> Delivery:
    """A scanned map sheet as JPEG."""
    Image.fromarray(sheet(place, params.picture_px, params.planet_seed)).save(folder / name, quality=QUALITY)
    return Delivery()


def write_view(folder: Path, name: str, place: Place, number: int, params: Params) -> Delivery:
    """A view of mountains as JPEG."""
    Image.fromarray(view(place, number, params.picture_px, params.planet_seed)).save(folder / name, quality=QUALITY)
    return Delivery()


def _inside(area: Area, place: Place, side_m: float) -> bool:
    half = np.degrees(side_m / 2000 / RADIUS)
    wide = half / np.cos(np.radians(place.lat))
    west, east = ((place.lon + step + 180) % 360 - 180 for step in (-wide, wide))
    return area.intersects(west, place.lat - half, east, place.lat + half)

"""Rasters of a STAC catalogue: the items of a collection in the area, and sea where it publishes none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import rasterio
from rasterio.transform import from_bounds

from tasks.acquire.common.area import Area, cell_box
from tasks.acquire.common.context import Context
from tasks.acquire.common.declared.beside import Beside
from tasks.acquire.common.degree_cells import cell_corner, cell_name
from tasks.acquire.common.download import Expected
from tasks.acquire.common.fields import Override
from tasks.acquire.common.http import plain
from tasks.acquire.common.source import Candidate, Delivery, Refusal, Source
from tasks.acquire.common.stac.addresses import web_address
from tasks.acquire.common.stac.bands import described, first_band, number
from tasks.acquire.common.stac.catalogue import Catalogue, flat_box, item_box
from tasks.acquire.common.stac.sign import PlanetaryComputer
from tasks.acquire.sources.stac.params import Params
from tasks.core.errors import LandloomError

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")

TERMS = {
    "cop-dem-glo-30": (
        "Copernicus DEM licence: free of charge for any use, with attribution",
        "© DLR e.V. 2010-2014 and © Airbus Defence and Space GmbH 2014-2018, provided under COPERNICUS by the "
        "European Union and ESA; all rights reserved",
    ),
    "nasadem": ("public domain (NASA)", "NASADEM, NASA/JPL and USGS LP DAAC"),
}
TERMS["cop-dem-glo-90"] = TERMS["cop-dem-glo-30"]
"""Licence and attribution of known collections, whose catalogues only say "proprietary"."""

WITHHELD = {"cop-dem-glo-30": (38, 43, 42, 51)}
"""South, west, north, east of land that a collection leaves out: Armenia and Azerbaijan. No sea is put there."""


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The collection, as far as the area reaches."""
    return StacSource(params, area, context)


class StacSource:
    """Candidates of one collection. See `tasks.acquire.sources.stac.params`."""

    def __init__(self, params: Params, area: Area, context: Context):
        self._params, self._area = params, area
        http = context.http()
        self._catalogue = Catalogue(params.url, http)
        self._downloads = context.downloads(http, PlanetaryComputer(http) if params.sign else None)

    def items(self) -> Iterator[Candidate]:
        """Published items by id, then sea and gaps by cell."""
        collection, found = self._catalogue.search(self._params.collection, self._area)
        inside = [
            item for _, item in sorted(found.items()) if (box := item_box(item)) is None or self._area.intersects(*box)
        ]
        if not any(item_box(item) for item in inside):
            raise LandloomError(
                f"stac: {self._params.collection} at {self._params.url} has no item in the area; "
                "look at acquire.area (open ocean alone has nothing to show)"
            )
        licence, attribution = self._terms(collection)
        for item in inside:
            yield self._candidate(item, collection, licence, attribution)
        if self._params.missing_is_sea and "height" in self._params.layers:
            yield from self._sea(collection, found)

    def _candidate(self, item: dict[str, Any], collection: dict[str, Any], licence: str, attribution: str) -> Candidate:
        """One item; what cannot be fetched safely is a candidate that refuses itself."""
        key = str(item["id"])
        layers = tuple(self._params.layers)
        make = partial(Candidate, key=key, source="stac", licence=licence, attribution=attribution, layers=layers)
        try:
            asset = self._asset(item, collection)
            url = web_address(item, asset, self._params.url, self._params.s3_endpoint)
            if not _ID.fullmatch(key):
                raise Refusal("its id is no plain file name")
            if item_box(item) is None:
                raise Refusal("the catalogue does not say where it lies (no bbox)")
        except Refusal as refusal:
            return make(name="", deliver=partial(_refuse, reason=str(refusal)))
        suffix = PurePosixPath(unquote(urlsplit(url).path)).suffix.lower()
        name = f"{key}{suffix if re.fullmatch(r'[.][a-z0-9]{1,5}', suffix) else '.tif'}"
        return make(
            name=name,
            url=plain(url),
            override=_nodata(asset),
            beside=_beside(asset),
            deliver=partial(self._fetch, url, name, _expected(asset)),
        )

    def _asset(self, item: dict[str, Any], collection: dict[str, Any]) -> dict[str, Any]:
        """The asset, with what the collection states of it."""
        assets = item.get("assets") or {}
        asset = assets.get(self._params.asset)
        if not isinstance(asset, dict) or not isinstance(asset.get("href"), str):
            raise Refusal(f"has no asset {self._params.asset!r}; it has {', '.join(sorted(assets)) or 'none'}")
        common = (collection.get("item_assets") or {}).get(self._params.asset)
        return described(common, asset)

    def _fetch(self, url: str, name: str, expected: Expected, folder: Path) -> Delivery:
        return self._downloads.deliver(url, folder / name, expected)

    def _terms(self, collection: dict[str, Any]) -> tuple[str, str]:
        """Licence and attribution, as far as they are known."""
        if self._params.collection in TERMS:
            return TERMS[self._params.collection]
        providers = [str(provider.get("name")) for provider in collection.get("providers") or []]
        return str(collection.get("license") or "not stated"), ", ".join(providers) or "not stated"

    def _sea(self, collection: dict[str, Any], found: dict[str, dict[str, Any]]) -> Iterator[Candidate]:
        """Sea at 0 m in each cell of the area that has no item but touches one that has.

        Open ocean farther out has no ground to show. A missing cell is a gap, and no sea, where the collection
        leaves land out or does not reach, and where an item of more than a cell may have ground: a catalogue's box of
        the whole globe says nothing about where its item lies.
        """
        boxes = {key: (box, item) for key, item in sorted(found.items()) if (box := item_box(item))}
        published = {_cell(box): (box, item) for box, item in boxes.values() if _is_cell(box)}
        wide = {key: Area.read(_wrapped(box), Path()) for key, (box, _) in boxes.items() if not _is_cell(box)}
        for cell in self._area.cells():
            near = [neighbour for neighbour in _around(cell) if neighbour in published]
            if cell in published or not near:
                continue
            make = partial(Candidate, source="stac", licence="none needed: a constant")
            over = next((key for key, place in wide.items() if place.intersects(*cell_box(cell))), None)
            reason = f"the box of {over} reaches here, so this may be land: a gap, not sea" if over else None
            if reason := reason or self._gap(cell, collection):
                yield make(key=f"gap_{cell}", name="", attribution="", deliver=partial(_refuse, reason=reason))
            else:
                box, item = published[near[0]]
                name = f"sea_{cell}.tif"
                sea = partial(_write_sea, name=name, cell=cell, like=box, shape=_shape(item))
                note = f"sea at 0 m, because {self._params.collection} publishes no cell here"
                yield make(key=f"sea_{cell}", name=name, attribution=note, deliver=sea)

    def _gap(self, cell: str, collection: dict[str, Any]) -> str | None:
        """Why a cell without an item is not sea; None where it is."""
        south, west = cell_corner(cell)
        s, w, n, e = WITHHELD.get(self._params.collection, (0, 0, 0, 0))
        if s <= south < n and w <= west < e:
            return f"{self._params.collection} leaves this land out: a gap, not sea; use another collection here"
        boxes = collection.get("extent", {}).get("spatial", {}).get("bbox") or [[-180, -90, 180, 90]]
        if not any(Area.read(flat_box(box), Path()).intersects(*cell_box(cell)) for box in boxes):
            return f"{self._params.collection} does not reach here: a gap, not sea"
        return None


def _refuse(folder: Path, reason: str) -> Delivery:
    raise Refusal(reason)


def _sides(box: tuple[float, float, float, float]) -> tuple[float, float]:
    """Degrees from west to east, across 180° where west > east, and from south to north."""
    west, south, east, north = box
    return east - west + (360 if east < west else 0), north - south


def _is_cell(box: tuple[float, float, float, float]) -> bool:
    """Whether a box is that of one cell, with what sticks out of it."""
    return max(_sides(box)) < 1.5


def _wrapped(box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    return (-180.0, box[1], 180.0, box[3]) if _sides(box)[0] >= 360 else box


def _cell(box: tuple[float, float, float, float]) -> str:
    """The 1° cell that a published box stands for: it sticks out by half a pixel, so its middle decides."""
    west, south, east, north = box
    east += 360 if east < west else 0
    return cell_name(int((south + north) / 2 // 1), int((west + east) / 2 // 1))


def _around(cell: str) -> list[str]:
    """The eight neighbours, those on the same latitude first: they share its pixel grid."""
    south, west = cell_corner(cell)
    steps = [(0, -1), (0, 1), (1, 0), (-1, 0), (1, -1), (1, 1), (-1, -1), (-1, 1)]
    return [cell_name(south + dy, west + dx) for dy, dx in steps if -90 <= south + dy < 90]


def _shape(item: dict[str, Any]) -> tuple[int, int]:
    """Rows and columns of an item's raster; 1″ where the catalogue does not say."""
    places = [item.get("properties"), *(item.get("assets") or {}).values()]  # STAC allows either
    for shape in (place.get("proj:shape") for place in places if isinstance(place, dict)):
        if isinstance(shape, list) and len(shape) == 2 and all(isinstance(n, int) and 1 < n <= 10800 for n in shape):
            return shape[0], shape[1]
    return 3600, 3600


def _write_sea(folder: Path, name: str, cell: str, like: tuple[float, ...], shape: tuple[int, int]) -> Delivery:
    """A cell of zeros on its neighbour's pixel grid: half a pixel off would leave a hairline of void between them."""
    south, west = cell_corner(cell)
    out = [edge - round(edge) for edge in like]  # how far the neighbour sticks out of its degree
    box = (west + out[0], south + out[1], west + 1 + out[2], south + 1 + out[3])
    rows, cols = shape
    profile = {
        "driver": "GTiff",
        "dtype": "int16",
        "count": 1,
        "height": rows,
        "width": cols,
        "crs": "EPSG:4326",
        "transform": from_bounds(*box, cols, rows),
        "compress": "DEFLATE",
        "tiled": True,
        "sparse_ok": True,  # blocks that are not there read as 0
    }
    with rasterio.open(folder / name, "w", **profile) as target:
        target.update_tags(SOURCE="sea at 0 m; not measured")
    return Delivery()


def _nodata(asset: dict[str, Any]) -> Override:
    """A void code that the catalogue states. A 0 is not believed: at sea it is a height."""
    value = number(first_band(asset).get("nodata"))
    return Override(nodata=value) if value else Override()


def _beside(asset: dict[str, Any]) -> Beside:
    """Unit, scale and offset that the catalogue states."""
    band = first_band(asset)
    unit = band.get("unit")
    return Beside(unit if isinstance(unit, str) else None, number(band.get("scale")), number(band.get("offset")))


def _expected(asset: dict[str, Any]) -> Expected:
    """Length and SHA-256 (a multihash that begins with 1220), where the catalogue states them."""
    size, checksum = asset.get("file:size"), asset.get("file:checksum")
    known = isinstance(checksum, str) and checksum.startswith("1220") and len(checksum) == 68
    return Expected(size if isinstance(size, int) else None, checksum[4:].lower() if known else None)

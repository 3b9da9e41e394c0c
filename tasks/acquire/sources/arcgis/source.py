"""Pictures of an ArcGIS map or image service: cached tiles or exports, put together into rasters with their place."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import numpy as np

from tasks.acquire.common.area import Area
from tasks.acquire.common.context import Context
from tasks.acquire.common.download import Expected
from tasks.acquire.common.http import Attempts, plain
from tasks.acquire.common.rgb import rgb_geotiff
from tasks.acquire.common.source import Absent, Candidate, Delivery, Refusal, Source, Unreadable
from tasks.acquire.sources.arcgis.answers import Busy, Stopped, busy, read_picture
from tasks.acquire.sources.arcgis.blank import is_blank
from tasks.acquire.sources.arcgis.grid import Grid, Item, latitude_of
from tasks.acquire.sources.arcgis.key import Key
from tasks.acquire.sources.arcgis.params import Params
from tasks.acquire.sources.arcgis.service import Service, read_service
from tasks.acquire.sources.arcgis.terms import accepted_terms
from tasks.core.errors import LandloomError

_STEADY_TRIES = 3  # of a request that the service fails to answer by itself; then it is refused


def open_source(params: Params, area: Area, context: Context) -> Source:
    """The service, as far as the area reaches."""
    return ArcgisSource(params, area, context)


class ArcgisSource:
    """One candidate for each block of the service's grid. See `tasks.acquire.sources.arcgis.params`."""

    def __init__(self, params: Params, area: Area, context: Context):
        self._licence = accepted_terms(params)
        self._params, self._area, self._http = params, area, context.http()
        self._key = Key(params.key, params.url) if params.key else None
        self._downloads = context.downloads(self._http, self._key)
        self._stopped: str | None = None  # why the service is asked no more

    def items(self) -> Iterator[Candidate]:
        """Blocks from north-west to south-east."""
        service = self._describe()
        grid = Grid(service, service.level(self._params, latitude_of(service, self._area)))
        per_side = max(self._params.item_px // max(service.cell), 1)
        for item in grid.items(self._area, per_side, self._params.max_requests):
            key = f"{service.name}_{grid.level.name}_r{item.block[0]}_c{item.block[1]}"
            yield Candidate(
                key=key,
                name=f"{key}.tif",
                source="arcgis",
                licence=self._licence,
                attribution=service.attribution,
                layers=("color",),
                url=plain(_address(grid, *item.cells[0], self._params)) if len(item.cells) == 1 else service.url,
                deliver=partial(self._deliver, grid, item, f"{key}.tif"),
            )

    def _describe(self) -> Service:
        url = f"{self._params.url.rstrip('/')}?f=json"
        try:
            return read_service(self._http.json(self._key.sign(url) if self._key else url, busy=busy), self._params)
        except (Stopped, Refusal) as error:
            raise LandloomError(f"source.url: {plain(url)}: {error}") from None
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise LandloomError(
                f"source.url: {plain(url)} describes itself in another way than ArcGIS: {error!r}"
            ) from None

    def _deliver(self, grid: Grid, item: Item, name: str, folder: Path) -> Delivery:
        """Put the cells of one block together."""
        (top, left), (rows, cols) = item.corner, item.span
        wide, high = grid.service.cell
        canvas = np.zeros((rows * high, cols * wide, 4), np.uint8)
        shown = 0
        for row, col in item.cells:
            picture = self._cell(_address(grid, row, col, self._params), grid.service.cell, folder)
            if picture is not None:
                y, x = (row - top) * high, (col - left) * wide
                canvas[y : y + high, x : x + wide] = picture
                shown += 1
        if not shown:
            raise Refusal(
                f"the service has no pictures here at level {grid.level.name}: each of {len(item.cells)} requests gave "
                "nothing or a blank; a coarser level may have some"
            )
        tags = {
            "SOURCE": grid.service.url,
            "LEVEL": grid.level.name,
            "CELLS": f"{shown} of {len(item.cells)} requests of {wide} x {high} pixels showed ground",
        }
        _write(folder / name, canvas, grid, item, tags)
        return Delivery()

    def _cell(self, url: str, size: tuple[int, int], folder: Path) -> np.ndarray | None:
        """The picture of one cell; None where the service has none.

        Raises:
            LandloomError: the service answers no more. Then no other cell is asked for either.
        """
        attempts, target = Attempts(url, self._http), folder / ".cell"
        for tries in range(1, 1000):
            if self._stopped:
                raise LandloomError(self._stopped)
            target.unlink(missing_ok=True)
            try:
                delivery = self._downloads.deliver(url, target, Expected(json_errors=True))
            except Absent:
                return None
            data = target.read_bytes()
            target.unlink()
            try:
                picture = read_picture(data, *size)
                return None if is_blank(picture) else picture
            except Stopped as error:
                delivery.forget()
                self._stopped = f"arcgis: {plain(url)} {error}"
            except Busy as error:
                delivery.forget()
                if error.steady and tries >= _STEADY_TRIES:
                    raise Refusal(f"the service {error}, {tries} times") from None
                attempts.failed(str(error))
            except Unreadable as error:
                delivery.forget()
                if tries >= _STEADY_TRIES:
                    raise
                attempts.failed(str(error))
            except Refusal:
                delivery.forget()
                raise
        raise LandloomError(f"{plain(url)}: gave up")


def _address(grid: Grid, row: int, col: int, params: Params) -> str:
    """The request for one cell."""
    service = grid.service
    if service.operation == "tiles":
        # blankTile=false: 404, and no placeholder, where the cache has no tile.
        return f"{service.url}/tile/{grid.level.number}/{row}/{col}?blankTile=false"
    digits = 10 if service.crs.is_geographic else 4
    query = {
        "bbox": ",".join(f"{value:.{digits}f}" for value in grid.bounds(row, col)),
        "bboxSR": service.wkid,
        "imageSR": service.wkid,
        "size": "{},{}".format(*service.cell),
        "format": "png32",
        "f": "image",
    }
    if service.kind == "MapServer":
        query |= {"transparent": "true", "dpi": "96"}
        query |= {"layers": f"show:{','.join(map(str, params.map_layers))}"} if params.map_layers else {}
        return f"{service.url}/export?{urlencode(query)}"
    query |= {"adjustAspectRatio": "false", "interpolation": "RSP_BilinearInterpolation"}
    if params.rendering:
        query["renderingRule"] = json.dumps({"rasterFunction": params.rendering}, separators=(",", ":"))
    else:
        query["bandIds"] = ",".join(map(str, params.bands or [0, 1, 2]))
    return f"{service.url}/exportImage?{urlencode(query)}"


def _write(path: Path, canvas: np.ndarray, grid: Grid, item: Item, tags: dict[str, str]) -> None:
    """Write RGBA (H, W, 4); what is more than half transparent is masked."""
    known = canvas[..., 3] >= 128
    place = grid.service.crs.to_wkt(), grid.transform(item)
    with rgb_geotiff(path, *known.shape, *place, tags) as target:
        target.write(np.moveaxis(canvas[..., :3] * known[..., None], -1, 0))
        if not known.all():
            target.write_mask(known)

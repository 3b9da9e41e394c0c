"""A service as it describes itself (`?f=json`): its coordinates, its levels, its limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import cos, fmod, radians
from typing import Any

from pyproj import CRS
from pyproj.exceptions import CRSError

from tasks.acquire.sources.arcgis.answers import check
from tasks.acquire.sources.arcgis.params import Params
from tasks.core.errors import LandloomError

_DEGREE_M = 111_319.49  # metres of a degree on the sphere of Web Mercator
_WORLD_M = 20_037_508.342787  # half the side of the Web Mercator square
_DPI_SCALE = 96 / 0.0254  # scale of a map with 96 pixels an inch and one metre a pixel
_PX = 2048  # pixels of a picture where a service states no limit; ArcGIS Server's own default is 4096


class NotUsable(LandloomError):
    """A service that cannot deliver what the parameters ask for."""

    def __init__(self, key: str, reason: str):
        super().__init__(f"source.{key}: {reason}")


@dataclass(frozen=True)
class Level:
    """A resolution at which a service is asked: units of its CRS a pixel, and its number where it has one."""

    number: int | None
    resolution: float

    @property
    def name(self) -> str:
        return str(self.number) if self.number is not None else f"{self.resolution:g}".replace(".", "_")


@dataclass(frozen=True)
class Service:
    """What matters of a service.

    Attributes:
        url: its address, without a slash at the end. kind: MapServer or ImageServer.
        operation: tiles or export. wkid: how requests name its CRS; crs: the same CRS.
        origin: x of the west and y of the north edge of the grid of requests, in its CRS.
        extent: west, south, east, north of its pictures in its CRS. cell: columns and rows of one request in pixels.
        levels: from coarse to fine; empty where any resolution can be asked for.
        finest: units a pixel below which there is no more detail, or 0. attribution: its copyright text.
    """

    url: str
    kind: str
    operation: str
    wkid: str
    crs: CRS
    origin: tuple[float, float]
    extent: tuple[float, float, float, float]
    cell: tuple[int, int]
    levels: tuple[Level, ...]
    finest: float
    attribution: str

    @property
    def name(self) -> str:
        """The service's own name as part of a file name."""
        return re.sub(r"[^A-Za-z0-9-]+", "_", self.url.rsplit("/", 2)[-2]).strip("_") or "service"

    def ground(self, resolution: float, latitude: float) -> float:
        """Metres on the ground of a pixel at a latitude. Mercator stretches the ground by 1 / cos(latitude)."""
        if self.crs.is_geographic:
            return resolution * _DEGREE_M
        metres = resolution * self.crs.axis_info[0].unit_conversion_factor
        return metres * cos(radians(latitude)) if _is_mercator(self.crs) else metres

    def level(self, params: Params, latitude: float) -> Level:
        """The level that the parameters name, or else the coarsest that is as fine as `gsd` at the latitude."""
        if params.level is not None:
            for level in self.levels:
                if level.number == params.level:
                    return level
            known = ", ".join(level.name for level in self.levels) or "none"
            raise NotUsable("level", f"{self.name} draws no level {params.level} at this scale; it has {known}")
        if not self.levels:
            asked = params.gsd / self.ground(1.0, latitude) if self.crs.is_geographic else params.gsd / self._metres()
            return Level(None, max(asked, self.finest))
        fine = [level for level in self.levels if self.ground(level.resolution, latitude) <= params.gsd * 1.000001]
        return fine[0] if fine else self.levels[-1]

    def _metres(self) -> float:
        return float(self.crs.axis_info[0].unit_conversion_factor)


def read_service(answer: Any, params: Params) -> Service:
    """Build the service from its description, the JSON answer to `?f=json`.

    Raises:
        NotUsable: it cannot do what the parameters ask for. Stopped, Busy, Refusal: see `check`.
    """
    url = params.url.rstrip("/")
    facts = check(answer)
    kind = url.rsplit("/", 1)[1]
    tiling = facts.get("tileInfo") if isinstance(facts.get("tileInfo"), dict) else None
    cached = bool(tiling and facts.get("singleFusedMapCache", True))
    operation = params.operation or ("tiles" if cached else "export")
    _check_abilities(facts, kind, operation, cached, params)
    extent = facts.get("fullExtent") or facts.get("extent") or facts.get("initialExtent") or {}
    reference = (tiling or {}).get("spatialReference") or facts.get("spatialReference")
    reference = reference or extent.get("spatialReference") or {}
    crs, wkid = _crs(reference)
    try:
        bounds = tuple(float(extent[edge]) for edge in ("xmin", "ymin", "xmax", "ymax"))
    except (KeyError, TypeError, ValueError):
        raise NotUsable("url", f"{url} does not say where its pictures lie (no fullExtent)") from None
    pixel = float(facts.get("pixelSizeX") or 0)
    if operation == "tiles":
        cell = (int(tiling.get("cols", 256)), int(tiling.get("rows", 256)))  # type: ignore[union-attr]
    else:
        side = min(int(facts.get("maxImageWidth") or _PX), int(facts.get("maxImageHeight") or _PX), params.item_px)
        cell = (side, side)
    return Service(
        url,
        kind,
        operation,
        wkid,
        crs,
        _origin(tiling, crs, bounds, pixel),
        bounds,  # type: ignore[arg-type]
        cell,
        _levels(facts, tiling, crs, pixel),
        pixel,
        params.attribution or " ".join(str(facts.get("copyrightText") or "not stated").split()),
    )


def _check_abilities(facts: dict[str, Any], kind: str, operation: str, cached: bool, params: Params) -> None:
    able = {word.strip() for word in str(facts.get("capabilities") or "").split(",")} - {""}
    wanted = {"Image"} if kind == "ImageServer" else {"Map"}
    wanted |= {"TilesOnly", "Tilemap"} if operation == "tiles" else set()
    if able and not able & wanted:
        raise NotUsable("url", f"the service does no {operation}; it can do {', '.join(sorted(able))}")
    if operation == "tiles" and not cached:
        raise NotUsable("operation", "the service has no cache of tiles; set operation: export")
    if kind == "ImageServer" and operation == "export" and not params.rendering:
        pixels, count = str(facts.get("pixelType") or "U8"), int(facts.get("bandCount") or 3)
        if pixels != "U8" or count < 3:
            names = [str(one.get("name")) for one in facts.get("rasterFunctionInfos") or [] if isinstance(one, dict)]
            raise NotUsable(
                "rendering",
                f"the service's pixels are {count} bands of {pixels}, which are no picture; name one of its functions "
                f"that makes one: {', '.join(names) or 'it has none'}",
            )


def _crs(reference: dict[str, Any]) -> tuple[CRS, str]:
    """The CRS of an ArcGIS spatial reference, and how a request names it."""
    codes = [code for code in (reference.get("latestWkid"), reference.get("wkid")) if isinstance(code, int)]
    for authority, code in [(name, code) for code in codes for name in ("EPSG", "ESRI")]:
        try:
            return CRS.from_authority(authority, code), str(codes[0])
        except CRSError:
            continue
    wkt = reference.get("wkt") or reference.get("wkt2")
    try:
        return CRS.from_wkt(str(wkt)), f'{{"wkt":"{wkt}"}}'
    except CRSError:
        raise NotUsable("url", f"the service's spatial reference is not known: {str(reference)[:120]}") from None


def _origin(tiling: dict[str, Any] | None, crs: CRS, bounds: tuple[float, ...], pixel: float) -> tuple[float, float]:
    """Where the grid of requests begins: a point that stays the same when the service's extent grows.

    It is the origin of the cache, or the corner of the Web Mercator square. Elsewhere it is the phase of the service's
    own pixels, so that requests at its own resolution resample nothing.
    """
    if tiling and isinstance(tiling.get("origin"), dict):
        return float(tiling["origin"]["x"]), float(tiling["origin"]["y"])
    if pixel:
        return tuple(round(fmod(value, pixel) / pixel, 3) * pixel for value in (bounds[0], bounds[3]))  # type: ignore[return-value]
    return (-_WORLD_M, _WORLD_M) if _is_mercator(crs) else (0.0, 0.0)


def _levels(facts: dict[str, Any], tiling: dict[str, Any] | None, crs: CRS, pixel: float) -> tuple[Level, ...]:
    """Levels at which the service draws, coarse to fine: those of its cache, or the usual ones of Web Mercator."""
    if tiling and tiling.get("lods"):
        every = [
            (Level(int(lod["level"]), float(lod["resolution"])), float(lod.get("scale") or 0)) for lod in tiling["lods"]
        ]
    elif _is_mercator(crs) and not pixel:
        steps = [(number, 2 * _WORLD_M / 256 / 2**number) for number in range(24)]
        every = [(Level(number, step), step * _DPI_SCALE) for number, step in steps]
    else:
        return ()
    least, most = float(facts.get("minScale") or 0), float(facts.get("maxScale") or 0)
    drawn = [
        level
        for level, scale in sorted(every, key=lambda one: -one[0].resolution)
        if not scale or ((not least or scale <= least * 1.001) and (not most or scale >= most * 0.999))
    ]
    if not drawn:
        raise NotUsable("url", f"the service draws between the scales {least:g} and {most:g}, and has no level there")
    return tuple(drawn)


def _is_mercator(crs: CRS) -> bool:
    operation = crs.coordinate_operation
    return (
        operation is not None
        and "mercator" in operation.method_name.lower()
        and "transverse" not in operation.method_name.lower()
    )

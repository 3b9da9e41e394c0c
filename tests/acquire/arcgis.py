"""An ArcGIS server on loopback: services that answer as the REST API's reference says, with ground behind them."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import numpy as np
import rasterio
from PIL import Image, ImageDraw
from rasterio.vrt import WarpedVRT
from rasterio.warp import transform_bounds

from tests.acquire.server import Handler, Server
from tests.acquire.stage import acquire, params

WORLD = 20_037_508.342787
Ground = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From x and y in the service's CRS, float64 (rows, cols), to RGBA, uint8 (rows, cols, 4)."""


def land(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Fields and a river around the origin of Web Mercator: each pixel's colour tells its place."""
    furrows = 6 * np.sin(x / 11) * np.sin(y / 13)
    rgb = [
        90 + 60 * np.sin(x / 900),
        110 + 50 * np.cos(y / 700),
        70 + 30 * np.sin((x + y) / 500),
        np.full(x.shape, 255),
    ]
    found = np.stack(rgb, axis=-1)
    found[..., :3] += furrows[..., None]
    return np.clip(found, 0, 255).astype(np.uint8)


def photograph(path: Path, resolution: float) -> tuple[Ground, list[float]]:
    """The ground of a real raster in Web Mercator, and a box of degrees inside it."""
    with rasterio.open(path) as raster, WarpedVRT(raster, crs="EPSG:3857", add_alpha=True) as flat:
        shape = (round((flat.bounds.top - flat.bounds.bottom) / resolution), -1)
        cols = round((flat.bounds.right - flat.bounds.left) / resolution)
        pixels = np.moveaxis(flat.read([1, 2, 3, flat.count], out_shape=(4, shape[0], cols)), 0, -1)
        bounds = flat.bounds
        west, south, east, north = transform_bounds(flat.crs, "EPSG:4326", *bounds)

    def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        col = ((x - bounds.left) / (bounds.right - bounds.left) * pixels.shape[1]).astype(int)
        row = ((bounds.top - y) / (bounds.top - bounds.bottom) * pixels.shape[0]).astype(int)
        inside = (col >= 0) & (col < pixels.shape[1]) & (row >= 0) & (row < pixels.shape[0])
        found = pixels[row.clip(0, pixels.shape[0] - 1), col.clip(0, pixels.shape[1] - 1)]
        return np.where(inside[..., None], found, 0).astype(np.uint8)

    quarter = ((east - west) / 4, (north - south) / 4)
    return ground, [west + quarter[0], south + quarter[1], east - quarter[0], north - quarter[1]]


def not_yet_available() -> Image.Image:
    """The placeholder that services send with status 200: words in dark grey on light grey, as a JPEG."""
    tile = Image.new("RGB", (256, 256), (204, 204, 204))
    draw = ImageDraw.Draw(tile)
    for y in (40, 120, 200):
        draw.text((40, y), "Map data not yet available", fill=(150, 150, 150))
    return tile


class Service:
    """One service. Attributes can be changed between requests: `facts` is its description."""

    def __init__(self, server: Server, kind: str = "MapServer", ground: Ground = land, **facts: Any):
        self.server, self.kind, self.ground = server, kind, ground
        self.path = f"/arcgis/rest/services/Ortho/{kind}"
        self.url = f"{server.url}{self.path}"
        self.token: str | None = None
        self.missing: set[tuple[int, int, int]] = set()  # tiles that the cache lacks
        self.placeholder = False  # whether the server ignores blankTile, as before 10.2
        extent = {"xmin": -WORLD, "ymin": -WORLD, "xmax": WORLD, "ymax": WORLD}
        extent["spatialReference"] = {"wkid": 102100, "latestWkid": 3857}  # type: ignore[assignment]
        self.facts: dict[str, Any] = {
            "currentVersion": 11.2,
            "mapName": "Layers",
            "copyrightText": "USDA, USGS The National Map: Orthoimagery. ",
            "spatialReference": {"wkid": 102100, "latestWkid": 3857},
            "fullExtent": extent,
            "minScale": 0,
            "maxScale": 9027.977411,
            "maxImageWidth": 1024,
            "maxImageHeight": 1024,
            "capabilities": "Image,Metadata" if kind == "ImageServer" else "Map,Query,Data",
            **facts,
        }
        if kind == "MapServer" and "tileInfo" not in facts:
            self.facts |= {"singleFusedMapCache": True, "tileInfo": tiling()}
        server.routes[self.path] = self._describe
        server.routes[f"{self.path}/*"] = self._answer

    def asked(self, what: str = "") -> list[str]:
        """Requests for pictures, in their order."""
        return [seen[2] for seen in self.server.seen if seen[2].startswith(f"{self.path}/{what}")]

    def _describe(self, handler: Handler) -> None:
        if self._allowed(handler):
            assert parse_qs(urlsplit(handler.path).query)["f"] == ["json"]
            handler.json(self.facts)

    def _answer(self, handler: Handler) -> None:
        if not self._allowed(handler):
            return
        parts = urlsplit(handler.path)
        query = {name: value[0] for name, value in parse_qs(parts.query).items()}
        steps = parts.path.removeprefix(f"{self.path}/").split("/")
        if steps[0] == "tile" and "tileInfo" in self.facts:
            self._tile(handler, *(int(step) for step in steps[1:]), ask_blank=query.get("blankTile") != "false")
        elif steps[0] == ("exportImage" if self.kind == "ImageServer" else "export"):
            self._export(handler, query)
        else:
            fault(handler, 400, "Invalid URL")

    def _allowed(self, handler: Handler) -> bool:
        given = parse_qs(urlsplit(handler.path).query).get("token", [""])[0]
        if self.token is None or given == self.token:
            return True
        fault(handler, 498 if given else 499, "Invalid token." if given else "Token Required")
        return False

    def _tile(self, handler: Handler, level: int, row: int, col: int, ask_blank: bool) -> None:
        info = self.facts["tileInfo"]
        known = {lod["level"]: lod["resolution"] for lod in info["lods"]}
        if level not in known or (level, row, col) in self.missing:
            if self.placeholder or ask_blank:
                handler.answer(200, encoded(not_yet_available(), "JPEG"), Content_Type="image/jpeg", blank_tile="true")
            else:
                handler.answer(404, b"<html>Tile not found</html>", Content_Type="text/html")
            return
        side = info["cols"] * known[level]
        west, north = info["origin"]["x"] + col * side, info["origin"]["y"] - row * side
        rgba = self._draw((west, north - side, west + side, north), info["cols"], info["rows"])
        handler.answer(200, encoded(Image.fromarray(rgba).convert("RGB"), "PNG"), Content_Type="image/png")

    def _export(self, handler: Handler, query: dict[str, str]) -> None:
        cols, rows = (int(value) for value in query["size"].split(","))
        if cols > self.facts["maxImageWidth"] or rows > self.facts["maxImageHeight"]:
            fault(handler, 400, "The requested image exceeds the size limit.")
            return
        west, south, east, north = (float(value) for value in query["bbox"].split(","))
        assert query["f"] == "image" and query["bboxSR"] == query["imageSR"]
        rgba = self._draw((west, south, east, north), cols, rows)
        handler.answer(200, encoded(Image.fromarray(rgba), "PNG"), Content_Type="image/png")

    def _draw(self, box: tuple[float, ...], cols: int, rows: int) -> np.ndarray:
        west, south, east, north = box
        x = west + (np.arange(cols) + 0.5) * (east - west) / cols
        y = north - (np.arange(rows) + 0.5) * (north - south) / rows
        return self.ground(*np.meshgrid(x, y))


def tiling(size: int = 256, last: int = 23) -> dict[str, Any]:
    """The tiling scheme of Web Mercator, as services publish it: with more levels than their caches have."""
    lods = [
        {"level": n, "resolution": 2 * WORLD / 256 / 2**n, "scale": 591657527.591555 / 2**n} for n in range(last + 1)
    ]
    reference = {"wkid": 102100, "latestWkid": 3857}
    origin = {"x": -WORLD, "y": WORLD}
    return {"rows": size, "cols": size, "dpi": 96, "format": "MIXED", "origin": origin, "lods": lods} | {
        "spatialReference": reference
    }


def fault(handler: Handler, code: int, message: str, status: int = 200) -> None:
    """An error as an ArcGIS server sends it: with status 200."""
    body = json.dumps({"error": {"code": code, "message": message, "details": []}}).encode()
    handler.answer(status, body, Content_Type="application/json;charset=UTF-8")


def encoded(image: Image.Image, kind: str) -> bytes:
    stream = BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def fetch(root: Path, service: Service, area: Any, **changes: Any):
    fast = {"requests_per_second": 100.0, "retries": 2, "timeout_s": 5.0}
    return acquire(root, params("arcgis", area, **{"url": service.url, **fast, **changes}))

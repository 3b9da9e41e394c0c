"""A STAC API on loopback, and the acquire stage run against it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from tasks.acquire.common.degree_cells import cell_corner
from tests.acquire.rasters import hills, write
from tests.acquire.server import Handler, Server, file_route
from tests.acquire.stage import acquire, params

PX = 120
HALF = 0.5 / PX  # like published cells, these extend half a pixel beyond their degree to the west and to the north
CONFORMS = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
CONFORMS += ["https://api.stacspec.org/v1.0.0/collections", "https://api.stacspec.org/v1.0.0/ogcapi-features"]


class Catalogue:
    """A STAC API with one collection, of 1° cells."""

    def __init__(self, server: Server, folder: Path, collection: str = "cop-dem-glo-30"):
        self.server, self.url, self.folder, self.collection = server, f"{server.url}/v1", folder, collection
        self.items: list[dict[str, Any]] = []
        self.page = 2  # items on a page: few, so that there are several pages
        self.extent = [-180, -90, 180, 90]
        self.item_assets: dict[str, Any] = {}
        links = [
            {"rel": "search", "type": "application/geo+json", "href": f"{self.url}/search", "method": method}
            for method in ("GET", "POST")
        ]
        links += [{"rel": rel, "href": self.url, "type": "application/json"} for rel in ("root", "self")]
        links += [{"rel": "data", "href": f"{self.url}/collections", "type": "application/json"}]
        root = {"type": "Catalog", "stac_version": "1.0.0", "id": "loopback", "description": "a test", "links": links}
        server.routes["/v1"] = lambda handler: handler.json({**root, "conformsTo": CONFORMS})
        server.routes["/v1/"] = server.routes["/v1"]
        server.routes[f"/v1/collections/{collection}"] = self._describe
        server.routes["/v1/search"] = self._search

    def add(self, cell: str, array: np.ndarray | None = None, **changes: Any) -> dict[str, Any]:
        """Publish one cell as a COG; `changes` replace parts of the item."""
        south, west = cell_corner(cell)
        name = f"DEM_{cell}"
        path = self.folder / f"{name}.tif"
        transform = Affine(1 / PX, 0, west - HALF, 0, -1 / PX, south + 1 + HALF)
        ground = hills(PX, PX, low=5.0, high=800.0) if array is None else array
        write(path, ground, transform=transform, driver="COG")
        self.server.routes[f"/files/{path.name}"] = file_route(path.read_bytes())
        item = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": name,
            "collection": self.collection,
            "bbox": [west - HALF, south + HALF, west + 1 - HALF, south + 1 + HALF],
            "geometry": None,
            "properties": {"datetime": "2021-04-22T00:00:00Z", "proj:shape": [PX, PX]},
            "links": [],
            "assets": {"data": {"href": f"{self.server.url}/files/{path.name}", "type": "image/tiff"}},
        } | changes
        self.items.append(item)
        return item

    def asset(self, cell: str, href: str, **changes: Any) -> None:
        """Publish a cell whose asset points elsewhere."""
        self.add(cell, **changes)["assets"]["data"]["href"] = href

    def downloads(self) -> int:
        return sum(seen[2].startswith("/files/") for seen in self.server.seen)

    def _describe(self, handler: Handler) -> None:
        extent = {"spatial": {"bbox": [self.extent]}, "temporal": {"interval": [[None, None]]}}
        handler.json(
            {
                "type": "Collection",
                "stac_version": "1.0.0",
                "id": self.collection,
                "description": "cells",
                "license": "CC-BY-4.0",
                "providers": [{"name": "The Cell Office"}],
                "extent": extent,
                "item_assets": self.item_assets,
                "links": [],
            }
        )

    def _search(self, handler: Handler) -> None:
        asked = json.loads(handler.body)
        west, south, east, north = asked["bbox"]
        start = asked.get("token", 0)
        found = [
            item
            for item in self.items
            if item["bbox"][0] < east and item["bbox"][2] > west and item["bbox"][1] < north and item["bbox"][3] > south
        ]
        links = []
        if start + self.page < len(found):
            body = {**asked, "token": start + self.page}
            links = [{"rel": "next", "method": "POST", "href": f"{self.url}/search", "body": body}]
        handler.json({"type": "FeatureCollection", "features": found[start : start + self.page], "links": links})


def fetch(root: Path, catalogue: Catalogue, area: Any, **changes: Any):
    fast = {"requests_per_second": 100.0, "retries": 2, "timeout_s": 5.0}
    block = {"url": catalogue.url, "collection": catalogue.collection, **fast, **changes}
    return acquire(root, params("stac", area, **block))

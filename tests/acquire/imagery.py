"""A STAC API with scenes of satellites on loopback: items and COGs as the public catalogues have them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from tests.acquire.catalogue import Catalogue
from tests.acquire.rasters import write
from tests.acquire.server import Handler, Server, file_route
from tests.acquire.stage import acquire, params

PX = 192
WEST, NORTH, ZONE = 500_000.0, 5_100_000.0, 32632
BOX = [9.0005, 46.037, 9.024, 46.0535]  # a little inside the scene of PX pixels of 10 m
CLEAR, CLOUD = 4, 9
"""Classes of SCL: vegetation, cloud of high probability."""


def ground(shift: float = 0.0) -> np.ndarray:
    """Reflectance of red, green, blue and near infrared, float64 (4, PX, PX): fields and a dark river."""
    y, x = np.mgrid[:PX, :PX] / PX
    leaves = 0.5 + 0.5 * np.sin(9 * x + shift) * np.cos(7 * y)
    found = np.stack([0.20 - 0.15 * leaves, 0.14 - 0.06 * leaves, 0.09 - 0.06 * leaves, 0.15 + 0.35 * leaves])
    found[:, np.abs(y - 0.5 - 0.1 * np.sin(6 * x)) < 0.03] = np.array([0.03, 0.04, 0.05, 0.02])[:, None]
    return found


class Imagery(Catalogue):
    """One collection of scenes."""

    def __init__(self, server: Server, folder: Path, collection: str = "sentinel-2-c1-l2a"):
        super().__init__(server, folder, collection)

    def asked(self) -> int:
        """Requests for parts of rasters."""
        return self.downloads()

    def file(self, name: str, array: np.ndarray, size: float, crs: int = ZONE, **options: Any) -> str:
        """Publish a COG whose corner is the scene's; returns its address."""
        path = self.folder / f"{name}.tif"
        transform = Affine(size, 0, WEST, 0, -size, NORTH)
        write(path, array, crs=f"EPSG:{crs}", transform=transform, driver="COG", **options)
        self.server.routes[f"/files/{path.name}"] = file_route(path.read_bytes())
        return f"{self.server.url}/files/{path.name}"

    def scene(self, name: str, assets: dict[str, Any], **properties: Any) -> dict[str, Any]:
        item = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": name,
            "collection": self.collection,
            "bbox": [9.0, 46.03, 9.025, 46.06],
            "geometry": None,
            "properties": {"datetime": "2023-07-01T10:00:00Z", "eo:cloud_cover": 5.0, **properties},
            "links": [{"rel": "self", "href": f"{self.url}/collections/{self.collection}/items/{name}"}],
            "assets": assets,
        }
        self.items.append(item)
        return item

    def sentinel(
        self,
        name: str,
        reflectance: np.ndarray,
        scl: np.ndarray | int = CLEAR,
        offset: float = -0.1,
        stated: Any = "as it is",
        **properties: Any,
    ) -> dict[str, Any]:
        """A scene as Earth Search has it. `offset` is in its numbers; `stated` is what its bands say of it."""
        band = {
            "nodata": 0,
            "data_type": "uint16",
            "scale": 0.0001,
            "offset": offset if stated == "as it is" else stated,
        }
        assets: dict[str, Any] = {}
        for asset, layer in zip(("red", "green", "blue", "nir"), reflectance, strict=True):
            stored = np.round((layer - offset) / 1e-4).clip(1, 65535).astype(np.uint16)
            stored[:4] = 0  # beyond the swath
            assets[asset] = {"href": self.file(f"{name}_{asset}", stored, 10.0)} | (
                {"raster:bands": [band]} if stated is not None else {}
            )
        classes = np.full((PX // 2, PX // 2), scl, np.uint8) if isinstance(scl, int) else scl
        assets["scl"] = {"href": self.file(f"{name}_scl", classes, 20.0)}
        return self.scene(name, assets, **{"grid:code": "MGRS-32TNS", "platform": "sentinel-2b", **properties})

    def _search(self, handler: Handler) -> None:
        """As the specification says: the search also keeps to an interval of time."""
        first, last = json.loads(handler.body)["datetime"].split("/")
        every = self.items
        self.items = [item for item in every if first <= item["properties"]["datetime"] <= last]
        super()._search(handler)
        self.items = every


def fetch(root: Path, catalogue: Imagery, **changes: Any):
    fast = {"requests_per_second": 100.0, "retries": 2, "timeout_s": 5.0, "connections": 2}
    area = changes.pop("area", BOX)
    block = {"url": catalogue.url, "collection": catalogue.collection, "time": "2023-06-01/2023-08-31", **fast}
    return acquire(root, params("stac_imagery", area, **{**block, **changes}))

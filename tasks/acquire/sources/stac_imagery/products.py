"""What is known of each product: where it is published, its bands, its classification of clouds, its terms."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.acquire.sources.stac_imagery.calibration import (
    Calibration,
    calibration_of_landsat,
    calibration_of_sentinel_2,
    clear_of_landsat,
    clear_of_sentinel_2,
)

_EARTH_SEARCH = "https://earth-search.aws.element84.com/v1"
_PLANETARY = "https://planetarycomputer.microsoft.com/api/stac/v1"


@dataclass(frozen=True)
class Channel:
    """One colour of a picture: the names that catalogues give to its asset, and its band there, counted from 1."""

    assets: tuple[str, ...]
    band: int = 1


@dataclass(frozen=True)
class Product:
    """One product. `high` is the reflectance that a fixed stretch makes 255, by look.

    Attributes:
        url, collection, sign: where it can be had without an account.
        looks: the channels of red, green and blue, by look.
        calibration: from an item and its asset to scale and offset of reflectance; null for bytes of a picture.
        classes: names of the asset with the classification of each pixel; empty where there is none.
        clear: from classes (H, W) to whether a pixel shows the ground; null where there are none.
        place: what names the ground of an item, so that scenes of the same ground can be compared.
        licence, attribution: `attribution` takes the years of the scenes.
    """

    url: str
    collection: str
    sign: str | None
    looks: dict[str, tuple[Channel, Channel, Channel]]
    classes: tuple[str, ...]
    place: Callable[[dict[str, Any]], str]
    licence: str
    attribution: str
    calibration: Callable[[dict[str, Any], dict[str, Any]], Calibration] | None
    clear: Callable[[np.ndarray], np.ndarray] | None
    platforms: tuple[str, ...] = ()


HIGH = {"natural": (0.35, 0.35, 0.35), "infrared": (0.55, 0.35, 0.35)}


def _tile(item: dict[str, Any]) -> str:
    facts = item.get("properties") or {}
    found = facts.get("s2:mgrs_tile") or str(facts.get("grid:code") or "").removeprefix("MGRS-")
    return str(found or item["id"])


def _path_row(item: dict[str, Any]) -> str:
    facts = item.get("properties") or {}
    path, row = facts.get("landsat:wrs_path"), facts.get("landsat:wrs_row")
    return f"{path}".zfill(3) + f"{row}".zfill(3) if path and row else str(item["id"])


def _quarter(item: dict[str, Any]) -> str:
    """`m_3510621_nw` of an id such as nm_m_3510621_nw_13_060_20200613."""
    found = re.search(r"m_\d{7}_(nw|ne|sw|se)", str(item["id"]))
    return found[0] if found else str(item["id"])


_RED, _GREEN, _BLUE = Channel(("red", "B04")), Channel(("green", "B03")), Channel(("blue", "B02"))
_PHOTO = ("image", "data")

PRODUCTS = {
    "sentinel-2": Product(
        url=_EARTH_SEARCH,
        collection="sentinel-2-c1-l2a",  # reprocessed with one baseline; its offsets are what its metadata says
        sign=None,
        looks={"natural": (_RED, _GREEN, _BLUE), "infrared": (Channel(("nir", "B08")), _RED, _GREEN)},
        classes=("scl", "SCL"),
        place=_tile,
        licence="Copernicus Sentinel data licence: free of charge for any use, with attribution",
        attribution="contains modified Copernicus Sentinel data {years}",
        calibration=calibration_of_sentinel_2,
        clear=clear_of_sentinel_2,
    ),
    "landsat": Product(
        url=_PLANETARY,  # Earth Search and USGS point at a bucket whose reader pays
        collection="landsat-c2-l2",
        sign="planetary-computer",
        looks={
            "natural": (Channel(("red",)), Channel(("green",)), Channel(("blue",))),
            "infrared": (Channel(("nir08",)), Channel(("red",)), Channel(("green",))),
        },
        classes=("qa_pixel",),
        place=_path_row,
        licence="public domain (USGS)",
        attribution="Landsat {years}, image courtesy of the U.S. Geological Survey",
        calibration=calibration_of_landsat,
        clear=clear_of_landsat,
        platforms=("landsat-8", "landsat-9"),
    ),
    "naip": Product(
        url=_PLANETARY,  # as above
        collection="naip",
        sign="planetary-computer",
        looks={
            "natural": tuple(Channel(_PHOTO, band) for band in (1, 2, 3)),  # type: ignore[dict-item]
            "infrared": tuple(Channel(_PHOTO, band) for band in (4, 1, 2)),  # type: ignore[dict-item]
        },
        classes=(),
        place=_quarter,
        licence="public domain (USDA)",
        attribution="National Agriculture Imagery Program {years}, USDA",
        calibration=None,
        clear=None,
    ),
}

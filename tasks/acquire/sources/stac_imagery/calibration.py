"""From stored numbers to reflectance: the scale and the offset of an asset, and which pixels are clear."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tasks.acquire.common.source import Refusal

_SENTINEL_SCALE, _SENTINEL_OFFSET = 1e-4, -0.1  # -1000 steps since processing baseline 04.00, of 25 January 2022
_LANDSAT_SCALE, _LANDSAT_OFFSET = 2.75e-5, -0.2  # surface reflectance of Collection 2, Level 2

SCL_CLOUDY = (0, 1, 3, 8, 9, 10)
"""Sentinel-2's scene classification: no data, saturated, cloud shadow, cloud of medium and high probability, cirrus."""
QA_CLOUDY = 0b11111
"""Bits of Landsat's QA_PIXEL: fill, dilated cloud, cirrus, cloud, cloud shadow."""


class Calibration(NamedTuple):
    """reflectance = stored · scale + offset."""

    scale: float
    offset: float


def calibration(product: str, item: dict[str, Any], asset: dict[str, Any]) -> Calibration:
    """Return scale and offset of one asset, as its catalogue states them or its product defines them.

    Earth Search has removed the offset from many COGs of `sentinel-2-l2a` and says so in the item
    (`earthsearch:boa_offset_applied`), while the band still states it. Other catalogues state nothing of the bands of
    Sentinel-2; there the processing baseline decides.

    Raises:
        Refusal: nothing says which offset a Sentinel-2 scene has.
    """
    facts, band = item.get("properties") or {}, _band(asset)
    scale, offset = band.get("scale"), band.get("offset")
    if product == "landsat":
        return Calibration(_number(scale, _LANDSAT_SCALE), _number(offset, _LANDSAT_OFFSET if scale is None else 0.0))
    if facts.get("earthsearch:boa_offset_applied") is True:
        return Calibration(_number(scale, _SENTINEL_SCALE), 0.0)
    if scale is not None:
        return Calibration(_number(scale, _SENTINEL_SCALE), _number(offset, 0.0))
    baseline = facts.get("s2:processing_baseline") or facts.get("processing:version")
    try:
        return Calibration(_SENTINEL_SCALE, _SENTINEL_OFFSET if float(baseline) >= 4 else 0.0)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Refusal(
            "nothing says whether its numbers have the offset of baseline 04.00 (raster:bands, baseline)"
        ) from None


def nodata(asset: dict[str, Any]) -> float:
    """The number of pixels without a measurement: 0 in all three products, unless the catalogue states another."""
    value = _band(asset).get("nodata")
    return float(value) if isinstance(value, int | float) else 0.0


def clear(product: str, classes: np.ndarray) -> np.ndarray:
    """Whether a pixel shows the ground, by the product's classes (H, W)."""
    if product == "landsat":
        return (classes.astype(np.uint16) & QA_CLOUDY) == 0
    return ~np.isin(classes, SCL_CLOUDY)


def _band(asset: dict[str, Any]) -> dict[str, Any]:
    """The first band of an asset: raster extension 1 (`raster:bands`) or STAC 1.1 (`bands`), without prefixes."""
    bands = asset.get("raster:bands") or asset.get("bands")
    first = bands[0] if isinstance(bands, list) and bands and isinstance(bands[0], dict) else {}
    return {name.removeprefix("raster:"): value for name, value in {**asset, **first}.items()}


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise

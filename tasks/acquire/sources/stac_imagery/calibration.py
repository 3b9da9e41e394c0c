"""From stored numbers to reflectance, by product: the scale and the offset of an asset, and which pixels are clear."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tasks.acquire.common.source import Refusal
from tasks.acquire.common.stac.bands import first_band, number

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


def calibration_of_landsat(item: dict[str, Any], asset: dict[str, Any]) -> Calibration:
    """Scale and offset of one asset of Collection 2, as its catalogue states them, or else as USGS defines them."""
    band = first_band(asset)
    scale, offset = number(band.get("scale")), number(band.get("offset"))
    if scale is None:
        return Calibration(_LANDSAT_SCALE, _LANDSAT_OFFSET if offset is None else offset)
    return Calibration(scale, offset or 0.0)


def calibration_of_sentinel_2(item: dict[str, Any], asset: dict[str, Any]) -> Calibration:
    """Scale and offset of one asset, as its catalogue states them, or else as its processing baseline has them.

    Earth Search has removed the offset from many COGs of `sentinel-2-l2a` and says so in the item
    (`earthsearch:boa_offset_applied`), while the band still states it. Other catalogues state nothing of the bands.

    Raises:
        Refusal: nothing says which offset the scene has.
    """
    facts, band = item.get("properties") or {}, first_band(asset)
    scale, offset = number(band.get("scale")), number(band.get("offset"))
    if facts.get("earthsearch:boa_offset_applied") is True:
        return Calibration(_SENTINEL_SCALE if scale is None else scale, 0.0)
    if scale is not None:
        return Calibration(scale, offset or 0.0)
    baseline = facts.get("s2:processing_baseline") or facts.get("processing:version")
    try:
        return Calibration(_SENTINEL_SCALE, _SENTINEL_OFFSET if float(baseline) >= 4 else 0.0)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise Refusal(
            "nothing says whether its numbers have the offset of baseline 04.00 (raster:bands, baseline)"
        ) from None


def nodata(asset: dict[str, Any]) -> float:
    """The number of pixels without a measurement: 0 in all three products, unless the catalogue states another."""
    value = number(first_band(asset).get("nodata"))
    return 0.0 if value is None else value


def clear_of_landsat(classes: np.ndarray) -> np.ndarray:
    """Whether a pixel shows the ground, by QA_PIXEL (H, W)."""
    return (classes.astype(np.uint16) & QA_CLOUDY) == 0


def clear_of_sentinel_2(classes: np.ndarray) -> np.ndarray:
    """Whether a pixel shows the ground, by the scene classification (H, W)."""
    return ~np.isin(classes, SCL_CLOUDY)

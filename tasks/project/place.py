"""Rasters of the ledger that this stage uses, and their places on Earth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from pyproj import CRS
from pyproj.exceptions import CRSError, ProjError
from shapely.geometry.base import BaseGeometry

from tasks.project.footprint import footprint, ground_gsd
from tasks.project.params import Params
from tasks.project.rasters import Raster, look

_RESCALE_LIMIT = 85.0  # degrees; at higher latitudes one factor a scene is wrong by more than one pixel in ten


@dataclass(frozen=True)
class Placed:
    """A raster, its WGS 84 footprint, and the metres within which a neighbour touches it (None for a picture)."""

    raster: Raster
    ground: BaseGeometry | None
    reach: float


def place_all(ledger: pd.DataFrame, raw: Path, params: Params) -> tuple[list[Placed], dict[str, str]]:
    """All usable rasters in ledger order, and key to reason of the acquired rasters that cannot be used."""
    placed, refused = [], {}
    for row in ledger[ledger["refused"].isna()].itertuples():
        try:
            raster = look(row, raw)
            placed.append(Placed(raster, None, 0.0) if params.method == "none" else _place(raster, params))
        except ValueError as reason:
            refused[row.key] = str(reason)
    return placed, refused


def _place(raster: Raster, params: Params) -> Placed:
    """Find the footprint of a raster.

    Raises:
        ValueError: the raster has no place on Earth, or the parameters do not allow its place.
    """
    if raster.crs is None:
        raise ValueError("it has no CRS: a picture; only `method: none` takes those")
    if raster.transform.is_identity or raster.transform.is_degenerate:
        raise ValueError("it has a CRS but no georeference: its pixels cannot be placed")
    try:
        crs = CRS.from_wkt(raster.crs)
        if not (crs.is_geographic or crs.is_projected):
            raise ValueError(f"its CRS ({crs.name}) is not tied to the Earth")
        size = (raster.transform, raster.cols, raster.rows)
        metres = ground_gsd(raster.crs, *size)
        ground = footprint(raster.crs, *size)
    except (CRSError, ProjError) as error:
        raise ValueError(f"its CRS cannot be used: {' '.join(str(error).split())[:200]}") from None
    coarsest = max(metres)
    if coarsest > params.max_upsample * params.gsd:
        raise ValueError(
            f"too coarse: {coarsest:.4g} m a pixel is {coarsest / params.gsd:.3g} times the grid's "
            f"{params.gsd:g} m, and project.max_upsample is {params.max_upsample:g}"
        )
    if params.method == "latitude_rescale":
        _, south, _, north = ground.bounds
        if not crs.is_geographic:
            raise ValueError("`method: latitude_rescale` takes rasters in longitude and latitude only")
        if max(abs(south), abs(north)) > _RESCALE_LIMIT:
            raise ValueError(f"`method: latitude_rescale` ends at {_RESCALE_LIMIT:g}° latitude")
    return Placed(replace(raster, gsd=float(np.sqrt(np.prod(metres)))), ground, 1.5 * coarsest)

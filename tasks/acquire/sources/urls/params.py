"""Parameters of the source `urls`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tasks.acquire.common.fields import Layer, Override
from tasks.core.settings import Strict


class UrlRaster(Strict):
    """One published file, or one member of a published zip."""

    url: str = Field(pattern=r"^https?://")
    """Its address."""
    member: str | None = None
    """Full name of the raster inside the zip; null where the address is the raster itself."""
    layer: Layer
    """What it is: height or color."""
    licence: str = Field(min_length=1)
    """Its terms, for the ledger and the card."""
    attribution: str = Field(min_length=1)
    """Whom its terms want to be named."""
    override: Override = Override()
    """What the file does not say itself: {crs, bounds, scale, nodata, trust}."""


class Params(Strict):
    """Published rasters, one by one."""

    remote: ClassVar[bool] = True
    kind: Literal["urls"]
    rasters: list[UrlRaster] = Field(min_length=1)
    """The rasters to fetch."""

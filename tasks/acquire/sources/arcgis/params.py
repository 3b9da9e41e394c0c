"""Parameters of the source `arcgis`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tasks.core.settings import Strict


class Params(Strict):
    """One map or image service of an ArcGIS server. The default is imagery of the USA by USGS, free of any terms."""

    remote: ClassVar[bool] = True
    kind: Literal["arcgis"]
    url: str = Field(
        "https://basemap.nationalmap.gov/arcgis/rest/services/USGSImageryOnly/MapServer",
        pattern=r"^https?://[^?#]+/(MapServer|ImageServer)/?$",
    )
    """Address of the service; it ends in MapServer or ImageServer."""
    operation: Literal["tiles", "export"] | None = None
    """How pictures are asked for: tiles of the service's cache, or exports that it draws. Null: tiles if it has any."""
    gsd: float = Field(2.5, gt=0)
    """Metres a pixel that the dataset needs. The coarsest level that is as fine on the ground is fetched. 2.5 gives
    level 16 of the default service, its finest, which has 2.4 m at the equator and 1.8 m at 40° of latitude."""
    level: int | None = Field(None, ge=0, le=30)
    """A level of the service's own list, in place of `gsd`: it stays the same when the area grows."""
    item_px: int = Field(2048, ge=256, le=16384)
    """Pixels along a side of one raster. An export asks for them at once where the service allows so many."""
    accept_terms: bool = False
    """Whether you accept the terms of a service that has any. Without it such a service is not asked for pictures."""
    key: str | None = Field(None, pattern=r"^[A-Z][A-Z0-9_]*(KEY|TOKEN)$")
    """Environment variable that holds the service's API key or token, such as ARCGIS_API_KEY; null: none is sent."""
    licence: str | None = None
    """Terms of use, for the ledger and the card, where the service is none that is known here."""
    attribution: str | None = None
    """Whom to name. Null: the service's own copyright text."""
    map_layers: list[int] = []
    """Layers of a map service that an export draws, by id; empty: those that the service shows by default."""
    rendering: str | None = None
    """Raster function of an image service that makes its pixels a picture, by name; null: its default."""
    bands: list[int] = []
    """Bands of an image service for red, green and blue, counted from 0; empty: the first three."""
    max_requests: int = Field(20_000, ge=1)
    """An area that needs more requests is refused before the first: 20,000 take 83 minutes at four a second."""

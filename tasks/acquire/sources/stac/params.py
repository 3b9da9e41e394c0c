"""Parameters of the source `stac`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tasks.acquire.common.fields import Layer
from tasks.core.settings import Strict


class Params(Strict):
    """One collection of a STAC catalogue with a search endpoint. The defaults are Copernicus GLO-30, open to all."""

    remote: ClassVar[bool] = True
    kind: Literal["stac"]
    url: str = Field("https://earth-search.aws.element84.com/v1", pattern=r"^https?://")
    """Address of the catalogue's API."""
    collection: str = Field("cop-dem-glo-30", min_length=1)
    """Name of the collection in the catalogue."""
    layers: list[Layer] = Field(["height"], min_length=1)
    """What the collection holds: height, color or both."""
    asset: str = Field("data", min_length=1)
    """Which file of an item to fetch."""
    sign: Literal["planetary-computer"] | None = None
    """Whose tokens the addresses need: null, or planetary-computer."""
    s3_endpoint: str | None = Field(None, pattern=r"^https?://")
    """Object store of assets with an s3:// address: null means what the catalogue names, or else Amazon's."""
    missing_is_sea: bool = True
    """A cell without an item is sea at 0 m. GLO-30 publishes no cell of open ocean; false where gaps are just gaps."""

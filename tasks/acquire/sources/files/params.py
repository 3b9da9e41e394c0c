"""Parameters of the source `files`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.acquire.common.fields import Layer, Override
from tasks.core.settings import Strict


class Params(Strict):
    """Rasters that lie on this machine."""

    kind: Literal["files"]
    paths: list[str] = Field(min_length=1)
    """Files, folders or globs, relative to the repository's root, of the formats in `tasks.acquire.common.opening`."""
    layers: list[Layer] = Field(["height"], min_length=1)
    """What to take: height, color or both; every other raster is refused by name."""
    overrides: dict[str, Override] = {}
    """Glob of file names to what the files do not say themselves: {"*.asc": {crs: "EPSG:4326", nodata: -999}}."""
    licence: str | None = None
    """What you know of the files' terms. It is kept in the ledger and in the card."""
    attribution: str | None = None
    """Whom the files' terms want to be named."""
    tables: list[str] = []
    """Tables (CSV) that say this of single files, relative to the repository's root: `file` and any of `licence`,
    `attribution`, `title`, `date`, `language`, `script`. Their cells win over the two keys above."""

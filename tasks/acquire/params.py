"""Parameters of acquire: which source, which area, and the limits that hold for every source."""

from __future__ import annotations

from pydantic import Field, field_validator

from tasks.acquire.common.fields import Box, Cell, Download, on_earth
from tasks.core.settings import Strict, chosen
from tasks.formats.tables.licences import PARTITIONS, Partition


class Params(Strict):
    """The section `acquire` of one dataset."""

    source: chosen("tasks.acquire.sources", "kind")
    """Where the rasters come from: `kind` names a folder of tasks/acquire/sources, the other keys are its own."""
    area: None | Box | str | list[Cell] = None
    """All that the source has (null), a bbox [west, south, east, north], a GeoJSON file, or a list of 1° cells."""
    max_pixels: int = Field(400_000_000, ge=1)
    """A raster that claims more pixels is refused unread. 20,000 × 20,000 heights take 1.6 GB as float32."""
    partitions: list[Partition] | None = Field(None, min_length=1)
    """Which licences are taken, by partition (docs/sources/README.md); null takes all except no_derivatives."""
    download: Download = Download()
    """How servers are asked, whichever source asks them."""

    @property
    def allowed(self) -> list[Partition]:
        """The partitions that are taken."""
        return self.partitions or [name for name in PARTITIONS if name != "no_derivatives"]

    @field_validator("area", mode="before")
    @classmethod
    def _one_form_of_area(cls, value: object) -> object:
        # Checked here, because the error of a union names every form at once.
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return [on_earth(item) for item in value]
        if isinstance(value, list) and value:
            if len(value) != 4 or not all(isinstance(item, int | float) for item in value):
                raise ValueError("a bbox is four numbers, [west, south, east, north]")
            west, south, east, north = value
            if not (-180 <= west <= 180 and -180 <= east <= 180):
                raise ValueError("longitudes go from -180 to 180; across 180° write west > east: [179, -18, -179, -16]")
            if not -90 <= south < north <= 90:
                raise ValueError("a bbox needs -90 <= south < north <= 90")
            if west == east:
                raise ValueError("west and east are the same; the whole world is [-180, -90, 180, 90] or null")
            return tuple(float(item) for item in value)
        if isinstance(value, list) and not value:
            raise ValueError("an empty list of cells is no area; null means everything the source has")
        return value

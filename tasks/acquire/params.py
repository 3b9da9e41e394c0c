"""Parameters of acquire: which source, which area, and a block for each source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator
from typing_extensions import TypedDict

from tasks.acquire.common.degree_cells import cell_corner
from tasks.core.settings import Strict


def _on_earth(name: str) -> str:
    cell_corner(name)
    return name


Cell = Annotated[str, AfterValidator(_on_earth)]
"""A 1° cell, named by its south-west corner: N46E008."""

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east means across 180°."""


class Override(TypedDict, total=False):
    """What a person knows of some files and the files do not say. A key that is absent leaves the file's word."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]  # noqa: RUF012
    crs: str
    bounds: Box  # of its outer edges, in its CRS: a picture of the whole Earth has [-180, -90, 180, 90]
    scale: Annotated[float, Field(gt=0)]  # metres a step, where heights are stored as plain numbers
    nodata: float | None
    trust: bool  # skip the search for undeclared void codes: every value is a height


class Sample(Strict):
    """The built-in sample; with `planet_map_px`, colour and height maps of the whole planet instead of the model."""

    planet_cells: list[Cell]
    planet_px: int = Field(ge=16, le=3600)
    planet_map_px: int | None = Field(ge=64, le=16384, multiple_of=2)
    planet_seed: int = Field(ge=0, lt=2**31)


class Files(Strict):
    """Rasters that already lie on this machine."""

    paths: list[str]
    layers: list[Literal["height", "color"]] = Field(min_length=1)
    overrides: dict[str, Override]
    max_pixels: int = Field(ge=1)
    licence: str | None
    attribution: str | None


class Stac(Strict):
    """A STAC catalogue with a search endpoint."""

    url: str = Field(pattern=r"^https?://")
    collection: str = Field(min_length=1)
    asset: str = Field(min_length=1)
    sign: Literal["planetary-computer"] | None
    missing_is_sea: bool


class UrlRaster(Strict):
    """One published file, or one member of a published zip."""

    url: str = Field(pattern=r"^https?://")
    member: str | None
    layer: Literal["height", "color"]
    licence: str = Field(min_length=1)
    attribution: str = Field(min_length=1)
    override: Override


class Download(Strict):
    """How servers are asked, whichever source asks them."""

    requests_per_second: float = Field(gt=0, le=100)
    connections: int = Field(ge=1, le=16)
    timeout_s: float = Field(gt=0)
    retries: int = Field(ge=0)
    give_up_s: float = Field(gt=0)
    max_file_mb: int = Field(ge=1)


class Params(Strict):
    """The section `acquire` of one dataset."""

    source: Literal["sample", "files", "stac", "urls"]
    area: None | Box | str | list[Cell]
    sample: Sample
    files: Files
    stac: Stac
    urls: list[UrlRaster]
    download: Download

    @field_validator("area", mode="before")
    @classmethod
    def _one_form_of_area(cls, value: object) -> object:
        # Told here, because a union's own message would name every form at once.
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            return [_on_earth(item) for item in value]
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

    @model_validator(mode="after")
    def _source_has_what_it_needs(self) -> Params:
        if self.source == "files" and not self.files.paths:
            raise ValueError("source is files, but files.paths is empty; name a folder, a file or a glob")
        if self.source == "urls" and not self.urls:
            raise ValueError("source is urls, but its list urls is empty; name a raster to fetch")
        return self

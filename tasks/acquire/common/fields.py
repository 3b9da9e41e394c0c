"""Types of parameters that the stage and several sources share. They load no raster library, so checks are fast."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from tasks.acquire.common.degree_cells import cell_corner
from tasks.core.settings import Strict

Layer = Literal["height", "color"]


def on_earth(name: str) -> str:
    """The name of a 1° cell as it is; ValueError where there is no such cell."""
    cell_corner(name)
    return name


Cell = Annotated[str, AfterValidator(on_earth)]
"""A 1° cell, named by its south-west corner: N46E008."""

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; west > east means across 180°."""


Band = Annotated[int, Field(ge=1)]


def _ascending(stretch: tuple[float, float]) -> tuple[float, float]:
    if not stretch[0] < stretch[1]:
        raise ValueError(f"a stretch ascends from black to white, and {stretch[0]:g} is not below {stretch[1]:g}")
    return stretch


class Override(TypedDict, total=False):
    """What a person knows of a file and the file does not say. Where a key is absent, the file's own value holds."""

    __pydantic_config__ = {"extra": "forbid"}  # type: ignore[misc]  # noqa: RUF012
    crs: str
    bounds: Box  # of its outer edges, in its CRS: a picture of the whole Earth has [-180, -90, 180, 90]
    scale: Annotated[float, Field(gt=0)]  # metres a step, where heights are stored as plain numbers
    bands: tuple[Band, Band, Band]  # which bands are red, green and blue, where the file does not name them
    stretch: Annotated[tuple[float, float], AfterValidator(_ascending)]  # samples that become 0 and 255 in a picture
    nodata: float | None
    trust: bool  # skip the search for undeclared void codes: every value is a height


class Download(Strict):
    """How servers are asked. Only sources that fetch over a network read it."""

    requests_per_second: float = Field(4.0, gt=0, le=100)
    """Requests a second to each host, from all processes of this checkout together. Public catalogues bear four."""
    connections: int = Field(4, ge=1, le=16)
    """Downloads at a time. Four keep a usual line busy."""
    timeout_s: float = Field(60.0, gt=0)
    """Seconds of silence after which a request has failed."""
    retries: int = Field(6, ge=0)
    """Failures in a row without a new byte before the run stops: about two minutes of waiting."""
    give_up_s: float = Field(3600.0, gt=0)
    """Seconds for one file, all waiting included."""
    max_file_mb: int = Field(2048, ge=1)
    """Megabytes (2^20 bytes) of one file; a longer file is refused. Elevation cells have 10 to 50."""

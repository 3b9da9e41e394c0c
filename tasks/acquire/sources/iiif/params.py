"""Parameters of the source `iiif`."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from tasks.core.settings import Strict

Url = Annotated[str, StringConstraints(pattern=r"^https?://")]


class Params(Strict):
    """Scans by a search of the Library of Congress, or by IIIF manifests and collections of any library."""

    remote: ClassVar[bool] = True
    kind: Literal["iiif"]
    url: Url = "https://www.loc.gov/maps/"
    """Where to search: a page of loc.gov that lists items, such as /maps/, /photos/ or a collection."""
    query: str = ""
    """Words to search for. Narrow words keep the search short: loc.gov shows 100,000 results at most."""
    facets: list[str] = ["online-format:image"]
    """Filters of the search, each `facet:value`: `location:switzerland`, `original-format:map`, `language:german`."""
    dates: str | None = Field(None, pattern=r"^\d{4}(/\d{4})?$")
    """Year, or first and last year with a slash: 1870/1920. Null takes all years."""
    manifests: list[Url] = []
    """IIIF manifests or collections (Presentation API 2 or 3). Where there are any, nothing is searched."""
    limit: int = Field(50, ge=1, le=100_000)
    """Most scans. At loc.gov, 50 scans take about three minutes: each costs a request of 1.5 s and two of 0.5 s."""
    images_per_item: int = Field(1, ge=1, le=10_000)
    """Most scans of one item. An atlas has hundreds; one of each item gives the most different sheets."""
    longest_px: int = Field(2048, ge=64, le=20_000)
    """Longest side to ask for. Smaller scans come as they are, and never enlarged."""

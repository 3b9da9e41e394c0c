"""Parameters of the source `openverse`."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from tasks.core.settings import Strict

Code = Literal["cc0", "pdm", "by", "by-sa", "by-nc", "by-nc-sa", "by-nd", "by-nc-nd"]


class Params(Strict):
    """Pictures of many collections (Flickr, museums, Commons), found by Openverse and fetched where they are."""

    remote: ClassVar[bool] = True
    kind: Literal["openverse"]
    url: str = Field("https://api.openverse.org/v1/images/", pattern=r"^https?://")
    """Address of the search for images."""
    query: str = Field(min_length=1, max_length=200)
    """Words to search for. A search shows 240 results at most, so narrow words and several datasets give more."""
    licences: list[Code] = Field(["cc0", "pdm", "by"], min_length=1)
    """Codes of the licences to take: without a duty to share alike, and open to commercial use."""
    categories: list[Literal["photograph", "illustration", "digitized_artwork"]] = []
    """Kinds of pictures; empty takes all."""
    sources: list[str] = []
    """Collections to search, by Openverse's names (flickr, wikimedia, met, …); empty takes all."""
    limit: int = Field(60, ge=1, le=240)
    """Most pictures. Without a token, 240 is the deepest that a search shows."""

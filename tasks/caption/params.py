"""Parameters of `caption`."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from tasks.caption.place.settings import Geocoder, NoPlace, Polygons
from tasks.caption.prose.settings import Api
from tasks.core.settings import Strict, one_of


class NoCaptions(Strict):
    """The dataset has no captions."""

    name: Literal["none"]


class Facts(Strict):
    """Texts from templates, only about measured facts."""

    name: Literal["facts"]
    subject: str | None = Field(None, min_length=3, max_length=60)
    """What every picture of the dataset shows, such as `map`, in words that follow `a`. For tiles without heights: the
    stage cannot see it. Null says only that it is a picture."""
    place: one_of("by", NoPlace, Polygons, Geocoder) = NoPlace(by="none")
    """How places get their names: `none`, `polygons` (offline) or `geocoder` (online). Without, texts tell degrees."""
    lookup_px: int = Field(12, ge=2, le=512)
    """Distance in pixels in which geomorphons look for higher and lower ground: a fifth of a tile of 64."""
    flat_deg: float = Field(1.0, ge=0.0, lt=45.0)
    """Smaller angles count as level, in degrees; the value of Jasiewicz & Stepinski (2013)."""
    drop_share: float = Field(0.3, ge=0.0, le=1.0)
    """Probability that an optional clause is left out, so that a model learns short prompts too."""


class Prose(Facts):
    """The same facts, and texts by a vision model that is held to them; templates where that fails."""

    name: Literal["prose"]
    api: Api
    """Which model writes, and what it may cost."""


class Params(Strict):
    """The section `caption` of one dataset."""

    method: one_of("name", NoCaptions, Facts, Prose)
    """`none`, `facts` (templates) or `prose` (a vision model), and what it needs."""

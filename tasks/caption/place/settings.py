"""Parameters of the names of places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from tasks.core.settings import Strict

OSM = "© OpenStreetMap contributors, ODbL 1.0"
SECRET = ("key", "token", "secret", "password", "auth")  # names of options whose values are secrets


@dataclass(frozen=True)
class Defaults:
    """What holds for a geocoder where the parameters are null.

    Attributes:
        reverse, parts, attribution: as in `Geocoder`. wants_agent: what it wants as `user_agent`, or None.
    """

    reverse: Mapping[str, str | int] = field(default_factory=dict)
    parts: tuple[str, ...] | None = None
    attribution: str | None = None
    wants_agent: str | None = None


DEFAULTS = {
    "nominatim": Defaults(
        reverse={"language": "en", "zoom": 5},  # states, in English
        parts=("state", "country"),
        attribution=OSM,
        wants_agent="Nominatim wants to know who asks: your project's name and a mail or web address",
    )
}


class NoPlace(Strict):
    """No names of places."""

    by: Literal["none"]


class Polygons(Strict):
    """Offline: the polygon in which the middle of a tile lies gives the name."""

    by: Literal["polygons"]
    file: str = Field(min_length=1)
    """A vector file that GDAL reads, with a CRS: its path, from the repository or absolute, or its address on the web.
    Natural Earth's countries and admin-1 regions are in the public domain: https://www.naturalearthdata.com."""
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    """SHA-256 of the file, as `sha256sum` prints it: equal parameters then mean equal names."""
    columns: list[str] = Field(min_length=1)
    """Columns with the parts of the name, the narrowest first: `[name_en, admin]`. Equal parts are told once."""
    attribution: str | None = None
    """What the licence of the file asks to be named; it goes into the table and the data card."""


class Geocoder(Strict):
    """Online: a geocoder of the package geopy names a coarse cell around the tile. Answers are kept on disk."""

    by: Literal["geocoder"]
    service: str = "nominatim"
    """Name of the geocoder in geopy, such as nominatim, photon, pelias or opencage."""
    user_agent: str | None = Field(None, min_length=8)
    """Who asks: the name of your project and a way to reach you. Nominatim requires it."""
    options: dict[str, str | int | float | bool] = {}
    """More arguments of the geocoder in geopy, such as `{domain: nominatim.example.org, scheme: http}`. No keys."""
    key: dict[str, str] = {}
    """Arguments whose values are secrets: from the argument's name to the environment variable that holds the value,
    such as `{api_key: OPENCAGE_KEY}`."""
    reverse: dict[str, str | int | float | bool] | None = None
    """Arguments of the geocoder's `reverse`. Null for Nominatim: `{language: en, zoom: 5}`, states in English."""
    parts: list[str] | None = None
    """Keys of the answer's `address` that make up the name, the narrowest first. Null for Nominatim: state and country.
    Null for another geocoder: the last two parts of the address as text."""
    cell_deg: float = Field(0.25, ge=0.01, le=10.0)
    """Side of a cell in degrees. All tiles of a cell get the name of its middle, so texts say `near`."""
    most_cells: int = Field(2000, ge=1)
    """Cells to ask for at most in one run: Nominatim's policy forbids systematic queries. More cells are an error."""
    requests_per_second: float = Field(1.0, gt=0.0, le=100.0)
    """At most; nominatim.openstreetmap.org never gets more than one for all processes of this user together."""
    timeout_s: float = Field(15.0, gt=0.0, le=300.0)
    """Seconds without an answer after which a request has failed."""
    tries: int = Field(3, ge=1, le=10)
    """Tries for each cell. A cell without an answer has no place."""
    most_wait_s: float = Field(120.0, gt=0.0, le=3600.0)
    """The longest wait that the service may ask for. If it asks for more, no further cell is asked for."""
    attribution: str | None = None
    """What the service asks to be named. Null for Nominatim: OpenStreetMap's."""

    @field_validator("options")
    @classmethod
    def _no_secrets(cls, options: dict[str, Any]) -> dict[str, Any]:
        for name in options:
            if any(word in name.lower() for word in SECRET):
                raise ValueError(f"{name} is a secret: put it into the environment, and its variable's name into key")
        return options

    @model_validator(mode="after")
    def _named(self) -> Geocoder:
        if self.defaults.wants_agent and self.user_agent is None:
            raise ValueError(f"user_agent: {self.defaults.wants_agent}")
        if self.attribution is None and self.defaults.attribution is None:
            raise ValueError(f"attribution: say what {self.service} asks to be named, such as {OSM!r}")
        return self

    @property
    def defaults(self) -> Defaults:
        """The defaults of this service."""
        return DEFAULTS.get(self.service, Defaults())

"""The names of the places of all tiles, by whatever means the parameters choose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from tasks.caption.place.settings import NOMINATIM, OSM, Geocoder, NoPlace, Polygons


@dataclass(frozen=True)
class Place:
    """The name of a place, whether the tile lies in it or near it, and whom to name for it."""

    name: str
    exact: bool
    attribution: str | None


@dataclass(frozen=True)
class Places:
    """Places by the key of the tile, and how many tiles have a place that could not be asked for."""

    found: dict[str, Place] = field(default_factory=dict)
    failed: int = 0


@dataclass(frozen=True)
class Folders:
    """Where relative paths begin, where answers are kept, and where processes of this user take turns."""

    root: Path
    kept: Path
    turns: Path


def turns() -> Path:
    """The folder in which all checkouts of this user share the turns of a service."""
    return Path.home() / ".cache" / "landloom" / "hosts"


def find_places(
    tiles: pd.DataFrame, settings: NoPlace | Polygons | Geocoder, folders: Folders, say: Callable[[str], None]
) -> Places:
    """Name the places of the measured tiles. Computed ground lies nowhere and has no place.

    Args:
        tiles: rows of the tile table.
        say: takes a line for the person who watches.
    """
    somewhere = tiles[~tiles["procedural"].astype(bool) & tiles["lat"].notna() & tiles["lon"].notna()]
    if isinstance(settings, NoPlace) or somewhere.empty:
        return Places()
    if isinstance(settings, Polygons):
        from tasks.caption.place.polygons import polygon_names

        names = polygon_names(somewhere[["key", "lat", "lon"]], settings, folders.root, folders.kept)
        return Places({key: Place(name, True, settings.attribution) for key, name in names.items()})
    from tasks.caption.place.geocoder import cell_of, name_cells  # here, because geopy takes a second to import

    side = settings.cell_deg
    cells = {row.key: cell_of(row.lat, row.lon, side) for row in somewhere.itertuples()}
    named = name_cells(cells.values(), settings, folders.kept, folders.turns, say)
    attribution = settings.attribution or (OSM if settings.service == NOMINATIM else None)
    found = {key: Place(name, False, attribution) for key, cell in cells.items() if (name := named.names.get(cell))}
    lost = set(named.failed)
    failed = sum(cell in lost for cell in cells.values())
    if failed:
        say(
            f"{settings.service}: {len(lost)} cells have no answer ({named.why}); the texts of {failed} tiles name no "
            "place. Run caption again to ask for them"
        )
    return Places(found, failed)

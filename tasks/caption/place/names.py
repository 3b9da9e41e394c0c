"""The names of the places of all tiles, by whatever means the parameters choose."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.caption.last_table import last_table
from tasks.caption.place.settings import Geocoder, NoPlace, Polygons


@dataclass(frozen=True)
class Place:
    """The name of a place, whether the tile lies in it or near it, and whom to name for it.

    Attributes:
        answer: of a geocoder: who answered and for which cell, so that a later run takes the name over.
    """

    name: str | None
    exact: bool
    attribution: str | None
    answer: dict[str, Any] | None = None


@dataclass(frozen=True)
class Places:
    """Places by the key of the tile, and how many tiles have a place that could not be asked for.

    Where a geocoder knows no name, the place has none.
    """

    found: dict[str, Place] = field(default_factory=dict)
    failed: int = 0

    @property
    def named(self) -> int:
        """Tiles with a name."""
        return sum(place.name is not None for place in self.found.values())


@dataclass(frozen=True)
class Folders:
    """Where relative paths begin, where answers are kept, and where processes of this user take turns.

    Attributes:
        turns: makes the folder. dataset: the one whose last table is read.
    """

    root: Path
    kept: Path
    turns: Callable[[], Path]
    dataset: str


def turns(own: Callable[[], Path], say: Callable[[str], None]) -> Path:
    """Make the folder in which all checkouts of this user share the turns of a service.

    Where the home folder is missing or cannot be written, as in a container, it is `own`, that of this checkout.
    """
    try:
        folder = Path.home() / ".cache" / "landloom" / "hosts"
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder
        why = f"{folder} cannot be written"
    except (OSError, RuntimeError) as error:  # RuntimeError: the user has no home
        why = str(error)
    say(f"warning: {why}; only processes of this checkout take turns at the geocoder")
    return own()


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
    from tasks.caption.place.geocoder import (  # here, because geopy takes a second to import
        answered_by,
        cell_of,
        name_cells,
    )

    side = settings.cell_deg
    cells = {row.key: cell_of(row.lat, row.lon, side) for row in somewhere.itertuples()}
    by = answered_by(settings)

    def earlier() -> dict[tuple[int, int], str | None]:
        return _earlier(last_table(folders.root, f"data/{folders.dataset}/captions.parquet", say), by)

    named = name_cells(cells.values(), settings, folders.kept, folders.turns, say, earlier)
    attribution = settings.attribution or settings.defaults.attribution
    found = {
        key: Place(name, False, attribution if name else None, {"by": by, "cell": list(cell)})
        for key, cell in cells.items()
        if (name := named.names.get(cell)) or cell in named.names
    }
    lost = set(named.failed)
    failed = sum(cell in lost for cell in cells.values())
    if failed:
        say(
            f"{settings.service}: {len(lost)} cells have no answer ({named.why}); the texts of {failed} tiles name no "
            f"place. `dvc repro -f -s caption@{folders.dataset}` asks for them again"
        )
    return Places(found, failed)


def _earlier(table: pd.DataFrame | None, by: str) -> dict[tuple[int, int], str | None]:
    """The names of cells in the facts of the last table, as far as the same service gave them."""
    names: dict[tuple[int, int], str | None] = {}
    for facts in [] if table is None else table["facts"]:
        place = json.loads(facts).get("place") or {}
        if (answer := place.get("answer")) and answer["by"] == by:
            names[tuple(answer["cell"])] = place.get("name")
    return names

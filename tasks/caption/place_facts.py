"""Facts of a tile that need no pixels: its layers, its size on the ground and its place."""

from __future__ import annotations

import pandas as pd

from tasks.caption.describer import Facts
from tasks.caption.place.names import Place


def place_facts(tile: pd.Series | tuple, layers: list[str], named: Place | None = None) -> Facts:
    """Facts from a row of the tile table.

    | key | is |
    |---|---|
    | `layers` | `height`, `color`: what the scene has |
    | `procedural` | true for computed terrain, which lies nowhere: it has no `place` |
    | `gsd_m`, `side_km` | metres a pixel, length of the tile's side; null for a photograph |
    | `place` | centre, degrees rounded to tenths, and the latitude's zone; null where unknown |

    A place with a name has two facts more: `name`, and `name_exact`, true where the tile's middle lies in that place
    and false where the place is near. If a geocoder was asked, `answer` says which one and for which cell.
    """
    has_gsd, has_place = pd.notna(tile.gsd), pd.notna(tile.lat) and pd.notna(tile.lon) and not tile.procedural
    name = {"name": named.name, "name_exact": named.exact} if named and named.name else {}
    if named and named.answer:
        name["answer"] = named.answer
    lat, lon = (round(float(tile.lat), 1), round(float(tile.lon), 1)) if has_place else (None, None)
    return {
        "layers": layers,
        "procedural": bool(tile.procedural),
        "gsd_m": round(float(tile.gsd), 3) if has_gsd else None,
        "side_km": round(float(tile.gsd) * tile.px / 1000, 3) if has_gsd else None,
        "place": {"lat": lat, "lon": lon, "zone": zone(lat), **name} if has_place else None,
    }


def zone(latitude: float) -> str:
    """Zone of a latitude in degrees, by the tropics (23.4°), 35° and the polar circles (66.6°)."""
    away, half = abs(latitude), "northern" if latitude >= 0 else "southern"
    if away <= 23.4:
        return "the tropics"
    if away < 35:
        return f"the {half} subtropics"
    if away < 66.6:
        return f"the {half} mid-latitudes"
    return "the Arctic" if latitude > 0 else "the Antarctic"

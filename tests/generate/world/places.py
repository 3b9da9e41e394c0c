"""Maps of words for the tests: features of GeoJSON, and files of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def feature(text: Any, *rings: list[list[float]], kind: str = "Polygon") -> dict[str, Any]:
    """A polygon with holes, or with `kind` another geometry of the same rings."""
    return {
        "type": "Feature",
        "properties": {"name": "a place", "text": text},
        "geometry": {"type": kind, "coordinates": list(rings)},
    }


def collection(*features: Any, **members: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features), **members}


def written(path: Path, *features: Any, **members: Any) -> Path:
    path.write_text(json.dumps(collection(*features, **members)))
    return path

"""What a STAC asset says of its first band: raster extension 1 (`raster:bands`) or STAC 1.1 (`bands`)."""

from __future__ import annotations

from typing import Any


def first_band(asset: dict[str, Any]) -> dict[str, Any]:
    """The facts of the first band without the prefix `raster:`; those of the asset as a whole where it has none."""
    bands = asset.get("raster:bands") or asset.get("bands")
    first = bands[0] if isinstance(bands, list) and bands and isinstance(bands[0], dict) else {}
    return {name.removeprefix("raster:"): value for name, value in {**asset, **first}.items()}


def number(value: Any) -> float | None:
    """A number as JSON writes it; None for anything else, such as the words `nan` and `inf`."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

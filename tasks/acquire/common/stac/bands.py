"""What a STAC asset says of its first band: raster extension 1 (`raster:bands`) or STAC 1.1 (`bands`)."""

from __future__ import annotations

from typing import Any

_LISTS = ("raster:bands", "bands")


def described(common: Any, asset: dict[str, Any]) -> dict[str, Any]:
    """An item's asset, with what its collection states of it (`item_assets`) where the item itself does not.

    The two may write their bands in different ways. So the result has the facts of the first band in place of lists.
    """
    if not isinstance(common, dict):
        return asset
    facts = {**first_band(common), **first_band(asset)}
    return {name: value for name, value in facts.items() if name not in _LISTS} | {"href": asset["href"]}


def first_band(asset: dict[str, Any]) -> dict[str, Any]:
    """The facts of the first band without the prefix `raster:`; those of the asset as a whole where it has none."""
    bands = next((asset[name] for name in _LISTS if asset.get(name)), None)
    first = bands[0] if isinstance(bands, list) and bands and isinstance(bands[0], dict) else {}
    return {name.removeprefix("raster:"): value for name, value in {**asset, **first}.items()}


def number(value: Any) -> float | None:
    """A number as JSON writes it; None for anything else, such as the words `nan` and `inf`."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None

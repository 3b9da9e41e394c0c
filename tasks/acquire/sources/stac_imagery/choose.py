"""Which scenes of a place are taken: the clearest ones, each acquisition once."""

from __future__ import annotations

from typing import Any

from tasks.acquire.sources.stac_imagery.params import Params
from tasks.acquire.sources.stac_imagery.products import Product


def scenes(items: list[dict[str, Any]], product: Product, params: Params) -> dict[str, list[dict[str, Any]]]:
    """Return the scenes to take of each place, clearest first; places in order.

    Catalogues hold an acquisition again after reprocessing; the newest processing of it counts.
    """
    platforms = params.platforms if params.platforms is not None else product.platforms
    newest: dict[tuple[str, str, str], dict[str, Any]] = {}
    for item in sorted(items, key=lambda item: (_processed(item), str(item["id"]))):
        facts = item.get("properties") or {}
        platform = str(facts.get("platform") or "").lower()
        if _cloud(item, product) <= params.max_cloud and (not platforms or platform in platforms):
            newest[product.place(item), platform, str(facts.get("datetime"))] = item
    places: dict[str, list[dict[str, Any]]] = {}
    for (place, _, _), item in newest.items():
        places.setdefault(place, []).append(item)
    count = params.per_place if params.compose == "clearest" else params.median_of
    return {
        place: sorted(found, key=lambda item: _rank(item, product))[:count] for place, found in sorted(places.items())
    }


def _rank(item: dict[str, Any], product: Product) -> tuple[float, str, str]:
    """Least cloud and least void first; then the latest, and the id decides."""
    facts = item.get("properties") or {}
    void = facts.get("s2:nodata_pixel_percentage")
    when = str(facts.get("datetime"))
    return (
        _cloud(item, product) + (float(void) if isinstance(void, int | float) else 0.0),
        _backwards(when),
        str(item["id"]),
    )


def _cloud(item: dict[str, Any], product: Product) -> float:
    """Percent. Photographs from aeroplanes state none and have none; a scene that states none may be all cloud."""
    value = (item.get("properties") or {}).get("eo:cloud_cover")
    return float(value) if isinstance(value, int | float) else (100.0 if product.classes else 0.0)


def _processed(item: dict[str, Any]) -> tuple[str, str]:
    facts = item.get("properties") or {}
    baseline = facts.get("s2:processing_baseline") or facts.get("processing:version") or ""
    return str(baseline), str(facts.get("s2:generation_time") or facts.get("created") or "")


def _backwards(text: str) -> str:
    """A text that sorts in the opposite order of digits."""
    return text.translate(str.maketrans("0123456789", "9876543210"))

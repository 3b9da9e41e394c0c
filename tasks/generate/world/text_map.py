"""A person's map of words: polygons of a GeoJSON file, each with the words that hold inside of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from affine import Affine
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.generate.world.regions import Regions

AREAS = ("Polygon", "MultiPolygon")
DEGREES = (180.0, 90.0)  # a file of metres that lies within these would cover two pixels


class TextMap(NamedTuple):
    """The map as read.

    Attributes:
        words: of the plane. texts: those of the polygons, each once. facts: entries of the sidecar.
    """

    words: Regions
    texts: tuple[str, ...]
    facts: dict[str, str]


def read_text_map(path: Path, elsewhere: str, crs: str, transform: Affine) -> TextMap:
    """Read a FeatureCollection of polygons with a property `text`.

    Args:
        elsewhere: the text outside of all polygons. crs: of the world, in WKT.
        transform: columns and rows of the world to its coordinates.

    Raises:
        LandloomError: it cannot be read, or it has other features, another CRS or degrees.
    """
    document = _document(path)
    _check_crs(path, document, pyproj.CRS.from_wkt(crs))
    polygons, texts = [], []
    for number, feature in enumerate(document["features"], start=1):
        where = f"{path}: feature {number}"
        polygons.append(_polygon(where, feature))
        texts.append(_text(where, feature))
    largest = np.abs([polygon.bounds for polygon in polygons]).reshape(-1, 2).max(axis=0)
    if (largest <= DEGREES).all():
        raise LandloomError(
            f"{path}: its coordinates look like degrees, and a world has metres; save it in the coordinate system of "
            "the world's GeoTIFF"
        )
    facts = {"text_map": path.name, "text_map_sha256": file_sha256(path)}
    return TextMap(Regions(polygons, texts, elsewhere, transform), tuple(dict.fromkeys(texts)), facts)


def _document(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise LandloomError(f"{path}: there is no such file")
    try:
        document = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise LandloomError(f"{path}: not GeoJSON: {' '.join(str(error).split())}") from None
    kind = document.get("type") if isinstance(document, dict) else None
    if kind != "FeatureCollection" or not isinstance(document.get("features"), list):
        raise LandloomError(f"{path}: not a GeoJSON FeatureCollection")
    if not document["features"]:
        raise LandloomError(f"{path}: it has no features")
    return document


def _check_crs(path: Path, document: dict[str, Any], wanted: pyproj.CRS) -> None:
    """Refuse the member `crs` of older GeoJSON if it names another CRS. GDAL writes none for a CRS without a code."""
    if (member := document.get("crs")) is None:
        return
    try:
        name = str(member["properties"]["name"])
    except (LookupError, TypeError):
        name = json.dumps(member)
    try:
        if pyproj.CRS.from_user_input(name).equals(wanted, ignore_axis_order=True):
            return
    except pyproj.exceptions.CRSError:
        pass
    raise LandloomError(
        f"{path}: its member crs says {name}, and the world's coordinate system is “{wanted.name}”; save it in that "
        "of the world's GeoTIFF, or remove the member if the coordinates are the world's"
    )


def _polygon(where: str, feature: Any) -> BaseGeometry:
    """The area of a feature. Rings that cross themselves are cut into valid ones."""
    geometry = feature.get("geometry") if isinstance(feature, dict) else None
    if not isinstance(geometry, dict):
        raise LandloomError(f"{where} has no geometry; draw a polygon")
    if (kind := geometry.get("type")) not in AREAS:
        raise LandloomError(f"{where} is a {kind}, and words need an area: {' or '.join(AREAS)}")
    try:
        with np.errstate(invalid="ignore"):
            found = shape(geometry)
        if not np.isfinite(shapely.get_coordinates(found)).all():
            raise ValueError("a coordinate is not a finite number")
        found = shapely.make_valid(found, method="structure", keep_collapsed=False)
    except (LookupError, TypeError, ValueError, AttributeError, shapely.errors.ShapelyError) as error:
        raise LandloomError(f"{where} is not a {kind}: {' '.join(str(error).split())}") from None
    if not found.area > 0:
        raise LandloomError(f"{where} has no area")
    return found


def _text(where: str, feature: dict[str, Any]) -> str:
    properties = feature.get("properties")
    text = properties.get("text") if isinstance(properties, dict) else None
    if not isinstance(text, str):
        raise LandloomError(f"{where} has no property `text` with words; an empty text asks for nothing there")
    return " ".join(text.split())

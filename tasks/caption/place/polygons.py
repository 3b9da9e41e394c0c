"""Names of places from polygons: offline, exact to the polygon."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import httpx
import pandas as pd
import pyogrio
import shapely

from tasks.caption.place.settings import Polygons
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file
from tasks.core.hashing import file_sha256

KEY = "caption.method.place"
TIMEOUT_S = 60.0


def polygon_names(points: pd.DataFrame, settings: Polygons, root: Path, downloads: Path) -> dict[str, str]:
    """The name of the polygon around each point, by key; points in no polygon are left out.

    Args:
        points: columns key, lat, lon: degrees in WGS 84.
        root: where relative paths begin. downloads: folder that keeps files from the web.

    Raises:
        LandloomError: the file is missing, has another hash, no such column, no CRS, or is no vector file.
    """
    polygons = _read(_file(settings, root, downloads), settings)
    places = gpd.GeoDataFrame(
        {"key": points["key"]}, geometry=gpd.points_from_xy(points["lon"], points["lat"]), crs=4326
    )
    # Of overlapping polygons the smallest counts: it says most.
    polygons = polygons.assign(_area=shapely.area(polygons.geometry.values)).sort_values("_area", kind="stable")
    found = places.sjoin(polygons.reset_index(drop=True), predicate="intersects")
    found = found.sort_values(["key", "index_right"]).drop_duplicates("key")
    return {row["key"]: name for _, row in found.iterrows() if (name := _name(row, settings.columns))}


def _name(row: pd.Series, columns: list[str]) -> str:
    parts = [str(row[column]).strip() for column in columns if pd.notna(row[column])]
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _file(settings: Polygons, root: Path, downloads: Path) -> Path:
    web = settings.file.startswith(("http://", "https://"))
    # The suffix stays, because GDAL chooses a format by it.
    suffix = Path(settings.file.partition("?")[0]).suffix
    path = downloads / f"{settings.sha256}{suffix}" if web else root / settings.file
    if web and not path.exists():
        _download(settings.file, path)
    if not path.is_file():
        raise LandloomError(f"{KEY}.file: {path} does not exist; name a vector file or its address")
    if (found := file_sha256(path)) != settings.sha256:
        if web:
            path.unlink()
        raise LandloomError(
            f"{KEY}.sha256: {settings.file} has the sha256 {found}, not {settings.sha256}; write that one"
        )
    return path


def _download(url: str, path: Path) -> None:
    try:
        with atomic_file(path) as part, httpx.stream("GET", url, follow_redirects=True, timeout=TIMEOUT_S) as response:
            response.raise_for_status()
            with part.open("wb") as stream:
                for chunk in response.iter_bytes():
                    stream.write(chunk)
    except httpx.HTTPError as error:
        raise LandloomError(f"{KEY}.file: {url}: {error}; fetch the file by hand and name its path") from None


def _read(path: Path, settings: Polygons) -> gpd.GeoDataFrame:
    try:
        polygons = gpd.read_file(path)
    except (pyogrio.errors.DataSourceError, ValueError) as error:
        raise LandloomError(f"{KEY}.file: {path} is no vector file that GDAL reads: {error}") from None
    missing = [column for column in settings.columns if column not in polygons.columns]
    if missing:
        known = ", ".join(column for column in polygons.columns if column != "geometry")
        raise LandloomError(f"{KEY}.columns: {path} has no column {missing[0]!r}; it has {known}")
    if polygons.crs is None:
        raise LandloomError(f"{KEY}.file: {path} says no CRS; write one into it with ogr2ogr -a_srs")
    return polygons.to_crs(4326)

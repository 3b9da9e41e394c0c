"""Metres above the sea, from what a raster declares of its numbers.

Every statement is read: the band's unit, tags, the vertical part of the CRS, a `.prj`, scale and offset, direction
and surface. Statements that contradict each other, and words that are not known, are problems of the raster.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from pyproj import CRS
from pyproj.exceptions import CRSError
from rasterio.io import DatasetReader

from tasks.acquire.common.declared import prj
from tasks.acquire.common.declared.beside import Beside
from tasks.acquire.common.declared.geokeys import VERTICAL_UNITS, geokeys
from tasks.acquire.common.declared.units import metres_of, metres_of_code
from tasks.acquire.common.fields import Override
from tasks.acquire.common.opening import opened

UNIT_TAGS = ("units", "unit", "unittype", "vertical_units", "vertical_unit", "zunits", "z_units", "elevation_units")
"""Tags of a band or a file that name the unit of its values."""

UP = (
    *("surface_altitude", "altitude", "bedrock_altitude", "land_ice_surface_altitude", "ground_level_altitude"),
    *("height_above_mean_sea_level", "height_above_geopotential_datum", "elevation", "topography", "bathymetry"),
)
DOWN = (
    *("depth", "depth_below_geoid", "sea_floor_depth", "sea_floor_depth_below_geoid", "water_depth"),
    *("sea_floor_depth_below_geopotential_datum", "sea_floor_depth_below_mean_sea_level"),
    *("sea_floor_depth_below_sea_surface", "depth_below_geopotential_datum"),
)
ELLIPSOIDAL = ("height_above_reference_ellipsoid", "sea_floor_depth_below_reference_ellipsoid")
"""Standard names (CF conventions, and three in wide use) by what they say of the direction and the surface."""


@dataclass(frozen=True)
class Vertical:
    """Metres above the sea = stored number × `scale` + `offset`."""

    scale: float = 1.0
    offset: float = 0.0

    @property
    def plain(self) -> bool:
        """Whether stored numbers are metres already."""
        return (self.scale, self.offset) == (1.0, 0.0)


def vertical_of(dataset: DatasetReader, path: Path, override: Override, beside: Beside) -> tuple[Vertical, list[str]]:
    """How stored numbers become metres, and everything that forbids it.

    Args:
        override: its `scale` wins over unit, scale and offset of the file; its `trust` over the surface and a
            standard name.
        beside: what a catalogue states; it must agree with the file.
    """
    problems: list[str] = []
    said = {name: text for name, text in _tags(dataset).items() if text.strip()}
    systems, problem = _vertical_systems(path, override)
    problems += problem
    sign = _direction(said, systems, problems)
    if not override.get("trust", False):
        problems += _surface(said, systems)
    if len(dataset.subdatasets) > 1:
        problems.append(f"it holds {len(dataset.subdatasets)} pages or variables; cut the one with heights out")
    if "scale" in override:
        return Vertical(sign * override["scale"]), problems
    metres = _metres(dataset, path, said, systems, beside, problems)
    scale, offset = beside.scaled(dataset, problems)
    if not (np.isfinite([scale, offset]).all() and scale != 0):
        problems.append(f"its scale {scale:g} and offset {offset:g} give no heights")
        return Vertical(), problems
    scale, offset = sign * scale * metres, sign * offset * metres
    scale = 1.0 if abs(scale - 1) < 1e-9 else scale
    return Vertical(scale, offset + 0.0), problems


def _tags(dataset: DatasetReader) -> dict[str, str]:
    """Tags that describe the band, by their name in lower case: its own, then the file's own and its variable's."""
    band = dataset.tags(1)
    variable = (band.get("NETCDF_VARNAME") or dataset.descriptions[0] or "").lower()
    found = {name.lower(): str(text) for name, text in band.items()}
    for name, text in dataset.tags().items():
        whose, _, own = name.lower().rpartition("#")
        if whose in ("", variable, "band1", "band_1"):
            found.setdefault(own, str(text))
    return found


def _vertical_systems(path: Path, override: Override) -> tuple[list[CRS], list[str]]:
    """Vertical parts of the CRS and of the `.prj`: each a vertical CRS, or a geographic CRS with a height."""
    texts = []
    if "crs" in override:
        texts.append(override["crs"])
    else:
        # Without the option GDAL leaves out the vertical part of GeoTIFF 1.0.
        with rasterio.Env(GTIFF_REPORT_COMPD_CS="YES"), opened(path) as whole:
            if whole.crs:
                texts.append(whole.crs.to_wkt(version="WKT2_2019"))
    found: list[CRS] = []
    try:
        for text in texts:
            found += _vertical_parts(CRS.from_user_input(text))
    except CRSError:
        pass  # the look at its place tells
    try:
        beside = prj.vertical_crs(prj.text_of(path))
    except ValueError as error:
        return found, [f"{error}; say how many metres a step is (scale, in its override), or mend it"]
    return ([*found, beside] if beside else found), []


def _vertical_parts(crs: CRS) -> list[CRS]:
    if crs.is_bound:
        return _vertical_parts(crs.source_crs) if crs.source_crs else []
    if crs.sub_crs_list:
        return [part for sub in crs.sub_crs_list for part in _vertical_parts(sub)]
    return [crs] if crs.is_vertical or len(crs.axis_info) == 3 else []


def _direction(said: dict[str, str], systems: list[CRS], problems: list[str]) -> int:
    """1 where numbers grow upwards, -1 where they are depths."""
    stated: dict[str, int] = {}
    if "positive" in said:
        word = said["positive"].strip().lower()
        if word in ("up", "down"):
            stated[f"positive: {word}"] = 1 if word == "up" else -1
        else:
            problems.append(f"its direction (positive: {word}) is not known")
    name = said.get("standard_name", "").strip().lower()
    if name in DOWN or name.startswith("sea_floor_depth"):
        stated[f"standard name {name}"] = -1
    for system in systems:
        way = system.axis_info[-1].direction.lower()
        if way in ("up", "down"):
            stated[f"vertical CRS {system.name}: {way}"] = 1 if way == "up" else -1
        else:
            problems.append(f"the direction of its vertical CRS ({way}) is not known")
    if len(set(stated.values())) > 1:
        problems.append(f"what it says of its direction is contradictory ({', '.join(stated)})")
    return min(stated.values(), default=1)


def _surface(said: dict[str, str], systems: list[CRS]) -> list[str]:
    """Heights above the ellipsoid, and standard names of other things than heights of ground."""
    problems = []
    name = said.get("standard_name", "").strip().lower()
    above = [name] if name in ELLIPSOIDAL else []
    above += [system.name for system in systems if "ellips" in f"{system.axis_info[-1].name} {system.name}".lower()]
    if above:
        problems.append(
            f"its heights stand above the ellipsoid ({above[0]}), which lies up to 107 m off the sea; convert it to "
            "heights above the sea, or take it as it is (trust: true, in its override)"
        )
    if name and name not in (*UP, *DOWN, *ELLIPSOIDAL) and not name.startswith("sea_floor_depth"):
        problems.append(f"its standard name is {name}, no height of ground that is known (trust: true takes it)")
    return problems


def _metres(
    dataset: DatasetReader, path: Path, said: dict[str, str], systems: list[CRS], beside: Beside, problems: list[str]
) -> float:
    """Metres in the unit of its values: 1 where nothing is stated. Unknown words and contradictions are problems."""
    stated: dict[str, float] = {}
    for system in systems:
        axis = system.axis_info[-1]
        factor, named = float(axis.unit_conversion_factor), metres_of(axis.unit_name)
        if not (np.isfinite(factor) and factor > 0) or (named and abs(named / factor - 1) > 1e-4):
            problems.append(f"the unit of its vertical CRS ({axis.unit_name}, {factor:g} m) contradicts itself")
        else:
            stated[f"{axis.unit_name} in its vertical CRS"] = factor
    words = {"its band": dataset.units[0] or "", "its .prj": prj.z_units(prj.text_of(path)) or ""}
    words["its catalogue"] = beside.unit or ""
    words |= {f"its tag {name}": said[name] for name in UNIT_TAGS if name in said}
    for where, word in words.items():
        if word := word.strip():
            factor = metres_of(word)
            if factor is None:
                problems.append(
                    f"its samples are not metres: the unit {word!r} of {where} is not known; convert it first, or say "
                    "how many metres a step is (scale, in its override)"
                )
            else:
                stated[f"{word} in {where}"] = factor
    if dataset.driver == "GTiff" and not systems and (code := geokeys(path).get(VERTICAL_UNITS)):
        factor = metres_of_code(code)
        if factor is None:
            problems.append(f"its samples are not metres: the vertical unit with the code {code} is not known")
        else:
            stated[f"the vertical unit {code} of its GeoTIFF keys"] = factor
    if stated and max(stated.values()) / min(stated.values()) - 1 > 1e-5:  # two kinds of feet are 2e-6 apart
        problems.append(f"what it says of its unit is contradictory ({'; '.join(stated)}); say which (scale)")
    return next(iter(stated.values()), 1.0)

"""Random rasters of one analytic ground, through acquire and project: right within the grid's error, or refused.

A raster has a random place, CRS, orientation, type, unit, direction, scale, void code, format and companion, and says
of them what files say. No code of the stages is used to write it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from affine import Affine
from pyproj import CRS, Transformer
from scipy.ndimage import binary_erosion

from tasks.core.dag import stage_entry
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute
from tasks.core.stage import Stage
from tasks.formats.tables.scenes import SceneReader, read_scenes
from tasks.formats.tables.sources import read_sources
from tasks.project.params import Params
from tasks.project.run import run
from tests.acquire.stage import acquire, params
from tests.project.stage import PARAMS
from tests.project.synthetic import coordinates, surface

SIDE, PIXEL, WAVES = 44, 90.0, 2000.0
SLOPE = WAVES / 6_371_000 * np.hypot(np.hypot(200, 150), 100)
"""The steepest ground of `surface` at this scale, metres a metre: 0.085. Its norm of the gradient is at most that."""
INNER = 0.04 * PIXEL * SLOPE
"""Metres that a pixel amid others may be off: 0.30, one pixel in 25. GDAL's positions are right to 0.01 pixels. A cubic
kernel that is stretched by 1 to 2, as for degrees at 60 degrees of latitude, has its middle up to 0.03 pixels off."""
RIM = PIXEL * SLOPE / np.sqrt(2)
"""Metres that a pixel beside a void or the edge may be off: 5.4. Its centre lies up to half a pixel in both directions
beyond the outermost centre that has a value, and a kernel that lacks one side extrapolates nothing."""
_BESIDE = np.ones((5, 5))  # what the kernel of a pixel reaches
US_FOOT = 1200 / 3937
BANDS = {"": 1, "m": 1, "metre": 1, "ft": 0.3048, "US survey foot": US_FOOT, "fathom": 1.8288, "dm": 0.1}
UNKNOWN = {"gpm": 1.02, "percent": 1, "league": 4828}
VERTICAL = {"5703": 1, "6360": US_FOOT, "8228": 0.3048, "5715": -1}
ESRI = 'VERTCS["v",VDATUM["d"],PARAMETER["Vertical_Shift",0.0],PARAMETER["Direction",{way}.0],UNIT["{unit}",{metres}]]'


@dataclass
class Outcome:
    """How many rasters came out right, were refused, by the first words of the reason, or were wrong in silence.

    `inner` and `rim` are the largest errors in metres beyond the step between stored numbers.
    """

    right: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    inner: float = -np.inf
    rim: float = -np.inf


def try_rasters(root: Path, count: int, seed: int) -> Outcome:
    """Write `count` rasters, each on ground of its own, run both stages, compare the scenes."""
    rng, told = np.random.default_rng(seed), {}
    for number in range(count):
        name, told_of = _write(root / "in", number, rng)
        told[name] = told_of
    acquire(root, params("files", paths=["in"]))
    given = Params(**(PARAMS | {"gsd": PIXEL, "fill_px": 0}))
    stage = Stage(stage_entry("project", "terrain", ROOT), given, 20, Compute(engine="serial", workers=1), Run(), root)
    run(stage)
    outcome, scenes = Outcome(), read_scenes(stage.dir / "scenes.parquet")
    with SceneReader(stage.dir, scenes) as reader:
        errors = {scene: _errors(reader.height(scene), row) for scene, row in scenes.iterrows()}
    for row in read_sources(stage.dir / "sources.parquet").itertuples():
        words, step = told[row.key]
        if isinstance(row.refused, str):
            outcome.refused[" ".join(row.refused.split()[:4])] += 1
            continue
        inner, rim = (max(worst) for worst in zip(*(errors[scene] for scene in row.scenes), strict=True))
        if inner <= INNER + step and rim <= RIM + step:
            outcome.right += 1
        else:
            outcome.wrong.append(f"{row.key}: off by {inner:.4g} m, at its rim by {rim:.4g} m: {words}")
        outcome.inner = max(outcome.inner, inner - step)
        outcome.rim = max(outcome.rim, rim - step)
    return outcome


def _errors(height: np.ndarray, row) -> tuple[float, float]:  # noqa: ANN001
    """Metres: the largest error of pixels amid others, and of all; infinite where no pixel is amid others."""
    lon, lat = coordinates(row["crs"], Affine(*row["transform"]), row["cols"], row["rows"])
    error = np.abs(height - surface(lon, lat, scale=WAVES))
    known = np.isfinite(error)
    inner = error[binary_erosion(known, _BESIDE)]
    return float(inner.max(initial=0.0) if inner.size else np.inf), float(error[known].max())


def _write(folder: Path, number: int, rng: np.random.Generator) -> tuple[str, tuple[str, float]]:
    """One raster; its name, all that was chosen, and the step between its numbers in metres."""
    pick = lambda options, p=None: options[int(rng.choice(len(options), p=p))]  # noqa: E731
    lon, lat = -171 + 12 * (number % 29) + rng.uniform(-2, 2), -52 + 11 * (number // 29 % 11) + rng.uniform(-2, 2)
    driver = pick(["GTiff", "HFA", "ENVI", "EHdr", "AAIGrid"], [0.6, 0.1, 0.1, 0.1, 0.1])
    crs, turn = _crs(lon, lat, rng), pick(["north", "south", "rotated"], [0.6, 0.2, 0.2])
    turn = "north" if driver in ("AAIGrid", "EHdr", "ENVI") else turn  # their headers know no other
    transform = _place(crs, lon, lat, turn)
    x, y = coordinates(crs, transform, SIDE, SIDE)
    metres = surface(x, y, scale=WAVES)

    factor, words, unit, vertical, tags, prj = 1.0, [], "", "", {}, ""
    how = pick(["none", "band", "odd", "crs", "tag", "prj", "clash"], [0.25, 0.2, 0.1, 0.15, 0.1, 0.1, 0.1])
    if how in ("band", "clash"):
        unit = pick(list(BANDS))
        factor = BANDS[unit]
    elif how == "odd":
        unit = pick(list(UNKNOWN))
        factor = UNKNOWN[unit]
    elif how == "crs" and driver == "GTiff" and crs.startswith("EPSG") and crs != "EPSG:4979":  # it has a height
        vertical = pick(list(VERTICAL))
        factor = VERTICAL[vertical]
    elif how == "tag" and driver != "AAIGrid":
        tags["units"] = pick(["feet", "meters", "fathoms"])
        factor = {"feet": 0.3048, "meters": 1, "fathoms": 1.8288}[tags["units"]]
    elif how == "prj" and driver in ("AAIGrid", "EHdr"):
        name, size = pick([("Foot_US", US_FOOT), ("Foot", 0.3048), ("Meter", 1.0)])
        way = pick([1, -1])
        prj, factor = ESRI.format(way=way, unit=name, metres=repr(size)), size * way
    if how == "clash" and unit and driver == "GTiff" and BANDS[unit] != 0.1:
        tags["units"] = "dm"
    if not vertical and not prj and driver == "GTiff" and rng.random() < 0.1:
        tags["positive"], factor = "down", -factor
    scale, offset = pick([(1.0, 0.0), (0.25, 0.0), (0.1, -200.0)], [0.8, 0.1, 0.1])
    # GDAL writes no scale into some GeoTIFFs whose CRS has a vertical unit, so such a file would not say it.
    scale, offset = (1.0, 0.0) if driver == "AAIGrid" or vertical else (scale, offset)
    stored = (metres / factor - offset) / scale
    kinds = ["float32", "int32"] if driver in ("AAIGrid", "EHdr") else ["float32", "int16", "int32", "float64"]
    kind = pick([name for name in kinds if name[0] == "f" or np.abs(stored).max() < np.iinfo(name).max])
    values = np.rint(stored) if kind[0] == "i" else stored
    void = pick(["none", "declared", "silent", "mask"], [0.5, 0.25, 0.15, 0.1])
    code = pick([-9999, -32768, -32767])
    if void in ("declared", "silent") or (void == "mask" and driver == "GTiff"):
        values[5:14, 7:19] = code
    point = driver == "GTiff" and rng.random() < 0.2
    name = f"r{number:04}.{ {'GTiff': 'tif', 'HFA': 'img', 'ENVI': 'dat', 'EHdr': 'bil', 'AAIGrid': 'asc'}[driver] }"
    profile = {"driver": driver, "dtype": kind, "count": 1, "width": SIDE, "height": SIDE, "transform": transform}
    profile |= {"crs": f"{crs}+{vertical}" if vertical else crs, "nodata": code if void == "declared" else None}
    folder.mkdir(parents=True, exist_ok=True)
    with rasterio.Env(GTIFF_POINT_GEO_IGNORE="NO"), rasterio.open(folder / name, "w", **profile) as target:
        target.write(values.astype(kind), 1)
        if unit:
            target.units = (unit,)
        if (scale, offset) != (1.0, 0.0):
            target.scales, target.offsets = (scale,), (offset,)
        if tags:
            target.update_tags(1, **tags)
        if point:
            target.update_tags(AREA_OR_POINT="Point")
        if void == "mask" and driver == "GTiff":
            mask = np.full(values.shape, 255, np.uint8)
            mask[5:14, 7:19] = 0
            target.write_mask(mask)
    if prj:
        horizontal = CRS.from_user_input(crs).to_wkt("WKT1_ESRI")
        (folder / name).with_suffix(".prj").write_text(f"{horizontal},{prj}")
    chosen = {"crs": crs, "turn": turn, "unit": how, "band": unit, "vertical": vertical, "tags": tags, "prj": prj}
    chosen |= {"scale": scale, "offset": offset, "type": kind, "void": void, "code": code, "point": point}
    words = ", ".join(f"{key} {value}" for key, value in chosen.items())
    return name, (words, abs(scale * factor) if kind[0] == "i" else 0.0)


def _crs(lon: float, lat: float, rng: np.random.Generator) -> str:
    zone = int((lon + 180) // 6) + 1
    utm = f"EPSG:{(32600 if lat >= 0 else 32700) + zone}"
    equal = f"+proj=laea +lat_0={lat:.4f} +lon_0={lon:.4f} +datum=WGS84 +units=m"
    feet = f"+proj=tmerc +lat_0={lat:.4f} +lon_0={lon:.4f} +datum=WGS84 +units=us-ft"
    options = ["EPSG:4326", utm, "EPSG:3857", equal, feet, "EPSG:4979", "EPSG:4807", "EPSG:4805"]
    return str(rng.choice(options, p=[0.3, 0.25, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05]))


def _place(crs: str, lon: float, lat: float, turn: str) -> Affine:
    """Square pixels of about 90 m on the ground, the raster's middle near the place."""
    known = CRS.from_user_input(crs).to_2d()
    x, y = Transformer.from_crs("EPSG:4326", known, always_xy=True).transform(lon, lat)
    size = PIXEL / 111_000 if known.is_geographic else PIXEL / known.axis_info[0].unit_conversion_factor
    if crs == "EPSG:3857":
        size /= np.cos(np.radians(lat))
    turned = {
        "north": Affine.scale(1, -1),
        "south": Affine.scale(1, 1),
        "rotated": Affine.rotation(27) @ Affine.scale(1, -1),
    }
    return Affine.translation(x, y) @ turned[turn] @ Affine.scale(size) @ Affine.translation(-SIDE / 2, -SIDE / 2)

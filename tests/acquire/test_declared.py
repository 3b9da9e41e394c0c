"""What a raster declares of its heights is honoured exactly, or the raster is refused for it by name."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from affine import Affine
from pyproj import CRS
from rasterio.windows import Window
from scipy.io import netcdf_file

from tasks.acquire.common.declared.table import READ, markdown
from tasks.acquire.common.declared.units import METRES, metres_of
from tasks.acquire.common.opening import DRIVERS
from tasks.acquire.common.source import Refusal
from tasks.core.settings import ROOT
from tasks.project.rasters import RasterReader, look
from tests.acquire.rasters import hills, write
from tests.acquire.stage import acquire, params

US_FOOT = 1200 / 3937
UTM = {"crs": "EPSG:26911", "transform": Affine(90, 0, 4e5, 0, -90, 4.1e6)}
GROUND = hills().astype("float32")  # metres


def read(folder: Path, key: str, **override: object) -> np.ndarray:
    """Heights in metres as `project` reads them, or the reason of acquire's refusal as `Refusal`."""
    write(folder / "in" / "zz_good.tif", hills())
    ledger = acquire(folder, params("files", paths=["in"], overrides={key: override}))
    row = ledger.loc[key]
    if isinstance(row["refused"], str):
        raise Refusal(row["refused"])
    raw = folder / "data/terrain/raw"
    raster = look(next(pd.DataFrame([row]).assign(key=key).itertuples()), raw)
    with RasterReader() as reader:
        return reader.read(raster, Window(0, 0, raster.cols, raster.rows))[0]


def refusal(folder: Path, key: str, **override: object) -> str:
    with pytest.raises(Refusal) as told:
        read(folder, key, **override)
    return str(told.value)


def tagged(path: Path, metres: float, unit: str | None = None, tags: dict[str, str] | None = None, **more) -> Path:
    """A GeoTIFF of the ground in a unit of so many metres."""
    write(path, GROUND / np.float32(metres), **(UTM | more))
    with rasterio.open(path, "r+") as dataset:
        if unit is not None:
            dataset.units = (unit,)
        dataset.update_tags(1, **(tags or {}))
    return path


def netcdf(path: Path, values: np.ndarray, names: tuple[str, ...] = ("z",), **attributes: object) -> Path:
    """A netCDF of degrees with `values` in each variable."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with netcdf_file(path, "w") as file:
        rows, cols = values.shape
        for name, numbers, unit in (
            ("lat", 47 - (np.arange(rows) + 0.5) / 1200, "degrees_north"),
            ("lon", 8 + (np.arange(cols) + 0.5) / 1200, "degrees_east"),
        ):
            file.createDimension(name, len(numbers))
            axis = file.createVariable(name, "f8", (name,))
            axis[:], axis.units, axis.standard_name = numbers, unit, {"lat": "latitude", "lon": "longitude"}[name]
        for name in names:
            variable = file.createVariable(name, values.dtype, ("lat", "lon"))
            variable[:] = values
            for key, value in attributes.items():
                setattr(variable, key, value)
    return path


@pytest.mark.parametrize(("unit", "metres"), [("US survey foot", US_FOOT), ("yards", 0.9144), ("dm", 0.1)])
def test_the_unit_of_a_band(tmp_path, unit, metres):
    tagged(tmp_path / "in/a.tif", metres, unit)
    assert np.abs(read(tmp_path, "a.tif") - GROUND).max() < 1e-3


def test_the_unit_in_tags_in_a_vertical_crs_and_in_the_keys_of_a_geotiff(tmp_path):
    tagged(tmp_path / "in/tag.tif", 0.3048, tags={"units": "feet"})
    tagged(tmp_path / "in/crs.tif", US_FOOT, crs="EPSG:26911+6360")
    keys = (1, 1, 0, 4, 1024, 0, 1, 1, 1025, 0, 1, 1, 3072, 0, 1, 26911, 4099, 0, 1, 9014)
    body = _tiff((GROUND / np.float32(1.8288)).astype("<f4"), keys)
    (tmp_path / "in/keys.tif").write_bytes(body)
    for name in ("tag.tif", "crs.tif", "keys.tif"):
        assert np.abs(read(tmp_path, name) - GROUND).max() < 1e-3, name


def _tiff(pixels: np.ndarray, keys: tuple[int, ...]) -> bytes:
    """A TIFF that names its vertical unit (key 4099) and no vertical CRS, as some programs write it."""
    rows, cols = pixels.shape
    extra = struct.pack(f"<{len(keys)}H", *keys)
    scale, tie = struct.pack("<3d", 90, 90, 0), struct.pack("<6d", 0, 0, 0, 4e5, 4.1e6, 0)
    start = 8 + 2 + 12 * 12 + 4
    at = np.cumsum([start, len(extra), len(scale), len(tie)])
    short, long, double = 3, 4, 12
    entries = [
        *((256, long, 1, cols), (257, long, 1, rows), (258, short, 1, 32), (259, short, 1, 1), (262, short, 1, 1)),
        *((273, long, 1, at[3]), (277, short, 1, 1), (278, long, 1, rows), (279, long, 1, pixels.nbytes)),
        *((33550, double, 3, at[1]), (33922, double, 6, at[2]), (34735, short, len(keys), at[0])),
    ]
    entries.append((339, short, 1, 3))
    entries = sorted(entries)
    start += 12 * (len(entries) - 12)
    shift = 12 * (len(entries) - 12)
    moved = {273, 33550, 33922, 34735}
    ifd = struct.pack("<H", len(entries))
    ifd += b"".join(struct.pack("<HHII", t, k, n, int(v) + (shift if t in moved else 0)) for t, k, n, v in entries)
    return b"II*\0" + struct.pack("<I", 8) + ifd + b"\0\0\0\0" + extra + scale + tie + pixels.tobytes()


@pytest.mark.parametrize("word", ["gpm", "percent", "radians", "chains"])
def test_a_unit_that_is_not_known_is_never_metres(tmp_path, word):
    tagged(tmp_path / "in/a.tif", 1, word)
    assert f"{word!r} of its band is not known" in refusal(tmp_path, "a.tif")
    assert np.abs(read(tmp_path, "a.tif", scale=2.0) - 2 * GROUND).max() < 1e-3


def test_units_beside_a_raster(tmp_path):
    folder = tmp_path / "in"
    write(folder / "esri.bil", GROUND / np.float32(1.8288), driver="EHdr", **UTM)
    crs = CRS.from_epsg(26911).to_wkt("WKT1_ESRI")
    unit = 'VERTCS["x",VDATUM["y"],PARAMETER["Vertical_Shift",0.0],PARAMETER["Direction",1.0],UNIT["Fathom",1.8288]]'
    (folder / "esri.prj").write_text(f"{crs},{unit}")
    write(folder / "info.bil", GROUND / np.float32(0.3048), driver="EHdr", **UTM)
    (folder / "info.prj").write_text("Projection UTM\nZone 11\nDatum NAD83\nZunits FEET\nUnits METERS\nParameters\n")
    write(folder / "odd.bil", GROUND, driver="EHdr", **UTM)
    (folder / "odd.prj").write_text("Projection UTM\nZone 11\nDatum NAD83\nZunits VARAS\nUnits METERS\nParameters\n")
    assert np.abs(read(tmp_path, "esri.bil") - GROUND).max() < 1e-3
    assert np.abs(read(tmp_path, "info.bil", crs="EPSG:26911") - GROUND).max() < 1e-3
    assert "'VARAS' of its .prj is not known" in refusal(tmp_path, "odd.bil", crs="EPSG:26911")


def test_units_that_contradict_each_other(tmp_path):
    tagged(tmp_path / "in/a.tif", 1, "m", {"units": "feet"})
    tagged(tmp_path / "in/b.tif", 1, "m", crs="EPSG:26911+6360")
    for name in ("a.tif", "b.tif"):
        assert "its unit is contradictory" in refusal(tmp_path, name)
    assert np.abs(read(tmp_path, "a.tif", scale=1.0) - GROUND).max() == 0


def test_depths(tmp_path):
    folder = tmp_path / "in"
    netcdf(folder / "positive.nc", -GROUND, positive="down", units="m")
    netcdf(folder / "name.nc", -GROUND, standard_name="sea_floor_depth_below_geoid", units="m")
    netcdf(folder / "both.nc", -GROUND, positive="up", standard_name="depth")
    netcdf(folder / "word.nc", GROUND, positive="sideways")
    tagged(folder / "crs.tif", -1, crs="EPSG:26911+5715")
    tagged(folder / "tag.tif", -0.3048, "ft", {"positive": "down"})
    for name in ("positive.nc", "name.nc"):
        assert np.abs(read(tmp_path, name, crs="EPSG:4326") - GROUND).max() < 1e-3, name
    for name in ("crs.tif", "tag.tif"):
        assert np.abs(read(tmp_path, name) - GROUND).max() < 1e-3, name
    assert "direction is contradictory" in refusal(tmp_path, "both.nc", crs="EPSG:4326")
    assert "positive: sideways" in refusal(tmp_path, "word.nc", crs="EPSG:4326")


def test_heights_above_the_ellipsoid_are_refused_unless_trusted(tmp_path):
    folder = tmp_path / "in"
    tagged(folder / "three.tif", 1, crs="EPSG:4979", transform=Affine(1 / 1200, 0, 8, 0, -1 / 1200, 47))
    netcdf(folder / "name.nc", GROUND, standard_name="height_above_reference_ellipsoid")
    netcdf(folder / "wave.nc", GROUND, standard_name="sea_surface_wave_significant_height", units="m")
    write(folder / "esri.asc", GROUND, driver="AAIGrid", **UTM)
    esri = 'VERTCS["WGS_1984",DATUM["D_WGS_1984",SPHEROID["WGS_1984",6378137.0,298.257223563]],UNIT["Meter",1.0]]'
    (folder / "esri.prj").write_text(f"{CRS.from_epsg(26911).to_wkt('WKT1_ESRI')},{esri}")
    assert "above the ellipsoid" in refusal(tmp_path, "three.tif")
    assert "above the ellipsoid" in refusal(tmp_path, "esri.asc")
    assert "above the ellipsoid" in refusal(tmp_path, "name.nc", crs="EPSG:4326")
    assert "no height of ground" in refusal(tmp_path, "wave.nc", crs="EPSG:4326")
    assert np.abs(read(tmp_path, "three.tif", trust=True) - GROUND).max() == 0


def test_scale_and_offset(tmp_path):
    stored = np.round((GROUND + 500) / 0.25).astype("uint16")
    path = write(tmp_path / "in/a.tif", stored, nodata=65535, **UTM)
    odd = stored.copy()
    odd[:2] = 32767  # a void code that is a height of 7,691 m once it is scaled
    for name, numbers in (("a.tif", stored), ("b.tif", odd)):
        write(path.with_name(name), numbers, nodata=65535, **UTM)
        with rasterio.open(path.with_name(name), "r+") as dataset:
            dataset.scales, dataset.offsets = (0.25,), (-500.0,)
    netcdf(tmp_path / "in/c.nc", stored.astype("int16"), scale_factor=0.25, add_offset=-500.0, units="m")
    assert np.abs(read(tmp_path, "a.tif") - GROUND).max() <= 0.126
    assert np.abs(read(tmp_path, "c.nc", crs="EPSG:4326") - GROUND).max() <= 0.126
    assert "100 pixels hold 32767" in refusal(tmp_path, "b.tif")


def test_several_pages_and_variables(tmp_path):
    folder = tmp_path / "in"
    for page in (1, 2):
        write(folder / "pages.tif", GROUND + page, append_subdataset=page > 1, **UTM)
    netcdf(folder / "two.nc", GROUND, names=("z", "error"))
    assert "2 pages" in refusal(tmp_path, "pages.tif")
    assert "variables (z, error)" in refusal(tmp_path, "two.nc", crs="EPSG:4326")


def test_meridians_and_angles(tmp_path):
    place = Affine(1 / 1000, 0, 5.0, 0, -1 / 1000, 52.0)
    folder = tmp_path / "in"
    write(folder / "grads.tif", GROUND, crs="EPSG:4807", transform=place)
    write(folder / "ferro.tif", GROUND, crs="EPSG:4805", transform=place)
    write(folder / "lambert.tif", GROUND, crs="EPSG:27572", transform=Affine(90, 0, 6e5, 0, -90, 2.2e6))
    assert "no degrees" in refusal(tmp_path, "grads.tif")
    assert "meridian of Ferro" in refusal(tmp_path, "ferro.tif")
    assert np.abs(read(tmp_path, "lambert.tif") - GROUND).max() == 0
    row = acquire(tmp_path, params("files", paths=["in"])).loc["lambert.tif"]
    assert row["west"] == pytest.approx(2.3372, abs=1e-3)  # x = 600 km is the meridian of Paris


def test_a_grid_of_points_lies_half_a_pixel_off_one_of_areas(tmp_path):
    write(tmp_path / "in/area.tif", GROUND, AREA_OR_POINT="Area")
    with rasterio.open(write(tmp_path / "in/point.tif", GROUND), "r+") as dataset:
        dataset.update_tags(AREA_OR_POINT="Point")
        dataset.transform = Affine(1 / 1200, 0, 8 + 0.5 / 1200, 0, -1 / 1200, 47)
    ledger = acquire(tmp_path, params("files", paths=["in"]))
    assert ledger.loc["point.tif", "west"] - ledger.loc["area.tif", "west"] == pytest.approx(0.5 / 1200, abs=1e-9)


def test_words_and_table():
    assert metres_of("Foot_US") == US_FOOT and metres_of("us-ft") == US_FOOT and metres_of("FT") == 0.3048
    assert metres_of("degree") is None and all(value > 0 for value in METRES.values())
    assert set(READ) - set(DRIVERS) == set() and set(DRIVERS) - set(READ) <= {"JPEG", "WEBP", "GIF", "BMP"}
    assert markdown() in (ROOT / "docs/sources/README.md").read_text()

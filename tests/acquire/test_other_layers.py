"""What is no elevation is refused by name, title or content, unless a person vouches for it."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio
from scipy.ndimage import zoom

from tasks.acquire.common.declared.auxiliary import auxiliary_name, auxiliary_title
from tests.acquire import layers
from tests.acquire.rasters import hills, write
from tests.acquire.stage import acquire, params
from tests.acquire.test_inspect import accepted, refusal
from tests.benchmarks.bench_layers import look

SIDE = 120
REAL = ("srtm3_N45E006_DERIVED.tif", "srtm3_N38W120_DERIVED.tif", "bigtujunga_srtm1_utm11.tif")
GROUND = hills(SIDE, SIDE).astype("float32")
RNG = np.random.default_rng(2)


@pytest.mark.parametrize(
    "name",
    [
        *("Copernicus_DSM_10_N46_00_E008_00_HEM.tif", "Copernicus_DSM_COG_10_N46_00_E008_00_EDM.tif"),
        *("ASTGTMV003_N46E008_num.tif", "N46E008.SRTMGL1.num", "NASADEM_NUM_n46e008.tif", "n46e008.err"),
        *("ALPSMLC30_N046E008_MSK.tif", "N046E008_AVE_STK.tif", "GEBCO_2023_TID.nc", "TDM1_DEM__30_N46E008_COV.tif"),
        *("ArcticDEM_10_27_2m_v4.1_count.tif",),
    ],
)
def test_names_of_published_layers(tmp_path, name):
    assert auxiliary_name(f"folder/{name}")
    path = write(tmp_path / name, GROUND)
    assert "its name is that of another layer" in refusal(path)
    assert accepted(path, trust=True).layer == "height"


@pytest.mark.parametrize(
    "name",
    ["Copernicus_DSM_10_N46_00_E008_00_DEM.tif", "N46E008.hgt", "ASTGTMV003_N46E008_dem.tif", "north_slope.tif"]
    + ["N046E008_AVE_DSM.tif", "NASADEM_HGT_n46e008.tif", "GEBCO_2023.nc", "mask.tif", "arcticdem_2m_dem.tif"],
)
def test_names_of_elevation_models(name):
    assert auxiliary_name(name) is None


def angles(low: float, high: float) -> np.ndarray:
    down, across = np.gradient(hills(SIDE, SIDE).astype(float) + RNG.normal(0, 3, (SIDE, SIDE)))
    share = (np.arctan2(across, down) / (2 * np.pi)) % 1
    return (low + (high - low) * share).astype("float32")


@pytest.mark.parametrize("ends", [(0, 360), (-180, 180), (0, 2 * np.pi)])
def test_angles(tmp_path, ends):
    path = write(tmp_path / "a.tif", angles(*ends))
    assert "angles" in refusal(path)
    accepted(path, trust=True)


@pytest.mark.parametrize("codes", [(10, 20, 30, 40, 50, 60, 80, 90), (1, 2, 4, 8, 16, 32, 64, 128), tuple(range(12))])
def test_classes(tmp_path, codes):
    coarse = RNG.choice(codes, (SIDE // 4, SIDE // 4)).astype("int16")
    assert "classes or codes" in refusal(write(tmp_path / "a.tif", np.kron(coarse, np.ones((4, 4), "int16"))))


def test_masks_and_errors(tmp_path):
    assert "a mask" in refusal(write(tmp_path / "m.tif", (GROUND > 500).astype("int16")))
    error = 0.3 + np.abs(RNG.normal(size=GROUND.shape)).astype("float32")
    assert "errors, counts or noise" in refusal(write(tmp_path / "e.tif", error))


def test_titles(tmp_path):
    path = write(tmp_path / "a.tif", GROUND)
    with rasterio.open(path, "r+") as dataset:
        dataset.set_band_description(1, "Slope_degrees")
    assert "its title is 'Slope_degrees'" in refusal(path)
    assert auxiliary_title("Topography", None, "Elevation") is None


def test_ground_is_ground(tmp_path):
    level = zoom(RNG.normal(size=(15, 15)), SIDE / 15, order=3)
    polder = np.round(2 + 2 * level).astype("int16")
    grounds = {"polder": polder, "terraces": (np.round(GROUND / 50) * 50).astype("int16"), "low": GROUND * 0.4}
    grounds |= {"sea": np.zeros_like(polder), "noisy": GROUND * 0.1 + RNG.normal(0, 1, GROUND.shape)}
    for name, values in grounds.items():
        accepted(write(tmp_path / f"{name}.tif", values.astype("int16" if values.dtype.kind == "i" else "float32")))


def rough(side: int = 300, pixel: float = 30.0, steep: float = 1.0) -> np.ndarray:
    """Ground whose differences grow with the distance as those of real ground do, in metres from 0."""
    rng = np.random.default_rng(5)
    wave = np.hypot(*np.meshgrid(np.fft.fftfreq(side), np.fft.fftfreq(side)))
    wave[0, 0] = 1
    ground = np.fft.ifft2(np.fft.fft2(rng.normal(size=(side, side))) * wave**-1.9).real
    ground *= steep * 0.4 * pixel / np.abs(np.diff(ground)).std()
    return ground - ground.min()


def slopes(ground: np.ndarray, pixel: float = 30.0) -> np.ndarray:
    return np.degrees(np.arctan(np.hypot(*np.gradient(ground, pixel)))).astype("float32")


def shade(ground: np.ndarray, pixel: float = 30.0) -> np.ndarray:
    down, across = np.gradient(ground, pixel)
    light = (1 + across / np.sqrt(2) - down / np.sqrt(2)) / np.sqrt(2)
    return np.clip(light / np.sqrt(1 + down**2 + across**2), 0, 1)


@pytest.mark.parametrize("steep", [0.2, 1.0])
def test_slopes_alone(tmp_path, steep):
    degrees = slopes(rough(steep=steep))
    percent = (100 * np.tan(np.radians(degrees))).astype("float32")
    for name, values in {"degrees": degrees, "percent": percent, "whole": np.rint(percent).astype("int16")}.items():
        path = write(tmp_path / f"{name}.tif", values)
        assert "as those of slopes or roughness do" in refusal(path)
        accepted(path, trust=True)
    assert "its name says slope" in refusal(write(tmp_path / "N46E008_slope_deg.tif", degrees))


def test_what_is_higher_than_any_slope_is_ground(tmp_path):
    """Heights of a planet at 20 km a pixel follow each other as slopes do."""
    found = accepted(write(tmp_path / "planet.tif", 40 * slopes(rough(steep=1.0))))
    assert found.doubt is None


@pytest.mark.parametrize("most, dtype", [(1, "float32"), (255, "float32"), (255, "int16")])
def test_shades_alone(tmp_path, most, dtype):
    values = shade(rough()) * most
    path = write(tmp_path / "a.tif", (np.rint(values) if dtype == "int16" else values).astype(dtype))
    assert "which programs compute from heights, not heights" in refusal(path)
    assert accepted(path, trust=True).doubt is None


def test_what_is_not_sure_is_taken_with_a_warning_that_names_the_raster(tmp_path, capsys):
    ground = rough()
    curves = np.gradient(np.gradient(ground)[0])[0] + np.gradient(np.gradient(ground)[1])[1]
    path = write(tmp_path / "in/curves.tif", curves.astype("float32"))
    write(tmp_path / "in/ground.tif", ground.astype("float32"))
    assert "curvatures" in accepted(path).doubt and accepted(path, trust=True).doubt is None
    assert accepted(tmp_path / "in/ground.tif").doubt is None
    acquire(tmp_path, params("files", paths=["in"]))
    told = [line for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert len(told) == 1 and "warning: curves.tif is taken, but" in told[0]


def test_waves_of_a_few_pixels_are_no_slopes(tmp_path):
    y, x = np.mgrid[:SIDE, :SIDE]
    for period in (8, 16, 32, 64):
        dunes = 20 * (1 + np.sin(2 * np.pi * x / period + np.sin(y / 9)))
        assert accepted(write(tmp_path / f"{period}.tif", dunes.astype("float32"))).layer == "height"


def test_slopes_of_real_ground_and_the_ground_itself(realdata):
    grounds = [ground for ground in layers.real(realdata / "dem") if ground[0] in REAL]
    assert len(grounds) == len(REAL)
    for name, heights, pixel in grounds:
        assert look(heights) == "taken", name
        for kind, how, values in layers.computed(heights, pixel):
            assert look(values) != "taken", (name, kind, how)
            assert kind not in ("slope", "aspect") or look(values) == "refused", (name, kind, how)


@pytest.mark.parametrize("high", [30, 60, 89])
@pytest.mark.parametrize("noise", [0, 1, 2, 3])
def test_level_ground_beside_the_sea_is_no_slope(tmp_path, high, noise):
    ground = rough() / rough().max() * high
    ground = np.clip(ground + np.random.default_rng(1).normal(0, noise, ground.shape), 0, 89)
    accepted(write(tmp_path / "a.tif", ground.astype("float32")))
    accepted(write(tmp_path / "north_slope.tif", ground.astype("float32")))


def test_noise_on_level_ground_of_few_whole_heights_is_no_class(tmp_path):
    ground = np.rint(np.random.default_rng(3).normal(12, 3, (SIDE, SIDE))).clip(1, 24)
    ground += np.rint(np.linspace(0, 12, SIDE))
    assert accepted(write(tmp_path / "a.tif", ground.astype("int16"), crs="EPSG:4326"))

"""Good, odd and hostile rasters: each one is taken, or refused with its reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from tasks.acquire.common.declared.vertical import Vertical
from tasks.acquire.common.inspect import inspect
from tasks.acquire.common.source import Refusal
from tests.acquire.rasters import hills, write


def refusal(path: Path, layers: tuple[str, ...] = ("height",), max_pixels: int = 10**8, **override: object) -> str:
    with pytest.raises(Refusal) as told:
        inspect(path, layers, override, max_pixels)  # type: ignore[arg-type]
    assert str(path.parent) not in str(told.value)
    return str(told.value)


def accepted(path: Path, layers: tuple[str, ...] = ("height",), **override: object):
    return inspect(path, layers, override, 10**8)  # type: ignore[arg-type]


def with_values(path: Path, value: float, count: int = 60, dtype: str = "int16", **changes: object) -> Path:
    """Hills in which a block of pixels holds another value."""
    array = hills().astype(dtype)
    array.ravel()[:count] = value
    return write(path, array, **changes)


def test_a_plain_raster_is_taken(tmp_path):
    found = accepted(write(tmp_path / "a.tif", hills(), nodata=-32768))
    assert found.layer == "height" and found.nodata == -32768
    assert (found.west, found.north) == (8.0, 47.0)
    assert rasterio.crs.CRS.from_wkt(found.crs).to_epsg() == 4326


@pytest.mark.parametrize("dtype", ["int16", "int32", "float32", "float64"])
@pytest.mark.parametrize("code", [-9999, -999, -32767])
def test_an_undeclared_void_code_is_refused_and_an_override_heals_it(tmp_path, dtype, code):
    path = with_values(tmp_path / "a.tif", code, dtype=dtype)
    reason = refusal(path)
    assert f"60 pixels hold {code}" in reason and "no void code is declared" in reason
    assert accepted(path, nodata=float(code)).nodata == code


def test_another_code_than_the_declared_one(tmp_path):
    reason = refusal(with_values(tmp_path / "a.tif", -999, nodata=-9999))
    assert "hold -999" in reason and "-9999 and never occurs" in reason


def test_an_unknown_code_far_from_the_ground(tmp_path):
    path = write(tmp_path / "b.tif", np.where(np.arange(2000).reshape(40, 50) < 90, 0, hills(low=1900, high=2600)))
    assert "90 pixels hold 0" in refusal(path) and "far from every other height" in refusal(path)
    assert accepted(path, trust=True).nodata is None


def test_a_depth_of_999_m_is_a_height_where_others_lie_around_it(tmp_path):
    accepted(write(tmp_path / "sea.tif", hills(200, 200, low=-3000, high=1500)))


def test_but_not_where_it_stands_out(tmp_path):
    array = hills(200, 200, low=-3000, high=1500)
    array[:50] = -999
    assert "hold -999" in refusal(write(tmp_path / "sea.tif", array))


@pytest.mark.parametrize("value", [40_000.0, -3.4e38, 1e20, np.inf])
def test_no_height_on_earth(tmp_path, value):
    assert "60 pixels" in refusal(with_values(tmp_path / "a.tif", value, dtype="float32"))


def test_zero_is_a_height(tmp_path):
    sea = np.maximum(hills(low=-400, high=600), 0)
    assert accepted(write(tmp_path / "coast.tif", sea)).nodata is None
    assert accepted(write(tmp_path / "ocean.tif", np.zeros((40, 40), np.int16))).layer == "height"
    path = write(tmp_path / "holes.tif", sea, nodata=0)
    assert "0 is a height too (the sea)" in refusal(path)
    assert accepted(path, nodata=None).nodata is None  # an override of null counts too
    assert accepted(path, nodata=0.0).nodata == 0


def test_a_declared_code_amid_the_heights(tmp_path):
    reason = refusal(write(tmp_path / "a.tif", hills(), nodata=550))
    assert "declared void code 550" in reason and "it is a height too" in reason


def test_a_declared_code_that_never_occurs_harms_nobody(tmp_path):
    assert accepted(write(tmp_path / "a.tif", hills(low=1900, high=2600), nodata=0)).nodata == 0


@pytest.mark.parametrize("fill", [np.nan, -9999.0])
def test_void_everywhere(tmp_path, fill):
    path = write(tmp_path / "a.tif", np.full((30, 30), fill, np.float32), nodata=fill)
    assert refusal(path) == "void everywhere"


def test_nan_amid_heights_is_void(tmp_path):
    accepted(with_values(tmp_path / "a.tif", np.nan, dtype="float32"))


def test_place_on_earth(tmp_path):
    array = hills()
    assert "no CRS" in refusal(write(tmp_path / "none.tif", array, crs=None))
    local = 'LOCAL_CS["unnamed",UNIT["metre",1]]'
    assert "LOCAL_CS" in refusal(write(tmp_path / "local.tif", array, crs=local))
    assert "nothing says where" in refusal(write(tmp_path / "i.tif", array, transform=Affine.identity()))
    metres = Affine(30, 0, 5e5, 0, -30, 5e6)
    assert "the CRS is wrong" in refusal(write(tmp_path / "wrong.tif", array, transform=metres))
    assert accepted(write(tmp_path / "utm.tif", array, transform=metres), crs="EPSG:32632").west == pytest.approx(9)
    assert "is none" in refusal(write(tmp_path / "b.tif", array), crs="EPSG:nonsense")


def test_both_reasons_are_told(tmp_path):
    reason = refusal(with_values(tmp_path / "a.tif", -9999, crs=None))
    assert "no CRS" in reason and "-9999" in reason


def test_footprints(tmp_path):
    across = write(tmp_path / "a.tif", hills(), transform=Affine(0.1, 0, 178, 0, -0.1, -16))
    found = accepted(across)
    assert (found.west, found.east) == pytest.approx((178, -177))
    polar = Affine(5000, 0, -2e5, 0, -5000, 2e5)
    found = accepted(write(tmp_path / "p.tif", hills(80, 80), crs="EPSG:3031", transform=polar))
    assert (found.west, found.south, found.east) == (-180, -90, 180) and -88 < found.north < -86
    world = write(tmp_path / "w.tif", hills(181, 361), transform=Affine(1, 0, -180.5, 0, -1, 90.5))
    assert accepted(world).west == -180 and accepted(world).north == 90


def test_units(tmp_path):
    path = write(tmp_path / "feet.tif", hills())
    with rasterio.open(path, "r+") as dataset:
        dataset.units = ("ft",)
    assert accepted(path).vertical == Vertical(0.3048)
    with rasterio.open(path, "r+") as dataset:
        dataset.units, dataset.scales = ("km",), (0.001,)
    assert accepted(path).vertical.plain  # a thousandth of a kilometre is a metre


def test_pictures(tmp_path):
    rgb = np.stack([hills().astype(np.uint8)] * 3)
    picture = write(tmp_path / "rgb.tif", rgb, photometric="RGB")
    assert "a picture" in refusal(picture)
    assert accepted(picture, ("height", "color")).layer == "color"
    photograph = write(tmp_path / "photo.tif", rgb, photometric="RGB", crs=None, transform=Affine.identity())
    assert "a picture" in refusal(photograph)
    assert "no CRS" in refusal(photograph, ("height", "color"))
    assert accepted(photograph, ("color",)).crs is None
    assert "grey picture" in refusal(write(tmp_path / "grey.tif", rgb[0]))
    assert "2 bands" in refusal(write(tmp_path / "two.tif", np.stack([hills()] * 2)))
    assert "heights or another measure" in refusal(write(tmp_path / "h.tif", hills()), ("color",))


def test_voids_in_a_mask_need_no_code(tmp_path):
    path = with_values(tmp_path / "a.tif", -9999, count=250)
    assert "-9999" in refusal(path)
    mask = np.full((40, 50), 255, np.uint8)
    mask[:5] = 0
    with rasterio.open(path, "r+") as dataset:
        dataset.write_mask(mask)
    assert accepted(path).layer == "height"
    with rasterio.open(path, "r+") as dataset:
        dataset.write_mask(np.zeros((40, 50), np.uint8))
    assert refusal(path) == "void everywhere"


def test_truncated_and_empty_files(tmp_path):
    whole = write(tmp_path / "whole.tif", np.random.default_rng(1).integers(0, 999, (300, 300)).astype(np.int16))
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "read to its end" in refusal(cut)
    (tmp_path / "empty.tif").write_bytes(b"")
    assert "read to its end" in refusal(tmp_path / "empty.tif")
    (tmp_path / "text.tif").write_text("<html>log in first</html>")
    assert "read to its end" in refusal(tmp_path / "text.tif")


def test_a_truncated_envi_file_is_not_read_as_zeros(tmp_path):
    path = write(tmp_path / "a.bil", hills(), driver="ENVI")
    accepted(path)
    path.write_bytes(path.read_bytes()[:-500])
    assert "cut short" in refusal(path)


def test_a_raster_that_claims_a_million_by_a_million(tmp_path):
    path = tmp_path / "vast.tif"
    with rasterio.open(
        path, "w", driver="GTiff", width=10**6, height=10**6, count=1, dtype="uint8", tiled=True, sparse_ok=True,
        crs="EPSG:4326", transform=Affine(1e-4, 0, 0, 0, -5e-5, 45), bigtiff="yes", blockxsize=4096, blockysize=4096,
    ):  # fmt: skip
        pass
    assert path.stat().st_size < 10**7
    assert "claims 1000000 × 1000000 pixels" in refusal(path)


def test_an_ascii_grid_that_claims_more_than_it_holds(tmp_path):
    path = tmp_path / "a.asc"
    path.write_text("ncols 1000000\nnrows 1000000\nxllcorner 0\nyllcorner 0\ncellsize 0.0001\n1 2 3\n")
    assert "claims" in refusal(path, crs="EPSG:4326")
    path.write_text("ncols 5\nnrows 5\nxllcorner 0\nyllcorner 0\ncellsize 0.1\n1 2 3\n")
    assert refusal(path, crs="EPSG:4326")


def test_one_pixel_and_one_huge_block(tmp_path):
    assert "1 × 1 pixels" in refusal(write(tmp_path / "one.tif", np.ones((1, 1), np.int16)))
    path = tmp_path / "strip.tif"
    size = {"width": 20000, "height": 20000, "blockysize": 20000}
    with rasterio.open(
        path, "w", driver="GTiff", count=1, dtype="int16", sparse_ok=True, crs="EPSG:4326", compress="deflate",
        transform=Affine(1e-3, 0, 0, 0, -1e-3, 45), **size,
    ):  # fmt: skip
        pass
    assert "one block" in refusal(path, max_pixels=10**9)


def test_a_virtual_raster_is_not_opened(tmp_path):
    write(tmp_path / "secret.tif", hills())
    (tmp_path / "a.tif").write_text(
        '<VRTDataset rasterXSize="50" rasterYSize="40"><VRTRasterBand dataType="Int16" band="1"><SimpleSource>'
        f"<SourceFilename>{tmp_path}/secret.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert "read to its end" in refusal(tmp_path / "a.tif")

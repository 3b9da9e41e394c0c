"""Every format gives back what went in: metres, pixel size and the way up."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tasks.errors import LandloomError
from tasks.generate.exports import encode, read_geotiff, read_png16, read_r16, write_geotiff, write_png16, write_r16
from tasks.generate.sample import preview, write_sample
from tasks.hashing import file_sha256

heights = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-12_000, 9_000, width=32, allow_subnormal=False),
)
FACTS = {"dataset": "toy", "model_md5": "0" * 32 + ".dir", "seed": 7, "index": 0, "steps": 2}


def slope() -> np.ndarray:
    """High in the north-west, low in the south-east, wider than tall: every mistaken flip shows."""
    rows, cols = np.mgrid[0:20, 0:30]
    return (1500 - 31 * rows - 17.3 * cols).astype(np.float32)


@given(heights)
def test_metres_come_back_within_half_a_step(height):
    coded = encode(height)
    # A part in 10^12 for the arithmetic itself.
    assert np.abs(coded.metres() - height.astype(np.float64)).max() <= coded.step / 2 + 1e-12 * 12_000
    assert coded.step <= (float(height.max()) - float(height.min())) / 65535


@settings(deadline=None)
@given(heights, st.floats(0.1, 1000))
def test_files_give_back_the_array(tmp_path_factory, height, gsd):
    folder = tmp_path_factory.mktemp("files")
    write_geotiff(folder / "a.tif", height, gsd, {})
    again, size = read_geotiff(folder / "a.tif")
    assert np.array_equal(again, height) and size == pytest.approx(gsd, rel=1e-12)
    codes = encode(height).codes
    write_png16(folder / "a.png", codes)
    write_r16(folder / "a.r16", codes)
    assert np.array_equal(read_png16(folder / "a.png"), codes)
    assert np.array_equal(read_r16(folder / "a.r16", codes.shape), codes)


def test_all_formats_are_the_same_way_up(tmp_path):
    height = slope()
    sidecar = write_sample(tmp_path, "t", height, 90.0, FACTS)
    low, step = sidecar["heightmap"]["low_m"], sidecar["heightmap"]["step_m"]
    for codes in (read_png16(tmp_path / "t.heightmap.png"), read_r16(tmp_path / "t.heightmap.r16", height.shape)):
        assert np.abs(low + codes * step - height).max() <= step / 2 + 1e-9
    assert (tmp_path / "t.heightmap.r16").read_bytes()[:2] == b"\xff\xff"  # the first pixel is the north-west one
    with rasterio.open(tmp_path / "t.tif") as source:
        assert source.xy(0, 0) == (45.0, 20 * 90.0 - 45.0)
        assert next(source.sample([(45.0, 20 * 90.0 - 45.0)]))[0] == height[0, 0]


def test_the_geotiff_says_metres_and_no_place(tmp_path):
    write_sample(tmp_path, "t", slope(), 30.0, FACTS)
    with rasterio.open(tmp_path / "t.tif") as source:
        assert source.crs.to_wkt().startswith(("LOCAL_CS", "ENGCRS"))
        assert "no place on Earth" in source.crs.to_wkt() and not source.crs.is_geographic
        assert (source.res, source.units, source.dtypes) == ((30.0, 30.0), ("m",), ("float32",))
        assert source.bounds == (0, 0, 900, 600)
        assert source.tags()["SEED"] == "7" and source.tags()["PLACE"] == "none: generated"


def test_a_flat_terrain_goes_through_all_formats(tmp_path):
    sidecar = write_sample(tmp_path, "t", np.full((8, 8), 431.25, np.float32), 10.0, FACTS)
    assert sidecar["heightmap"]["step_m"] == 0 and sidecar["heightmap"]["low_m"] == 431.25
    assert not read_png16(tmp_path / "t.heightmap.png").any()
    assert (encode(np.full((8, 8), 431.25, np.float32)).metres() == 431.25).all()


def test_the_sidecar_names_every_file_by_its_hash(tmp_path):
    sidecar = write_sample(tmp_path, "t", slope(), 90.0, FACTS)
    assert sidecar == json.loads((tmp_path / "t.json").read_text())
    names = {entry["name"] for entry in sidecar["files"].values()}
    assert names == {path.name for path in tmp_path.iterdir()} - {"t.json"}
    for entry in sidecar["files"].values():
        assert entry["sha256"] == file_sha256(tmp_path / entry["name"])
    assert {key: sidecar[key] for key in FACTS} == FACTS
    assert sidecar["gsd_m"] == 90.0 and sidecar["side_m"] == [1800.0, 2700.0]
    # Unreal: 65,535 codes at this Z scale must span the terrain's range (512 m at a scale of 100).
    assert sidecar["unreal"]["scale_z"] * 5.12 == pytest.approx(
        sidecar["height"]["high_m"] - sidecar["height"]["low_m"]
    )


def test_the_preview_is_drawn_from_the_exported_array(tmp_path):
    write_sample(tmp_path, "t", slope(), 90.0, FACTS)
    with Image.open(tmp_path / "t.png") as image:
        assert np.array_equal(np.asarray(image), preview(read_geotiff(tmp_path / "t.tif")[0], 90.0))
        assert image.size == (30 * 17, 20 * 17)


def test_heights_that_are_not_numbers_are_refused(tmp_path):
    height = slope()
    height[3, 4] = np.nan
    with pytest.raises(LandloomError, match="t: the model gave heights that are not numbers"):
        write_sample(tmp_path, "t", height, 90.0, FACTS)
    assert not list(tmp_path.iterdir())

"""Every raster format gives back what went in: metres, pixel size and the way up."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.core.hashing import file_sha256
from tasks.formats.tables.drawing import read_drawing
from tasks.generate.terrain.codes import encode, span
from tasks.generate.terrain.rasterfiles import (
    read_geotiff,
    read_png16,
    read_raw16,
    write_geotiff,
    write_png16,
    write_raw16,
)
from tasks.generate.write_sample import write_sample
from tests.generate.toys import ALL, CLASSES, FACTS, params, slope, terrain

heights = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-12_000, 9_000, width=32, allow_subnormal=False),
)


@given(heights, st.none() | st.tuples(st.floats(0, 500), st.floats(0, 500)))
def test_metres_come_back_within_half_a_step(height, around):
    own = span([height])
    over = own if around is None else type(own)(own.low - around[0], own.high + around[1])
    coded = encode(height, over)
    # A part in 10^12 for the arithmetic itself.
    assert np.abs(coded.metres() - height.astype(np.float64)).max() <= coded.step / 2 + 1e-12 * 12_000
    assert coded.low == over.low and coded.step == (over.high - over.low) / 65535


def test_terrains_with_one_range_have_equal_codes_for_equal_heights():
    low, high = np.float32([[0, 10]]), np.float32([[10, 4000]])
    over = span([low, high])
    assert over == (0, 4000)
    assert encode(low, over).codes[0, 1] == encode(high, over).codes[0, 0] != encode(low).codes[0, 1]
    with pytest.raises(ValueError, match="do not fit a range from 0.0 to 10.0 m"):
        encode(high, span([low]))


@settings(max_examples=50)
@given(heights, st.floats(0.1, 1000), st.sampled_from(["windows", "mac"]), st.booleans())
def test_files_give_back_the_array(tmp_path_factory, height, gsd, byte_order, flip):
    folder = tmp_path_factory.mktemp("files")
    write_geotiff(folder / "a.tif", height, gsd, {})
    again, size = read_geotiff(folder / "a.tif")
    assert np.array_equal(again, height) and size == pytest.approx(gsd, rel=1e-12)
    codes = encode(height).codes
    write_png16(folder / "a.png", codes)
    write_raw16(folder / "a.raw", codes, byte_order, flip)
    assert np.array_equal(read_png16(folder / "a.png"), codes)
    assert np.array_equal(read_raw16(folder / "a.raw", codes.shape, byte_order, flip), codes)


def test_the_bytes_of_a_raw_file(tmp_path):
    codes = np.uint16([[0x0102, 0x0304], [0x0506, 0x0708]])
    for byte_order, flip, expected in (
        ("windows", False, "0201040306050807"),
        ("mac", False, "0102030405060708"),
        ("windows", True, "0605080702010403"),
    ):
        write_raw16(tmp_path / "a.raw", codes, byte_order, flip)
        assert (tmp_path / "a.raw").read_bytes().hex() == expected


def test_all_formats_are_the_same_way_up(tmp_path):
    height = slope()
    sidecar = write_sample(tmp_path, terrain(height), params())
    low, step = sidecar["heightmap"]["low_m"], sidecar["heightmap"]["step_m"]
    for codes in (read_png16(tmp_path / "t.heightmap.png"), read_raw16(tmp_path / "t.heightmap.r16", height.shape)):
        assert np.abs(low + codes * step - height).max() <= step / 2 + 1e-9
    assert (tmp_path / "t.heightmap.r16").read_bytes()[:2] == b"\xff\xff"  # the first pixel is the north-west one
    with rasterio.open(tmp_path / "t.tif") as source:
        assert source.xy(0, 0) == (45.0, 20 * 90.0 - 45.0)
        assert next(source.sample([(45.0, 20 * 90.0 - 45.0)]))[0] == height[0, 0]


def test_the_geotiff_says_metres_and_no_place(tmp_path):
    write_sample(tmp_path, terrain(slope(), 30.0), params())
    with rasterio.open(tmp_path / "t.tif") as source:
        assert source.crs.to_wkt().startswith(("LOCAL_CS", "ENGCRS"))
        assert "no place on Earth" in source.crs.to_wkt() and not source.crs.is_geographic
        assert (source.res, source.units, source.dtypes) == ((30.0, 30.0), ("m",), ("float32",))
        assert source.bounds == (0, 0, 900, 600)
        assert source.tags()["SEED"] == "7" and source.tags()["PLACE"] == "none: generated"


def test_a_flat_terrain_goes_through_all_formats(tmp_path):
    flat = np.full((8, 8), 431.25, np.float32)
    sidecar = write_sample(tmp_path, terrain(flat, 10.0), params(exports=ALL))
    assert sidecar["heightmap"]["step_m"] == 0 and sidecar["heightmap"]["low_m"] == 431.25
    assert not read_png16(tmp_path / "t.heightmap.png").any()
    assert (encode(flat).metres() == 431.25).all()
    assert sidecar["unreal"]["scale_z"] > 0 and sidecar["unity"]["height_m"] > 0  # engines refuse nothing and zero


def test_the_sidecar_names_every_file_by_its_hash(tmp_path):
    sidecar = write_sample(tmp_path, terrain(slope()), params(exports=ALL))
    assert sidecar == json.loads((tmp_path / "t.json").read_text())
    names = {entry["name"] for entry in sidecar["files"].values()}
    assert names == {path.name for path in tmp_path.iterdir()} - {"t.json"}
    for entry in sidecar["files"].values():
        assert entry["sha256"] == file_sha256(tmp_path / entry["name"])
    assert {key: sidecar[key] for key in FACTS} == FACTS
    assert sidecar["gsd_m"] == 90.0 and sidecar["side_m"] == [1800.0, 2700.0]


def test_only_what_was_asked_for_is_made(tmp_path):
    sidecar = write_sample(tmp_path, terrain(slope()), params(exports=["stl"]))
    assert set(sidecar["files"]) == {"png", "stl"} and "unity" not in sidecar
    assert {path.name for path in tmp_path.iterdir()} == {"t.png", "t.stl", "t.json"}


def test_the_same_terrain_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_sample(tmp_path / name, terrain(slope()), params(exports=ALL))
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_the_preview_is_drawn_from_the_exported_array(tmp_path):
    write_sample(tmp_path, terrain(slope()), params())
    with Image.open(tmp_path / "t.png") as image:
        assert np.array_equal(np.asarray(image), terrain(read_geotiff(tmp_path / "t.tif")[0]).preview())
        assert image.size == (30 * 17, 20 * 17)


def test_a_painting_comes_with_its_texture_its_drawing_and_a_preview_in_the_sun(tmp_path):
    rng = np.random.default_rng(0)
    texture, shaded = rng.integers(0, 255, (2, 20, 30, 3), np.uint8)
    labels = rng.integers(0, 3, (20, 30), np.uint8)
    classes = pd.DataFrame(CLASSES)
    painted = terrain(slope(), texture=texture, shaded=shaded, labels=labels, classes=classes)
    sidecar = write_sample(tmp_path, painted, params(exports=[]))
    assert set(sidecar["files"]) == {"png", "texture.png", "labels.png"}
    assert np.array_equal(np.asarray(Image.open(tmp_path / "t.texture.png")), texture)
    assert np.array_equal(read_drawing(tmp_path / "t.labels.png", classes).labels, labels)
    enlarged = Image.fromarray(shaded).resize((30 * 17, 20 * 17), Image.Resampling.BICUBIC)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "t.png")), np.asarray(enlarged))


def test_heights_that_are_not_numbers_are_refused(tmp_path):
    height = slope()
    height[3, 4] = np.nan
    with pytest.raises(LandloomError, match="t: the model gave heights that are not numbers"):
        write_sample(tmp_path, terrain(height), params(exports=ALL))
    assert not list(tmp_path.iterdir())

"""Heightmaps for engines: sizes they take, and numbers that make metres again once the engine has scaled them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.core.errors import LandloomError
from tasks.core.settings import validate
from tasks.generate.exports.unity import SIZES as UNITY_SIZES
from tasks.generate.exports.unity import Settings as Unity
from tasks.generate.exports.unreal import SIZES as UNREAL_SIZES
from tasks.generate.exports.unreal import Settings as Unreal
from tasks.generate.params import Params, Scale
from tasks.generate.terrain.codes import span
from tasks.generate.terrain.engines import unity, unreal
from tasks.generate.terrain.rasterfiles import read_png16, read_raw16
from tasks.generate.terrain.resample import resample
from tasks.generate.write_sample import write_sample
from tests.generate.toys import ALL, SECTION, params, slope, terrain

ONE = Scale(horizontal=1, vertical=1)
NEXT = Unreal(size=None)
heights = arrays(
    np.float32, st.tuples(st.integers(1, 12), st.integers(1, 12)), elements=st.floats(-11_000, 9_000, width=32)
)


def test_the_sizes_are_those_of_the_engines():
    assert all((size - 1) % 126 == 0 or (size - 1) % 254 == 0 for size in UNREAL_SIZES)
    assert {505, 1009, 2017, 4033} <= set(UNREAL_SIZES)
    assert all((size - 1).bit_count() == 1 for size in UNITY_SIZES) and {513, 1025} <= set(UNITY_SIZES)


@settings(max_examples=40)
@given(heights, st.integers(1, 12), st.integers(1, 12))
def test_resampling_keeps_range_planes_and_what_needs_none(height, rows, cols):
    grid = resample(height, rows + 12, cols + 12)
    assert grid.shape == (rows + 12, cols + 12) and grid.dtype == np.float32
    assert grid.min() >= height.min() and grid.max() <= height.max()
    assert resample(height, *height.shape) is height
    if min(height.shape) > 1:
        corners = np.ix_([0, -1], [0, -1])
        assert np.allclose(grid[corners], height[corners], atol=1e-2)


@pytest.mark.parametrize("size", [(41, 33), (200, 127), (12, 9)])
def test_a_plane_stays_that_plane(size):
    y, x = np.mgrid[0:1:40j, 0:1:30j]
    expected = np.add.outer(700 * np.linspace(0, 1, size[0]), -300 * np.linspace(0, 1, size[1]))
    got = resample((700 * y - 300 * x).astype(np.float32), *size)
    assert np.abs(got - expected).max() < (0.01 if size[0] > 40 else 5)  # a wide kernel is nearly linear


def test_shrinking_averages_instead_of_picking():
    checks = (np.indices((65, 65)).sum(axis=0) % 2 * 1000).astype(np.float32)
    assert np.abs(resample(checks, 17, 17)[2:-2, 2:-2] - 500).max() < 60


@settings(max_examples=25)
@given(heights, st.floats(0.5, 20_000), st.floats(0.1, 10), st.floats(0.1, 50))
def test_unreal_gets_metres_back(height, gsd, horizontal, vertical):
    coded, facts = unreal(height, gsd, NEXT, Scale(horizontal=horizontal, vertical=vertical), None)
    assert coded.codes.shape == (facts["rows"], facts["cols"]) and set(coded.codes.shape) <= set(UNREAL_SIZES)
    # What the engine does: (code - 32768) / 128 centimetres at a Z scale of 1, above the actor's own height.
    metres = ((coded.codes - 32768.0) / 128 * facts["scale_z"] + facts["location_z_cm"]) / 100
    expected = resample(height, *coded.codes.shape) * np.float64(vertical)
    assert np.abs(metres - expected).max() <= coded.step / 2 * vertical + 1e-6
    assert facts["scale_x"] * (facts["cols"] - 1) / 100 == pytest.approx((height.shape[1] - 1) * gsd * horizontal)
    assert facts["scale_y"] * (facts["rows"] - 1) / 100 == pytest.approx((height.shape[0] - 1) * gsd * horizontal)


@settings(max_examples=25)
@given(heights, st.floats(0.5, 20_000), st.floats(0.1, 50))
def test_unity_gets_metres_back(height, gsd, vertical):
    preset = Unity(size=65, byte_order="windows", flip=True)
    coded, facts = unity(height, gsd, preset, Scale(horizontal=2, vertical=vertical), None)
    metres = coded.codes / 65535 * facts["height_m"] + facts["position_y_m"]
    assert np.abs(metres - resample(height, 65, 65) * np.float64(vertical)).max() <= coded.step / 2 * vertical + 1e-6
    assert facts["width_m"] == pytest.approx((height.shape[1] - 1) * gsd * 2)
    assert facts["length_m"] == pytest.approx((height.shape[0] - 1) * gsd * 2)


def test_sides_take_the_next_size_and_oblong_terrains_one_for_each():
    for side, size in ((64, 127), (127, 127), (128, 253), (256, 505), (1009, 1009)):
        assert unreal(np.zeros((side, side), np.float32), 1, NEXT, ONE, None)[1]["rows"] == size
    facts = unreal(np.zeros((300, 600), np.float32), 1, NEXT, ONE, None)[1]
    assert (facts["rows"], facts["cols"]) == (505, 1009)
    assert unreal(np.zeros((64, 64), np.float32), 1, Unreal(size=505), ONE, None)[1]["rows"] == 505
    preset = Unity(size=None, byte_order="mac", flip=False)
    assert unity(np.zeros((64, 64), np.float32), 1, preset, ONE, None)[1]["resolution"] == 65


def test_the_files_hold_those_codes_the_right_way_up(tmp_path):
    height = slope()
    for number, (byte_order, flip) in enumerate([("windows", True), ("mac", False)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        chosen = params(
            exports=["unreal", "unity"], settings={"unity": {"size": 33, "byte_order": byte_order, "flip": flip}}
        )
        sidecar = write_sample(folder, terrain(height), chosen)
        codes = unreal(height, 90.0, NEXT, ONE, None)[0].codes
        assert np.array_equal(read_png16(folder / "t.unreal.png"), codes)
        assert np.array_equal(read_raw16(folder / "t.unreal.r16", codes.shape), codes)
        assert codes[0, 0] == 65535 and codes[-1, -1] == 0  # north-west first
        raw = np.frombuffer((folder / "t.unity.raw").read_bytes(), "<u2" if byte_order == "windows" else ">u2")
        raw = raw.reshape(33, 33)
        assert raw[-1, 0] == 65535 if flip else raw[0, 0] == 65535
        assert ("south" in sidecar["unity"]["row_order"]) == flip and sidecar["unity"]["byte_order"] == byte_order


def test_a_shared_range_is_in_the_codes_and_in_the_sidecar(tmp_path):
    low, high = slope() - 2000, slope()
    over = span([low, high])
    chosen = params(exports=["heightmap", "unreal", "unity"], shared_range=True)
    for name, height in (("low", low), ("high", high)):
        (tmp_path / name).mkdir()
        sidecar = write_sample(tmp_path / name, terrain(height), chosen, over)
        assert sidecar["range"].startswith("shared")
        for export in ("heightmap", "unreal", "unity"):
            assert sidecar[export]["low_m"] == over.low
            assert sidecar[export]["step_m"] == (over.high - over.low) / 65535
        codes = read_png16(tmp_path / name / "t.heightmap.png")
        step = sidecar["heightmap"]["step_m"]
        assert np.abs(over.low + codes * step - height).max() <= step / 2 + 1e-9


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings": {"unreal": {"size": 512}}}, "generate.settings.unreal.size: input should be 127, 253, 505"),
        ({"settings": {"unity": {"size": 512}}}, "generate.settings.unity.size: .*513"),
        ({"settings": {"stl": {"side": 1}}}, "generate.settings.stl.side: unknown key"),
        ({"settings": {"fbx": {}}}, "generate.settings: there is no export 'fbx'"),
        ({"exports": ["obj", "fbx"]}, "generate.exports: there is no export 'fbx'; there are geotiff, glb"),
        ({"exports": ["obj", "obj"]}, "named twice"),
        ({"count": 200, "exports": ALL}, "200 samples of up to 15 files each are more than 1990 files; lower count"),
        ({"scale": {"horizontal": 0.0, "vertical": 1.0}}, "generate.scale.horizontal"),
    ],
)
def test_settings_that_no_engine_takes_are_refused_by_name(changes, said):
    with pytest.raises(LandloomError, match=said):
        validate(Params, {**SECTION, **changes}, "datasets.toy.generate")

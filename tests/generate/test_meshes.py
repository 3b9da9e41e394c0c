"""Meshes read back by other readers: metres, orientation, first face, texture, and blocks that hold water."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.core.errors import LandloomError
from tasks.generate.exports.stl import Settings as Stl
from tasks.generate.params import Mesh, Scale
from tasks.generate.terrain.mesh import block, surface
from tasks.generate.terrain.meshfiles import write_stl
from tasks.generate.write_sample import write_sample
from tests.generate.readers import read_gltf, read_obj, read_stl
from tests.generate.toys import FACTS, marked, params, slope, terrain

ONE, ALL_PX, PRINT = Scale(horizontal=1, vertical=1), Mesh(max_px=1025), Stl(side_mm=120, base_mm=3)
heights = arrays(
    np.float32,
    st.tuples(st.integers(2, 9), st.integers(2, 9)),
    elements=st.floats(-12_000, 9_000, width=32, allow_subnormal=False),
)


def ground(height: np.ndarray, gsd: float) -> np.ndarray:
    """Where each pixel's centre lies with y up: (H, W, 3), from the definition of a raster."""
    rows, cols = np.indices(height.shape)
    return np.stack([(cols + 0.5) * gsd, height, -(height.shape[0] - 0.5 - rows) * gsd], axis=-1)


def upward(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    return np.cross(b - a, c - a)


@settings(max_examples=15)
@given(heights, st.floats(0.1, 20_000))
def test_obj_and_glb_give_back_every_height_in_its_place(tmp_path_factory, height, gsd):
    folder = tmp_path_factory.mktemp("mesh")
    write_sample(folder, terrain(height, gsd, texture=marked(height.shape)), params(exports=["obj", "glb"]))
    expected = ground(height, gsd).reshape(-1, 3)
    obj, glb = read_obj(folder / "t.obj"), read_gltf(folder / "t.glb")
    assert np.abs(obj["v"] - expected).max() <= 1e-8 + 1e-12 * np.abs(expected).max()  # eight decimals
    assert np.array_equal(glb["positions"][:, 1], height.ravel())  # to the bit
    assert np.allclose(glb["positions"], expected, rtol=1e-6)
    quads = 2 * (height.shape[0] - 1) * (height.shape[1] - 1)
    for vertices, faces in ((obj["v"], obj["f"][..., 0]), (glb["positions"], glb["faces"])):
        assert len(faces) == quads and (upward(vertices, faces)[:, 1] > 0).all()
    for normals in (obj["vn"], glb["normals"]):
        assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-4) and (normals[:, 1] > 0).all()


def test_the_lines_of_an_obj(tmp_path):
    """No tab before v, vt and f, and nothing glued to the first face: each statement stands on its own line."""
    write_sample(tmp_path, terrain(np.float32([[3, 2], [1, 0]]), 10.0), params(exports=["obj"]))
    text = (tmp_path / "t.obj").read_text()
    assert "\t" not in text and text.endswith("\n") and not text.endswith("\n\n")
    lines = [line for line in text.splitlines() if not line.startswith(("#", "vn"))]
    assert lines == [
        "mtllib t.mtl",
        "usemtl t.texture",
        "v 5.00000000 3.00000000 -15.00000000",
        "v 15.00000000 2.00000000 -15.00000000",
        "v 5.00000000 1.00000000 -5.00000000",
        "v 15.00000000 0.00000000 -5.00000000",
        "vt 0.25000000 0.75000000",
        "vt 0.75000000 0.75000000",
        "vt 0.25000000 0.25000000",
        "vt 0.75000000 0.25000000",
        "f 1/1/1 3/3/3 2/2/2",
        "f 2/2/2 3/3/3 4/4/4",
    ]
    mtl = [line for line in (tmp_path / "t.mtl").read_text().splitlines() if line and not line.startswith("#")]
    assert mtl[0] == "newmtl t.texture" and mtl[-1] == "map_Kd t.texture.png"


def test_the_texture_lies_the_right_way_round(tmp_path):
    height = slope()
    write_sample(tmp_path, terrain(height, texture=marked(height.shape)), params(exports=["obj", "glb"]))
    obj, glb = read_obj(tmp_path / "t.obj"), read_gltf(tmp_path / "t.glb")
    material = obj["mtl"][obj["usemtl"][0]]
    assert material["Kd"] == [1, 1, 1] and "d" not in material
    assert glb["sampler"]["wrapS"] == glb["sampler"]["wrapT"] == 33071  # clamped
    assert glb["material"]["metallicFactor"] == 0
    found = []
    for vertices, uv, picture, down in (
        (obj["v"], obj["vt"], material["picture"], False),  # OBJ counts v from the picture's foot
        (glb["positions"], glb["uv"], glb["texture"], True),  # glTF from its top
    ):
        rows, cols = picture.shape[:2]
        v = uv[:, 1] if down else 1 - uv[:, 1]
        colors = picture[(v * rows).astype(int), (uv[:, 0] * cols).astype(int)]
        west, north = vertices[:, 0] == vertices[:, 0].min(), vertices[:, 2] == vertices[:, 2].min()
        assert vertices[west & north, 1] == height[0, 0]
        assert colors[west & north].tolist() == [[255, 0, 0]]
        assert colors[~west & north][-1].tolist() == [0, 255, 0] and colors[west & ~north][-1].tolist() == [0, 0, 255]
        found.append(colors)
    assert np.array_equal(*found) and np.array_equal(found[0].reshape(20, 30, 3), marked((20, 30)))


def test_obj_points_at_the_vertices_of_its_coordinates(tmp_path):
    write_sample(tmp_path, terrain(slope()), params(exports=["obj"]))
    obj = read_obj(tmp_path / "t.obj")
    assert obj["f"].min() == 0 and obj["f"].max() == len(obj["v"]) - 1 == len(obj["vt"]) - 1
    assert (obj["f"] == obj["f"][..., :1]).all()


def test_scales_are_apart(tmp_path):
    height = slope()
    options = {"exports": ["glb", "obj"], "scale": {"horizontal": 0.01, "vertical": 0.05}}
    sidecar = write_sample(tmp_path, terrain(height), params(**options))
    expected = ground(height, 90.0).reshape(-1, 3) * [0.01, 0.05, 0.01]
    assert np.allclose(read_gltf(tmp_path / "t.glb")["positions"], expected, rtol=1e-6)
    assert np.allclose(read_obj(tmp_path / "t.obj")["v"], expected, atol=1e-8)
    assert sidecar["scale"] == {"horizontal": 0.01, "vertical": 0.05}
    extras = read_gltf(tmp_path / "t.glb")["tree"]["asset"]["extras"]
    assert extras["gsd_m"] == 90.0 and extras["scale"] == sidecar["scale"] and extras["seed"] == FACTS["seed"]


def test_large_terrains_are_thinned_over_the_same_ground():
    rows, cols = np.mgrid[0:81, 0:41]
    plane = (3.0 * rows - 2.0 * cols).astype(np.float32)
    thin, whole = surface(plane, 30.0, ONE, Mesh(max_px=21)), surface(plane, 30.0, ONE, ALL_PX)
    assert len(thin.vertices) == 21 * 11 and len(whole.vertices) == 81 * 41
    for ends in (np.min, np.max):
        assert np.allclose(ends(thin.vertices, axis=0), ends(whole.vertices, axis=0), atol=1e-3)
    assert np.allclose(thin.uv[0], whole.uv[0]) and np.allclose(thin.uv[-1], whole.uv[-1])


@settings(max_examples=30)
@given(heights, st.floats(0.1, 20_000), st.sampled_from([1.0, 30.0]))
def test_blocks_are_closed_and_face_outwards(tmp_path_factory, height, gsd, vertical):
    path = tmp_path_factory.mktemp("stl") / "t.stl"
    solid, metres = block(height, gsd, Scale(horizontal=1, vertical=vertical), ALL_PX, PRINT)
    write_stl(path, solid)
    corners, normals = read_stl(path)
    assert closed(corners)
    a, b, c = corners.astype(np.float64).transpose(1, 0, 2)
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    low = corners.reshape(-1, 3).min(axis=0)
    high = corners.reshape(-1, 3).max(axis=0)
    assert np.allclose(low, 0, atol=1e-5) and max(high[:2]) == pytest.approx(120, rel=1e-5)
    # The base is a plain box, and the terrain only adds to it.
    assert volume >= 3.0 * high[0] * high[1] * (1 - 1e-5)
    computed = np.cross(b - a, c - a)
    large = np.linalg.norm(computed, axis=1) > 1e-3
    unit = computed[large] / np.linalg.norm(computed[large], axis=1, keepdims=True)
    assert np.allclose(unit, normals[large], atol=1e-2)
    top = 2 * (height.shape[0] - 1) * (height.shape[1] - 1)
    assert (normals[:top, 2] > 0).all()
    lowest = corners[:top].reshape(-1, 3)[:, 2].min()
    assert lowest == pytest.approx(3.0, rel=1e-5)
    span = float(height.max()) - float(height.min())
    assert high[2] - 3.0 == pytest.approx(span * vertical / metres, rel=1e-3, abs=1e-4)


def closed(corners: np.ndarray) -> bool:
    """Every edge belongs to two triangles, which run along it in opposite directions."""
    keys = [tuple(corner) for corner in corners.reshape(-1, 3).tolist()]
    directed = Counter()
    for a, b, c in zip(keys[::3], keys[1::3], keys[2::3], strict=True):
        directed.update([(a, b), (b, c), (c, a)])
    return all(count == 1 and directed[edge[::-1]] == 1 for edge, count in directed.items())


def test_what_is_not_closed_is_told_from_what_is():
    solid, _ = block(slope(), 90.0, ONE, ALL_PX, PRINT)
    corners = solid.vertices[solid.faces]
    assert (
        closed(corners) and not closed(corners[:-1]) and not closed(np.concatenate([corners[:-1], corners[-1:, ::-1]]))
    )


def test_a_block_has_the_terrain_on_top_the_north_in_the_north(tmp_path):
    height = slope()
    sidecar = write_sample(tmp_path, terrain(height), params(exports=["stl"]))
    corners, _ = read_stl(tmp_path / "t.stl")
    vertices = np.unique(corners.reshape(-1, 3), axis=0)
    facts = sidecar["stl"]
    west, north = vertices[:, 0] == 0, vertices[:, 1] == vertices[:, 1].max()
    peak = vertices[west & north][:, 2].max()
    relief = float(height.max() - height.min())
    assert peak == vertices[:, 2].max() == pytest.approx(3 + relief * facts["mm_per_m_vertical"], rel=1e-5)
    assert vertices[:, 0].max() == pytest.approx(120) and vertices[:, 0].max() / 29 == pytest.approx(
        90 * facts["mm_per_m_horizontal"]
    )


@pytest.mark.parametrize("shape", [(1, 8), (8, 1), (1, 1)])
def test_terrains_one_pixel_wide_have_no_mesh_but_rasters(tmp_path, shape):
    height = np.zeros(shape, np.float32)
    with pytest.raises(LandloomError, match="have no surface; leave glb out of generate.exports"):
        write_sample(tmp_path, terrain(height), params(exports=["glb"]))
    with pytest.raises(LandloomError, match="no surface"):
        surface(height, 1.0, ONE, ALL_PX)
    assert not list(tmp_path.iterdir())
    write_sample(tmp_path, terrain(height), params(exports=["geotiff", "heightmap", "unreal", "unity"]))


def test_a_terrain_without_texture_wears_the_tints_of_its_heights(tmp_path):
    write_sample(tmp_path, terrain(slope()), params(exports=["glb"]))
    texture = read_gltf(tmp_path / "t.glb")["texture"]
    assert texture.shape == (20, 30, 3) and len(np.unique(texture.reshape(-1, 3), axis=0)) > 100
    assert np.array_equal(np.unique(texture[slope() == slope()[5, 5]], axis=0), texture[5, 5][None])

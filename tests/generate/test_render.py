"""The preview in 3D is drawn from the file, and what lies in the north-west of the terrain is in its place there."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.generate.terrain.glb import read_glb
from tasks.generate.terrain.render import SKY, Camera, render
from tasks.generate.write_sample import write_sample
from tests.generate.readers import read_gltf
from tests.generate.toys import params, slope, terrain


def quarters(shape: tuple[int, int]) -> np.ndarray:
    """Red in the north-west, green in the north-east, blue in the south-west, white in the south-east."""
    rows, cols = np.indices(shape)
    south, east = rows >= shape[0] // 2, cols >= shape[1] // 2
    colors = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]], np.uint8)
    return colors[2 * south + east]


def glb(tmp_path, height, gsd=90.0):
    write_sample(tmp_path, terrain(height, gsd, texture=quarters(height.shape)), params(exports=["glb"]))
    return tmp_path / "t.glb"


def test_both_readers_find_the_same_in_a_file(tmp_path):
    path = glb(tmp_path, slope())
    ours, theirs = read_glb(path), read_gltf(path)
    for key in ("positions", "normals", "uv", "faces", "texture"):
        assert np.array_equal(getattr(ours, key), theirs[key])
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="not a whole GLB"):
        read_glb(path)


def test_seen_from_above_it_is_the_texture_with_the_north_at_the_top(tmp_path):
    picture = render(read_glb(glb(tmp_path, np.zeros((32, 48), np.float32))), 240, Camera(180.0, 89.99))
    assert picture.shape[1] == 240 and picture.shape[0] == pytest.approx(160, abs=6)
    rows, cols = picture.shape[:2]
    at = picture[[rows // 4, rows // 4, 3 * rows // 4, 3 * rows // 4], [cols // 4, 3 * cols // 4] * 2]
    assert at.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]  # level ground keeps its colours
    assert picture[0, 0].tolist() == list(SKY)


def test_seen_from_the_south_west_the_north_is_behind_and_the_east_to_the_right(tmp_path):
    picture = render(read_glb(glb(tmp_path, np.zeros((32, 32), np.float32))), 240).astype(int)
    where = {}
    for name, color in {"nw": (255, 0, 0), "ne": (0, 255, 0), "sw": (0, 0, 255)}.items():
        where[name] = np.argwhere((picture == color).all(axis=-1)).mean(axis=0)
    assert where["nw"][0] < where["sw"][0] and where["nw"][1] < where["ne"][1] and where["ne"][0] < where["sw"][0]


def test_hills_hide_what_is_behind_them_and_are_lit_from_the_north_west(tmp_path):
    height = np.zeros((33, 33), np.float32)
    height[16, :] = 3000.0  # a wall from west to east
    mesh = read_glb(glb(tmp_path, height))
    seen = render(mesh, 240, Camera(180.0, 20.0)).astype(int)
    red = ((seen[..., 0] > seen[..., 2] + 60) & (seen[..., 1] < 60)).sum()
    blue = ((seen[..., 2] > seen[..., 0] + 60) & (seen[..., 1] < 60)).sum()
    assert blue > 5 * max(red, 1)  # the northern half is behind the wall
    above = render(mesh._replace(texture=np.full((2, 2, 3), 128, np.uint8)), 240, Camera(180.0, 89.99)).astype(float)
    ground = above.mean(axis=2)[:, 100:140].mean(axis=1)
    middle = len(ground) // 2
    assert ground[middle - 4 : middle - 1].mean() > ground[middle + 2 : middle + 5].mean() + 20

"""Tiles for maps in a browser hold the heights of the world, at every zoom."""

from __future__ import annotations

import json

import numpy as np
import rasterio
from PIL import Image

from tasks.generate.world.tiles import codes, heights
from tests.generate.world.test_command import ask


def test_a_height_comes_back_within_half_a_step():
    some = np.linspace(-9999, 8848, 20_001).reshape(1, -1)
    assert np.abs(heights(codes(some)) - some).max() <= 0.0501
    assert heights(np.array([[[1, 134, 160]]], np.uint8))[0, 0] == 0.0  # the example of Mapbox's page: sea level


def test_tiles_hold_the_world_at_every_zoom(checkout, tmp_path):
    folder = ask(checkout, "--world", "300x260", "--steps", "1", "--tiles", "--out", str(tmp_path / "w"))
    tiles, facts = folder / "world-tiles", json.loads((folder / "world.json").read_text())["terrain_rgb"]
    about = json.loads((tiles / "tiles.json").read_text())
    assert (about["minzoom"], about["maxzoom"]) == (10, 11) == (facts["minzoom"], facts["maxzoom"])
    found = sorted(path.relative_to(tiles).as_posix() for path in tiles.rglob("*.png"))
    assert found == ["10/512/512.png", *(f"11/{x}/{y}.png" for x in (1024, 1025) for y in (1024, 1025))]
    with rasterio.open(folder / "world.tif") as source:
        whole = source.read(1)
    first, last = (heights(np.asarray(Image.open(tiles / "11" / name))) for name in ("1024/1024.png", "1025/1025.png"))
    assert np.abs(first - whole[:256, :256]).max() <= 0.051
    assert np.abs(last[:4, :44] - whole[256:, 256:]).max() <= 0.051 and (last[4:] == last[3]).all()
    coarse = heights(np.asarray(Image.open(tiles / "10/512/512.png")))[:130, :150]
    means = whole.reshape(130, 2, 150, 2).mean(axis=(1, 3))
    assert np.abs(coarse - means).max() <= 0.06
    east, south = about["bounds"][2], about["bounds"][1]
    assert abs(east / (300 * 360 / (256 * 2**11)) - 1) < 1e-9 and -0.19 < south < -0.17

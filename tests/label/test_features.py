"""Features depend on the ground and not on its light; a window has the same ones as the whole scene."""

from __future__ import annotations

import numpy as np
import pytest
from affine import Affine

from tasks.formats.tables.scenes import SceneReader, read_scenes, write_layer
from tasks.label.features import feature_names, features
from tasks.label.light import NO_LIGHT, fit_light, flatten, lightness
from tasks.label.params import Features
from tasks.label.views import Views, fill
from tasks.relief.shade.hillshade import hillshade
from tests.label.small import CLUSTER, GSD, SIDE, grow, world

RADII = (2, 5)


@pytest.mark.parametrize("layers", [("height",), ("color",), ("height", "color")])
def test_every_plane_has_a_name(layers):
    _, height, color = world(0)
    light = lightness(color[:3]) if "color" in layers else None
    planes = features(
        height if "height" in layers else None, color[:3] if "color" in layers else None, light, GSD, RADII
    )
    assert len(planes) == len(feature_names(layers, RADII, light is not None))
    assert planes.dtype == np.float32 and np.isfinite(planes).all()


def test_light_changes_lightness_and_not_the_ratios():
    rng = np.random.default_rng(0)
    albedo = np.repeat(np.repeat(rng.uniform(80, 120, (3, 8, 8)), 8, axis=1), 8, axis=2)
    lit = [np.rint(albedo * light).astype(np.uint8) for light in (0.8, 1.6)]
    planes = [features(None, color, lightness(color), None, RADII) for color in lit]
    names = feature_names(("color",), RADII, True)
    for name, dim, bright in zip(names, *planes, strict=True):
        apart = np.abs(dim - bright).mean()
        if name == "lightness":
            assert apart > 60
        elif not name.startswith("texture"):
            assert apart < 0.25 * dim.std()


def test_the_light_is_found_and_taken_away():
    rng = np.random.default_rng(1)
    _, height, _ = world(3)
    shade = hillshade(height * 3, GSD, 315, 45)
    ground = np.repeat(np.repeat(rng.uniform(80, 180, (6, 6)), 16, axis=0), 16, axis=1).astype(np.float32)
    picture = ground * (0.4 + 0.6 / np.sin(np.radians(45)) * shade)
    light = fit_light(height, picture, GSD, 315, 45, 5)
    assert light.exaggeration == 3 and light.ambient == pytest.approx(0.4, abs=0.08)
    assert light.ambient + light.strength * np.sin(np.radians(45)) == pytest.approx(1)
    before, after = (
        abs(np.corrcoef((image / ground).ravel(), shade.ravel())[0, 1])
        for image in (picture, flatten(picture, height, GSD, light, 315, 45))
    )
    error = np.abs(flatten(picture, height, GSD, light, 315, 45) / ground - 1)
    assert before > 0.99 and after < before and error.mean() < 0.03 < np.abs(picture / ground - 1).mean()


def test_no_light_where_there_is_none_or_it_comes_from_elsewhere():
    _, height, _ = world(3)
    flat = np.full_like(height, 120)
    assert fit_light(height, flat, GSD, 315, 45, 5) == NO_LIGHT
    south_east = 120 * (0.5 + 0.5 * hillshade(height * 3, GSD, 135, 45))
    assert fit_light(height, south_east, GSD, 315, 45, 5) == NO_LIGHT


def test_a_window_sees_beyond_its_edges(tmp_path):
    grow(tmp_path, scenes=1)
    scenes = read_scenes(tmp_path / "scenes.parquet")
    settings = Features(**CLUSTER["features"])
    with SceneReader(tmp_path, scenes) as reader:
        views = Views(reader, scenes, ("height", "color"), settings)
        whole = views.look("scene0", 0, 0, SIDE, SIDE)
        part = views.look("scene0", 30, 41, 20, 33)
    np.testing.assert_allclose(part.planes, whole.planes[:, 30:50, 41:74], atol=1e-3)
    assert (part.color == whole.color[:, 30:50, 41:74]).all()


def test_voids_are_filled_from_what_is_near():
    plane = np.tile(np.arange(64, dtype=np.float32), (64, 1))
    known = np.ones((64, 64), bool)
    known[20:30, 20:30] = False
    filled = fill(np.where(known, plane, np.nan), known)
    assert np.abs(filled - plane).max() < 8 and (filled[known] == plane[known]).all()
    assert (fill(plane, np.zeros_like(known)) == 0).all()


def test_sea_floors_count_as_level_unless_wanted(tmp_path):
    grow(tmp_path, scenes=1)
    scenes = read_scenes(tmp_path / "scenes.parquet")
    _, height, _ = world(0)
    row = scenes.iloc[0]
    write_layer(tmp_path / row["height"], np.where(height == 0, -3000, height), row["crs"], Affine(*row["transform"]))
    lowest = []
    for floor in (0.0, None):
        settings = Features(**CLUSTER["features"] | {"floor_m": floor})
        with SceneReader(tmp_path, scenes) as reader:
            view = Views(reader, scenes, ("height", "color"), settings).look("scene0", 0, 0, SIDE, SIDE)
        lowest.append((view.height.min(), view.planes[0].min()))
    assert lowest[0] == (0, 0) and lowest[1] == (-3000, pytest.approx(-np.log1p(3000)))

"""Classes from colour alone: the roughness of lightness, names of land cover, and their colours on a map."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from tasks.label.features import feature_names, features
from tasks.label.legend import legend
from tasks.label.naming import OVERHEAD, SIGNATURES, conventional, propose
from tasks.label.traits import traits

RADII = (1, 3, 8)
COVER = {  # greenness, warmth, saturation, brightness, roughness, as measured on pictures from above
    "water": (0.02, -0.03, 0.15, 62, 0.04),
    "forest": (0.12, 0.02, 0.25, 64, 0.12),
    "meadow": (0.18, 0.04, 0.33, 118, 0.04),
    "ripe fields": (0.02, 0.10, 0.25, 165, 0.05),
    "bare soil": (-0.01, 0.11, 0.27, 118, 0.05),
    "built-up land": (0.0, 0.06, 0.18, 118, 0.27),
    "snow": (0.0, -0.01, 0.03, 235, 0.05),
    "roads": (0.0, 0.02, 0.07, 150, 0.10),
}


def table(names: list[str]) -> pd.DataFrame:
    rows = pd.DataFrame(
        [COVER[name] for name in names], columns=["greenness", "warmth", "saturation", "brightness", "roughness"]
    )
    return rows.assign(red=rows["brightness"], green=rows["brightness"], blue=rows["brightness"], pixels=10)


def test_land_cover_gets_its_name_from_colour_and_texture():
    assert propose(table(list(COVER))) == list(COVER)


@pytest.mark.parametrize("name", COVER)
def test_a_class_alone_gets_the_same_name(name):
    assert propose(table([name])) == [name]


def test_real_fields_are_neither_roads_nor_water():
    measured = {  # means of the classes of eight NAIP photographs of the prairie, in the order of `table`
        "green fields": (0.199, -0.015, 0.273, 94.1, 0.050),
        "dark crops": (0.144, -0.079, 0.292, 70.4, 0.041),
        "shores": (0.109, -0.021, 0.182, 93.6, 0.134),
        "stubble": (0.051, 0.016, 0.104, 130.7, 0.066),
        "bare fields": (0.030, 0.027, 0.087, 159.9, 0.034),
        "lakes": (-0.076, -0.083, 0.229, 45.5, 0.077),
    }
    columns = ["greenness", "warmth", "saturation", "brightness", "roughness"]
    rows = pd.DataFrame(measured.values(), index=range(len(measured)), columns=columns)
    rows = rows.assign(red=rows["brightness"], green=rows["brightness"], blue=rows["brightness"], pixels=10)
    found = dict(zip(measured, propose(rows), strict=True))
    assert [name for name, given in found.items() if given == "water"] == ["lakes"]
    assert found["bare fields"] == "pale grey" and found["stubble"] == "middle grey", (
        "no name is better than a wrong one"
    )
    assert {found["green fields"], found["dark crops"]} == {"meadow", "green fields"}


def test_names_have_the_colours_of_land_cover_maps():
    assert set(SIGNATURES) == set(OVERHEAD)
    assert conventional("forest") == conventional("forest 2") == SIGNATURES["forest"] and conventional("ice") is None
    found = legend(np.arange(8) % 8, table(list(COVER)))
    for one in found.classes:
        assert np.abs(np.subtract(one.color, SIGNATURES[one.name])).max() <= 64, one


def test_crowns_are_rough_and_a_field_of_the_same_colour_is_not():
    rng = np.random.default_rng(3)
    color = np.tile(np.array([60, 84, 52], np.float32)[:, None, None], (1, 48, 96))
    color[:, :, 48:] *= rng.uniform(0.6, 1.4, (1, 48, 48))
    planes = features(None, color.astype(np.uint8), None, None, RADII)
    names = feature_names(("color",), RADII, False)
    assert len(planes) == len(names)
    rough = planes[names.index("texture_light_3")]
    assert rough[10:-10, 8:38].max() < 1 and rough[10:-10, 58:88].min() > 2
    flat = planes.reshape(len(planes), -1).T
    labels = (np.arange(96) >= 48)[None].repeat(48, axis=0).ravel().astype(int)
    means = traits(flat, names, color.astype(np.uint8).reshape(3, -1).T, labels, 2)
    assert means["roughness"][0] < 0.05 < 0.15 < means["roughness"][1] < 0.4
    assert "roughness" not in traits(flat[:, :8], names[:8], color.astype(np.uint8).reshape(3, -1).T, labels, 2)


def test_heights_leave_the_features_as_they_are():
    assert not [name for name in feature_names(("height", "color"), RADII, True) if name.startswith("texture_light")]

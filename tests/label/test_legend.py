"""Names, colours, order, earlier classes and edits."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import LandloomError
from tasks.core.settings import validate
from tasks.label.classifier import Prototype
from tasks.label.legend import Legend, Named, edit, legend, match
from tasks.label.naming import propose
from tasks.label.palette import distance, spread
from tasks.label.params import Params
from tests.label.small import CLUSTER, SMOOTHING, copy

TABLE = pd.DataFrame(
    [  # desert, ice, sea, forest, as clusters come: in no order
        {
            "height": 700.0,
            "slope": 1.0,
            "relief": 90.0,
            "over": 0.0,
            "level": 0.0,
            "red": 190,
            "green": 165,
            "blue": 135,
        }
        | {"greenness": 0.01, "warmth": 0.11, "saturation": 0.29, "brightness": 163.0},
        {
            "height": 2000.0,
            "slope": 1.0,
            "relief": 80.0,
            "over": 10.0,
            "level": 0.0,
            "red": 225,
            "green": 231,
            "blue": 240,
        }
        | {"greenness": 0.0, "warmth": -0.02, "saturation": 0.06, "brightness": 232.0},
        {"height": 0.0, "slope": 0.0, "relief": 5.0, "over": -20.0, "level": 0.9, "red": 5, "green": 95, "blue": 152}
        | {"greenness": 0.13, "warmth": -0.58, "saturation": 0.97, "brightness": 84.0},
        {"height": 300.0, "slope": 2.0, "relief": 100.0, "over": 5.0, "level": 0.0, "red": 84, "green": 125, "blue": 89}
        | {"greenness": 0.26, "warmth": -0.02, "saturation": 0.33, "brightness": 99.0},
    ]
)
LABELS = np.repeat([0, 1, 2, 3], [10, 20, 30, 40])


def names(found: Legend) -> list[str]:
    return [one.name for one in found.classes]


def test_classes_are_ordered_by_height_and_named_by_what_they_are():
    found = legend(LABELS, TABLE)
    assert names(found) == ["sea", "forest", "desert", "ice"]
    assert [int((found.labels == number).sum()) for number in range(4)] == [30, 40, 10, 20]
    for one, other in itertools.combinations(found.classes, 2):
        assert distance(one.color, other.color) >= 40
    assert found.classes[0].color[2] > 120 > found.classes[0].color[0]  # the sea is blue


def test_every_name_is_given_once():
    alike = pd.concat([TABLE] * 5, ignore_index=True)
    for table in (alike, alike.drop(columns=["height", "slope", "relief", "over", "level"])):
        assert len(set(propose(table))) == len(table)
    high = TABLE[["height", "slope", "relief", "over", "level"]]
    assert propose(high)[2] == "sea" and len(set(propose(high))) == 4


def test_colours_are_told_apart_however_many_are_alike():
    colors = spread([(100, 120, 100)] * 12 + [(10, 10, 10)], [False] * 12 + [True])
    assert colors[-1] == (10, 10, 10) and colors[0] == (100, 120, 100)
    assert min(distance(a, b) for a, b in itertools.combinations(colors, 2)) >= 40
    with pytest.raises(ValueError, match="nearer than 40"):
        spread([(0, 0, 0), (30, 30, 30)], [True, True])


def test_earlier_classes_keep_their_number_name_and_colour():
    found = legend(LABELS, TABLE)
    earlier = [
        Prototype(name, (40 * k, 200, 10), []) for k, name in enumerate(["polar cap", "ocean", "gone", "jungle"])
    ]
    nearest = np.select([LABELS == 1, LABELS == 2, LABELS == 3], [0, 1, 3], default=3)
    again = match(found, earlier, nearest)
    assert names(again) == ["polar cap", "ocean", "jungle", "desert"]  # the new one comes last
    assert [one.color for one in again.classes[:3]] == [(0, 200, 10), (40, 200, 10), (120, 200, 10)]
    assert [int((again.labels == number).sum()) for number in range(4)] == [20, 30, 40, 10]


def edited(*edits: dict, pick=lambda move, among, where: among) -> Legend:
    section = {"method": {"name": "cluster", **copy(CLUSTER), "edits": edits, "smoothing": SMOOTHING}}
    params = validate(Params, section, "datasets.atlas.label")
    return edit(legend(LABELS, TABLE), params.method.edits, pick, "cluster.edits")


def test_edits_are_applied_in_their_order():
    found = edited(
        {"merge": ["forest", "desert"]},
        {"rename": "forest", "to": "vegetation and sand"},
        {"recolour": 0, "to": [0, 0, 255]},
        {"move": "ice", "to": "sea", "lat": 80, "lon": 0, "km": 500},
        pick=lambda move, among, where: among & (np.cumsum(among) <= 5),
    )
    assert names(found) == ["sea", "vegetation and sand", "ice"]
    assert np.bincount(found.ids()).tolist() == [35, 50, 15]
    assert found.card()["id"].tolist() == [0, 1, 2]
    assert found.classes[0].color == (0, 0, 255)


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ([{"rename": "shelf", "to": "x"}], r"cluster\.edits\[0\]: there is no class 'shelf'.*0 'sea', 1 'forest'"),
        (
            [{"merge": ["sea", "ice"]}, {"rename": "ice", "to": "x"}],
            r"edits\[1\]: there is no class 'ice' at this point",
        ),
        ([{"merge": ["sea", 9]}], "there is no class 9"),
        ([{"merge": ["sea", 0]}], "cannot be merged with itself"),
        ([{"rename": "sea", "to": "ice"}], "there is a class 'ice' already"),
        ([{"merge": ["sea", "forest", "desert", "ice"]}], "one class is left"),
        ([{"move": "sea", "to": "ice", "lat": 0, "lon": 0, "km": 1}], "move all pixels of class 'sea'"),
        ([{"recolour": "sea", "to": [0, 0, 0]}, {"recolour": "ice", "to": [20, 20, 20]}], "cannot be distinguished"),
        ([{"paint": "sea"}], r"edits\.0: an edit is one of merge, rename, recolour, move"),
        ([{"move": "sea", "to": "ice", "lat": 0}], "needs either tile, row, col and neighbours, or lat, lon and km"),
        ([{"recolour": "sea", "to": [0, 0, 300]}], r"edits\.0\.recolour\.to"),
    ],
)
def test_what_an_edit_gets_wrong_is_told(edits, message):
    with pytest.raises(LandloomError, match=message):
        edited(*edits)


def test_nothing_there_to_move():
    with pytest.raises(LandloomError, match=r"edits\[0\]: none of the sampled pixels there is of class 'sea'"):
        edited({"move": "sea", "to": "ice", "lat": 0, "lon": 0, "km": 1}, pick=lambda move, among, where: among & False)


def test_a_class_has_one_number_and_one_name():
    classes = (Named(0, "sea", (0, 0, 200)), Named(2, "ice", (240, 240, 240)))
    assert Legend(classes, np.array([2, 0, 2])).ids().tolist() == [1, 0, 1]

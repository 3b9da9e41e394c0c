"""Facts and texts of tiles without heights: colours, land cover, and what the publisher says."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from tasks.caption.named_colors import COLORS, palette
from tasks.caption.picture_facts import cover_facts, stated_facts
from tasks.caption.picture_texts import CLAUSES, picture_text

PLAIN = {"layers": ["color"], "procedural": False, "side_km": None, "place": None, "subject": "map"}


def filled(*parts: tuple[tuple[int, int, int], int], masked: int = 0) -> np.ndarray:
    """A picture uint8 (4, rows, 10) of horizontal bands: a colour and its rows; the last `masked` rows are void."""
    rgb = np.concatenate([np.tile(np.array(color, np.uint8), (rows, 10, 1)) for color, rows in parts])
    mask = np.full(rgb.shape[:2], 255, np.uint8)
    mask[len(mask) - masked :] = 0
    return np.concatenate([np.moveaxis(rgb, -1, 0), mask[None]])


def test_a_palette_names_colours_by_their_share():
    found = palette(filled(((40, 60, 40), 6), ((230, 224, 196), 3), ((190, 50, 44), 1)))
    assert [(one["color"], one["share"]) for one in found["palette"]] == [
        ("dark green", 0.6),
        ("cream", 0.3),
        ("red", 0.1),
    ]
    assert found["palette"][0]["rgb"] == [40, 60, 40]
    assert found["brightness"] == pytest.approx((0.6 * 46.7 + 0.3 * 216.7 + 0.1 * 94.7) / 255, abs=0.001)


@pytest.mark.parametrize("name", COLORS)
def test_every_name_is_nearest_to_its_own_colour(name):
    assert palette(filled((COLORS[name], 4)))["palette"][0]["color"] == name


def test_void_pixels_have_no_colour():
    found = palette(filled(((40, 60, 40), 5), ((255, 0, 0), 5), masked=5))
    assert [one["color"] for one in found["palette"]] == ["dark green"]
    assert palette(filled(((40, 60, 40), 5), masked=5)) == {}


def test_cover_lists_classes_and_skips_pixels_without_one():
    classes = np.repeat(np.array([2, 2, 2, 0, 255], np.uint8), 20).reshape(10, 10)
    assert cover_facts(classes, {0: "forest", 1: "water", 2: "meadow"}) == {
        "cover": [{"class": "meadow", "share": 0.75}, {"class": "forest", "share": 0.25}]
    }
    assert cover_facts(np.full((4, 4), 255, np.uint8), {0: "forest"}) == {}


def test_only_what_all_sources_state_is_a_fact():
    one = json.dumps({"title": "Karte", "date": "1846", "language": ["ger"], "shelf": "K 12"})
    other = json.dumps({"title": "Karte", "date": "1851", "language": ["ger"]})
    assert stated_facts([one]) == {"stated": {"title": "Karte", "date": "1846", "language": ["ger"]}}
    assert stated_facts([one, other]) == {"stated": {"title": "Karte", "language": ["ger"]}}
    assert stated_facts([one, None]) == {} == stated_facts([])


@pytest.mark.parametrize(
    "stated, words",
    [
        ({"date": "1846", "script": "Cyrillic"}, "A map, in the Cyrillic script, dated 1846."),
        ({"language": ["ger", "fre"]}, "A map, in German and French."),
        ({"language": "Ladin"}, "A map, in Ladin."),
        ({"language": "xx"}, "A map."),  # an unknown code is not guessed
        ({"date": "Between 1846 and 1851, from the style of the lettering"}, "A map."),
        ({"title": "Am Gletscher"}, "A map."),
    ],
)
def test_a_text_says_what_is_stated(stated, words):
    assert picture_text("a", PLAIN | {"stated": stated}, 0.0) == words


def test_texts_are_whole_sentences_of_known_facts():
    facts = PLAIN | {"subject": "overhead image", "procedural": True, "side_km": 0.32}
    facts |= {"cover": [{"class": "meadow", "share": 0.52}, {"class": "forest", "share": 0.31}]}
    facts |= {"palette": [{"color": "olive", "share": 0.5, "rgb": [1, 2, 3]}]}
    full = {picture_text(str(number), facts, 0.0) for number in range(60)}
    assert full == {
        "A procedurally generated overhead image, about 320 m across. " + more
        for more in (
            "It is about half meadow and a third forest, and the colours are mainly olive.",
            "It shows meadow and forest, and most of it is olive.",
            "The ground is about half meadow and a third forest, and the picture is mainly olive.",
        )
    }
    some = [picture_text(str(number), facts, 0.5) for number in range(400)]
    assert np.mean(["olive" in text for text in some]) == pytest.approx(0.5, abs=0.08)
    assert {picture_text(str(number), facts, 1.0) for number in range(9)} == {
        "A procedurally generated overhead image."
    }
    assert not any(re.search(r"None|  | ,|\.\.", text) for text in some)
    assert len(set(CLAUSES)) == len(CLAUSES)
    assert picture_text("a", facts | {"procedural": False}, 1.0) == "An overhead image."


def test_a_class_without_a_name_is_no_land_cover():
    facts = PLAIN | {"subject": "overhead image"}
    shares = {"pale grey 2": 0.6, "meadow": 0.3, "dark green": 0.1}
    facts |= {"cover": [{"class": name, "share": share} for name, share in shares.items()]}
    assert {picture_text(str(number), facts, 0.0) for number in range(30)} == {
        "An overhead image. It is about a third meadow.",
        "An overhead image. It shows meadow.",
        "An overhead image. The ground is about a third meadow.",
    }
    assert picture_text("a", facts | {"cover": facts["cover"][:1]}, 0.0) == "An overhead image."
    named = facts | {"cover": [{"class": "village green", "share": 0.95}]}
    assert "village green" in picture_text("0", named, 0.0), "a person's name that ends with a hue is a name"

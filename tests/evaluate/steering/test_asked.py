"""What a text asks for, and whether ground answers it."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.caption.templates import TEMPLATES, TemplateDescriber
from tasks.evaluate.heights.steering.asked import Asked, answers, asked
from tasks.relief.ground_facts import height_facts
from tasks.relief.landform_classes import KINDS, kind
from tests.relief.shapes import cone, plane, roof

GSD = 90.0
BASE = {"layers": ["height"], "procedural": False, "gsd_m": GSD, "side_km": 2.88, "place": None}


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("Flat plains.", Asked(frozenset({0}), None, None, None)),
        ("Irregular plains, with about 40 m of relief.", Asked(frozenset({1}), None, None, None)),
        ("Plains with high hills, rising about 310 m.", Asked(frozenset({3}), None, None, None)),
        ("Open low mountains by the sea", Asked(frozenset({4}), None, None, None)),
        ("About 1,300 m of relief in very steep ground", Asked(frozenset({5}), None, frozenset({"very steep"}), None)),
        ("Steep ground, 400 to 1,700 m above sea level.", Asked(frozenset({5}), None, frozenset({"steep"}), None)),
        ("High mountains; spurs and valleys prevail.", Asked(frozenset({5}), "spur", None, None)),
        (
            "A landscape of hills. Its slopes are moderate to steep for the most part and look north-west.",
            Asked(frozenset({2}), None, frozenset({"moderate", "steep"}), 315.0),
        ),
        ("Most slopes are very gentle, falling towards the east", Asked(None, None, frozenset({"level"}), 90.0)),
        ("Contours run mainly north to south over low ridges.", Asked(None, "ridge", None, None)),
        ("A picturesque country in the northern mid-latitudes.", Asked(None, None, None, None)),
    ],
)
def test_only_what_is_said_is_asked_for(text, wish):
    assert asked(text) == wish


def test_every_template_asks_for_what_it_was_made_from():
    """Whatever template the key chooses, the text is read back, and real ground answers its own caption."""
    rng = np.random.default_rng(4)
    surfaces = [plane(-0.2, 0.2, gsd=GSD)[:32, :32], cone(gsd=GSD)[:32, :32], roof(gsd=GSD)[:32, :32]]
    surfaces += [np.cumsum(np.cumsum(rng.normal(0, s, (32, 32)), 0), 1) for s in (0.05, 0.4, 3.0)]
    facts = height_facts(np.stack(surfaces).astype(np.float32) + 500, GSD, 8, 1.0)
    describe = TemplateDescriber(0.0)
    for one in facts:
        for number in range(4 * len(TEMPLATES)):
            text = describe.text(f"key {number}", BASE | one)
            wish = asked(text)
            assert wish.relief is not None or one["ground"] is None, text
            assert (wish.facing is None) == (one["aspect"] is None), text
            assert wish.landform in (None, one["dominant"][0]), text
            assert all(value != 0 for value in answers(wish, one).values()), text


def test_other_ground_does_not_answer():
    wish = asked(
        "High mountains. The ground is made up mainly of ridges; the slopes are mostly steep and face mainly north."
    )
    south = {
        "relief_m": 20.0,
        "landforms": {"flat": 0.8, "slope": 0.1, "ridge": 0.05},
        "slope_shares": {"level": 0.9, "gentle": 0.1, "steep": 0.0},
        "aspect_deg": 180,
    }
    assert answers(wish, south) == {"relief": 0.0, "landform": 0.0, "slope": 0.0, "aspect": 0.0}
    north = south | {"aspect_deg": 330, "relief_m": 1200.0, "landforms": {"slope": 0.5, "ridge": 0.3, "flat": 0.1}}
    assert answers(wish, north) == {"relief": 1.0, "landform": 1.0, "slope": 0.0, "aspect": 1.0}


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"sea_share": 0.3, "ground": "high mountains"}, "coast"),
        ({"sea_share": 0.0, "ground": "plains with low mountains"}, "plains"),
        ({"sea_share": 0.0, "ground": "open low mountains"}, "mountains"),
        ({"sea_share": 0.0, "ground": "tablelands"}, "hills"),
        ({"sea_share": 0.0, "ground": None, "relief_m": 500.0}, "mountains"),
        ({"sea_share": 1.0}, "coast"),
    ],
)
def test_kinds_of_terrain(facts, name):
    assert kind(facts) == name and name in KINDS

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.caption.phrases import clauses, elevation, number, sea, size, spot
from tasks.caption.templates import OPTIONAL, TEMPLATES, TemplateDescriber
from tasks.formats.tables.wind_names import GRAINS, WINDS
from tasks.relief.geomorphons import NAMES
from tasks.relief.landform_classes import SLOPE_CLASSES, ground

COLOURS = r"\b(red|green|blue|brown|yellow|white|black|gr[ae]y|orange|dark|bright)\b"


@st.composite
def tiles(draw):
    """All kinds of facts that `tasks.relief.ground_facts` can make."""
    place = {
        "lat": draw(st.floats(-90, 90)),
        "lon": draw(st.floats(-180, 180)),
        "zone": draw(st.sampled_from(["the tropics", "the southern mid-latitudes", "the Arctic"])),
    }
    side = draw(st.sampled_from([0.13, 5.76, 64.0]))
    known = {
        "layers": ["height"],
        "procedural": draw(st.booleans()),
        "side_km": side,
        "gsd_m": 90.0,
        "place": draw(st.sampled_from([None, place])),
        "void_share": 0.0,
        "sea_share": draw(st.sampled_from([0.0, 0.03, 0.2, 0.6, 0.97, 1.0])),
    }
    if known["sea_share"] == 1.0:
        return known
    low, high = sorted([draw(st.floats(-4000, 8000)), draw(st.floats(-4000, 8000))])
    split = draw(st.lists(st.floats(0.01, 1), min_size=5, max_size=5))
    forms = np.array(draw(st.lists(st.floats(0.001, 1), min_size=10, max_size=10)))
    forms /= forms.sum()
    known |= {
        "elevation_m": {"lowest": low, "mean": (low + high) / 2, "highest": high},
        "relief_m": high - low,
        "ground": ground(draw(st.floats(0, 1)), high - low, draw(st.floats(0, 1)), draw(st.floats(0, 1)), side),
        "slope_shares": {name: share / sum(split) for (name, _), share in zip(SLOPE_CLASSES, split, strict=True)},
        "aspect": draw(st.sampled_from([None, *WINDS])),
        "landforms": dict(zip(NAMES, forms, strict=True)),
        "dominant": [NAMES[c] for c in np.argsort(-forms)[: draw(st.integers(0, 3))]],
    }
    known["grain"] = None if known["aspect"] else draw(st.sampled_from([None, *GRAINS]))
    return known


@settings(max_examples=300)
@given(tiles(), st.text(min_size=1), st.sampled_from([0.0, 0.3, 1.0]))
def test_texts_are_one_or_two_whole_sentences(facts, key, drop):
    text = TemplateDescriber(drop).text(key, facts)
    sentences = re.split(r"(?<=\.) ", text)
    assert 1 <= len(sentences) <= (1 if drop == 1 else 2)
    for sentence in sentences:
        assert sentence[0].isupper() and sentence.endswith(".") and len(sentence) > 8
    assert not re.search(r"[\[\]{}]|None|  | ,| \.|,,|;,|\.\.|, and ;", text), text
    assert not re.search(COLOURS, text.lower())
    assert ("procedurally generated" in text.lower()) == facts["procedural"]
    assert text == TemplateDescriber(drop).text(key, facts)


@settings(max_examples=100)
@given(tiles())
def test_every_clause_kept_says_all_that_is_known(facts):
    said = clauses(facts)
    for number_, template in enumerate(TEMPLATES):
        key = next(
            key for key in map(str, range(1000)) if TemplateDescriber(0).text(key, facts) and _index(key) == number_
        )
        text = TemplateDescriber(0).text(key, facts).lower()
        for name in ("ground", "landforms", "steepness", "aspect", "grain", "sea"):
            assert not said[name] or said[name].lower() in text, (name, template)


def _index(key):
    from hashlib import blake2b

    return blake2b(key.encode(), digest_size=1 + len(OPTIONAL)).digest()[0] % len(TEMPLATES)


def test_keys_spread_over_templates_and_drops():
    facts = {"layers": ["height"], "procedural": False, "side_km": 5.76, "place": None, "sea_share": 0.0}
    facts |= {"elevation_m": {"lowest": 100, "mean": 300, "highest": 720}, "relief_m": 620, "ground": "low mountains"}
    facts |= {
        "slope_shares": {name: float(name == "steep") for name, _ in SLOPE_CLASSES},
        "aspect": None,
        "grain": None,
    }
    facts |= {"landforms": {"slope": 0.8, "spur": 0.2}, "dominant": ["slope"]}
    texts = TemplateDescriber(0.25)([f"scene/{n:05}_00000" for n in range(2000)], [facts] * 2000)
    told = np.mean(["steep" in caption.text for caption in texts])
    assert told == pytest.approx(0.75, abs=0.04)
    full = {TemplateDescriber(0).text(str(n), facts) for n in range(200)}
    assert len(full) == len(TEMPLATES)
    assert {TemplateDescriber(1).text(str(n), facts) for n in range(200)} >= {"Low mountains."}


def test_pictures_without_heights_say_where_and_how_wide_and_no_more():
    facts = {"layers": ["color"], "procedural": False, "side_km": 19.2}
    facts["place"] = {"lat": 24.4, "lon": -77.6, "zone": "the subtropics"}
    texts = {TemplateDescriber(0).text(str(n), facts) for n in range(50)}
    assert texts == {"A georeferenced image, about 19 km across, in the subtropics, near 24° N, 78° W."}


@pytest.mark.parametrize(
    "low, high, words",
    [
        (1251, 1868, "1,250 to 1,870 m above sea level"),
        (12.2, 15.9, "12 to 16 m above sea level"),
        (12.2, 12.3, "about 12 m above sea level"),
        (-430, -410, "410 to 430 m below sea level"),
        (-4, 30, "from 4 m below to 30 m above sea level"),
        (0.1, 0.2, "about at sea level"),
    ],
)
def test_elevations(low, high, words):
    facts = {"elevation_m": {"lowest": low, "highest": high}, "relief_m": high - low}
    assert elevation(facts) == words


def test_numbers_sizes_and_places():
    assert [number(value) for value in (1949, 617, 5.76, 0.13, 0)] == ["1,900", "620", "5.8", "0.13", "0"]
    assert [size(side) for side in (5.76, 0.128, None)] == ["about 5.8 km", "about 130 m", None]
    assert spot({"lat": -0.3, "lon": 179.8}) == "0°, 180° E"
    assert spot({"lat": -33.4, "lon": -70.2}) == "33° S, 70° W"


@pytest.mark.parametrize(
    "share, words", [(0.02, None), (0.1, "a tenth"), (0.33, "a third"), (0.5, "half"), (0.96, "nine tenths")]
)
def test_shares_of_sea(share, words):
    said = sea({"sea_share": share, "relief_m": 10})
    assert said == (f"about {words}" if words else None)

"""The check of sentences: it lets every true text pass, and says why it rejects a false one."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from tasks.caption.check.numbers import numbers
from tasks.caption.check.verdict import judge
from tasks.caption.check.wording import name_problems
from tasks.caption.templates import TemplateDescriber
from tasks.formats.tables.wind_names import WINDS
from tasks.relief.ground_facts import height_facts
from tests.relief.shapes import cone, plane, roof, trough

GSD = 90.0
SOMEWHERE = {
    "lat": 46.0,
    "lon": 8.1,
    "zone": "the northern mid-latitudes",
    "name": "Valais, Switzerland",
    "name_exact": True,
}


def facts(heights, procedural=False):
    measured = height_facts(np.asarray(heights, np.float32)[None], GSD, 8, 1.0)[0]
    known = {"layers": ["height"], "procedural": procedural, "gsd_m": GSD, "side_km": len(heights) * GSD / 1000}
    return known | {"place": None if procedural else SOMEWHERE} | measured


def sentences(text):
    return re.split(r"(?<=\.) ", text)


def ground(number):
    """Ground of all kinds: plains, hills, mountains, slopes and coasts."""
    rng = np.random.default_rng(number)
    heights = gaussian_filter(rng.standard_normal((48, 48)), rng.uniform(1.5, 12))
    heights = heights / heights.std() * rng.choice([1, 10, 60, 300, 900]) + rng.choice([0, 100, 2000])
    east, north = rng.normal(size=2) * rng.choice([0, 3, 20])
    heights += np.add.outer(np.arange(48) * north, np.arange(48) * east)
    return np.maximum(heights, 0) if rng.random() < 0.4 else heights


@pytest.mark.parametrize("number", range(60))
def test_every_text_from_the_facts_passes(number):
    known = facts(ground(number), procedural=number % 4 == 0)
    for key in map(str, range(12)):
        text = TemplateDescriber(0).text(key, known)
        assert judge(sentences(text), known).reasons == ()


def test_texts_of_other_ground_do_not_pass():
    known = [facts(ground(number)) for number in range(60)]
    texts = [TemplateDescriber(0).text(str(number), one) for number, one in enumerate(known)]
    others = [judge(sentences(text), other) for text, other in zip(texts, known[1:] + known[:1], strict=True)]
    assert np.mean([bool(verdict.reasons) for verdict in others]) > 0.95


SLOPE = facts(plane(-0.2, 0, gsd=GSD))  # 212 to 788 m, falls to the east
RIDGE = facts(roof(0.2, gsd=GSD))  # a ridge from west to east
VALLEY = facts(trough(0.2, gsd=GSD))  # runs north to south and falls to the south
CONE = facts(cone(0.2, gsd=GSD))
FLAT = facts(plane(0.001, 0, gsd=GSD))
COAST = facts(np.maximum(plane(0.1, 0, gsd=GSD) - 500, 0))  # the sea in the west
ISLAND = facts(np.maximum(cone(0.2, gsd=GSD) - 800, 0))
MADE = facts(cone(0.2, gsd=GSD), procedural=True)


@pytest.mark.parametrize(
    "known, sentence",
    [
        (SLOPE, "An even slope falls from about 790 m in the west to 212 m in the east."),
        (SLOPE, "The ground descends towards the east with a relief of 576 m over 3 km."),
        (SLOPE, "East-facing ground slopes at some 11° across the whole of it."),
        (SLOPE, "The land rises to the west, between 210 and 790 metres above sea level."),
        (SLOPE, "A moderately steep slope in Valais, Switzerland, looks to the east."),
        (RIDGE, "A long ridge runs east-west, with north-facing and south-facing flanks."),
        (RIDGE, "The crest trends from west to east at 1,000 m, and no valley cuts it."),
        (VALLEY, "A straight valley runs from north to south and drains to the south."),
        (VALLEY, "A N–S trough lies between two flanks."),
        (CONE, "A single summit of 1,000 m stands above slopes that fall to every side."),
        (FLAT, "A featureless plain lies at 500 m above sea level."),
        (COAST, "Low ground meets the sea along its western shore."),
        (COAST, "The sea covers half of the area, to the west."),
        (ISLAND, "A cone makes an island, and the sea takes up 65 % of it."),
        (ISLAND, "One hilly island rises to 200 m above the sea all around."),
        (MADE, "A procedurally generated peak of 1,000 m stands alone."),
    ],
)
def test_true_sentences_stand(known, sentence):
    assert judge([sentence], known).reasons == ()
    assert judge([sentence], known).text == sentence


@pytest.mark.parametrize(
    "known, sentence, reason",
    [
        (SLOPE, "Ground rises to 2,400 m above sea level.", r"'2,400 m' is not measured; measured are .*788 m"),
        (SLOPE, "The relief is 5 to 9 km.", "'5' is not measured"),
        (SLOPE, "Some 40 % of the ground is level.", "'40 %' is not measured"),
        (SLOPE, "The ground slopes at 35 degrees.", "'35 degrees' is not measured; measured are"),
        (SLOPE, "A third of the area is steep.", "share of nothing"),
        (SLOPE, "The ground falls towards the north.", "falls to the east"),
        (SLOPE, "The land rises to the east.", "falls to the east"),
        (SLOPE, "It drops from the east to the west.", "falls to the east"),
        (SLOPE, "West-facing slopes prevail.", "0% of the ground faces that way"),
        (SLOPE, "The slopes face mainly south-west.", "falls to the east"),
        (SLOPE, "The highest ground lies in the east.", "falls to the east"),
        (SLOPE, "Deep valleys cut the slope.", "valleys and hollows cover 0.0%"),
        (SLOPE, "A range of sharp ridges.", "ridges and spurs cover 0.0%"),
        (SLOPE, "Waves break on the coast.", "the sea covers 0.0%"),
        (SLOPE, "A slope under dense forest.", "'forest' cannot be seen in heights"),
        (SLOPE, "A green and brown slope.", "speaks of the drawing"),
        (SLOPE, "A slope below the Matterhorn.", "the facts do not name 'Matterhorn'"),
        (SLOPE, "An even slope in Валлис.", "no letter of English"),
        (SLOPE, "a slope.", "does not begin like a sentence"),
        (SLOPE, "A slope", "does not end like a sentence"),
        (SLOPE, "A slope. It falls to the east.", "more than one sentence"),
        (RIDGE, "The ridge trends north to south.", "crests and valleys run at 90°"),
        (RIDGE, "The ground falls to the north.", "falls in no main direction"),
        (VALLEY, "The valley drains to the north.", "water leaves to the south"),
        (CONE, "Parallel lines run north-south.", "nothing runs in one line"),
        (CONE, "A wide plain.", "level ground covers"),
        (FLAT, "High mountains tower here.", r"the relief is 2\.9 m"),
        (FLAT, "Steep ground everywhere.", "steep slopes cover 0.0%"),
        (COAST, "The sea lies to the east.", "the sea lies to the west"),
        (COAST, "An island with even slopes.", "islands are counted as"),
        (ISLAND, "A plateau dominated by flats.", "level ground covers"),
        (MADE, "A peak of 1,000 m stands alone.", "the ground is computed"),
    ],
)
def test_false_sentences_are_rejected_with_the_reason(known, sentence, reason):
    verdict = judge([sentence], known)
    assert verdict.text is None
    assert re.search(reason, "; ".join(verdict.reasons)), verdict.reasons


def test_what_is_said_not_to_be_there_is_no_claim():
    assert judge(["An even slope without ridges, and no valleys."], SLOPE).reasons == ()


def test_a_true_sentence_stands_beside_a_false_one_unless_it_leans_on_it():
    true, false = "An even slope falls to the east.", "It carries a glacier."
    kept = judge([true, false], SLOPE)
    assert kept.text == true and len(kept.reasons) == 1 and false in kept.reasons[0]
    assert judge([false, "It falls to the east."], SLOPE).text is None
    assert judge([false, true], SLOPE).text == true
    assert judge([true] * 3, SLOPE).text is None


def test_labels_may_name_what_heights_do_not_show():
    known = SLOPE | {"cover": [{"class": "forest", "share": 0.6}]}
    assert judge(["A slope under forest, which covers 60 % of it."], known).reasons == ()
    assert judge(["A slope under grass."], known).text is None


def test_names_are_those_of_the_facts():
    assert name_problems(["Valais", "Switzerland's"], SLOPE) == []
    assert name_problems(["Alps"], SLOPE) == ["the facts do not name 'Alps'"]


def test_numbers_have_the_unit_of_their_range():
    told = [(one.value, one.kind) for one in numbers("From 300 to 1,980 m, 5.8 km wide, −4 °, 12 per cent and 3 feet.")]
    assert told[:3] == [(300, "length"), (1980, "length"), (5800, "length")]
    assert told[3:5] == [(4, "angle"), (0.12, "share")] and told[5][0] == pytest.approx(0.914, abs=0.001)


def test_a_count_is_a_whole_number_of_what_was_stated():
    known = SLOPE | {"stated": {"date": "1913-05", "title": "Die 24 Gipfel"}}
    for number in ("1913", "24"):
        assert judge([f"A slope of {number}."], known).reasons == ()
    for number in ("3", "191", "2"):
        assert judge([f"A slope of {number}."], known).text is None


@pytest.mark.parametrize("turn, wind", enumerate(WINDS))
def test_every_wind_is_read_in_every_spelling(turn, wind):
    bearing = np.radians(45 * turn)
    known = facts(plane(-0.2 * np.sin(bearing), -0.2 * np.cos(bearing), gsd=GSD))
    opposite = WINDS[(turn + 4) % 8]
    for spelled in (str, lambda name: name.replace("-", ""), lambda name: name.replace("-", " ")):
        assert judge([f"The ground falls to the {spelled(wind)}."], known).reasons == ()
        assert judge([f"The ground falls to the {spelled(opposite)}."], known).text is None
        assert judge([f"All of it is {spelled(opposite)}-facing."], known).text is None
        assert judge([f"It rises towards the {spelled(wind)}."], known).text is None

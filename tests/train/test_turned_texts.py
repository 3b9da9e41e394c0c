import numpy as np
import pytest

from tasks.formats.tables.wind_names import GRAINS, WINDS
from tasks.train.training_tiles import turned
from tasks.train.turned_texts import turned_text, turned_texts

STEPS = {"north": (-1, 0), "east": (0, 1), "south": (1, 0), "west": (0, -1)}


def step(wind):
    """Rows and columns to go towards a wind."""
    return tuple(np.sum([STEPS[part] for part in wind.split("-")], axis=0))


@pytest.mark.parametrize("code", range(8))
@pytest.mark.parametrize("wind", WINDS)
def test_a_wind_turns_as_its_tile_does(wind, code):
    tile = np.zeros((1, 5, 5))
    row, col = step(wind)
    tile[0, 2 + row, 2 + col] = 1
    found = np.argwhere(turned(tile, np.array([code]))[0])[0] - 2
    assert step(turned_text(f"slopes that face {wind}", code).split()[-1]) == tuple(found)


@pytest.mark.parametrize("code", range(8))
def test_a_line_keeps_the_order_in_which_captions_name_its_ends(code):
    found = {turned_text(f"the grain runs {line}", code).removeprefix("the grain runs ") for line in GRAINS}
    assert found == set(GRAINS)


@pytest.mark.parametrize("code", range(8))
@pytest.mark.parametrize(
    "text", ["The ground falls gently from {} to {}", "It drops {} to {}", "Streams flow from {} to {}"]
)
def test_a_fall_keeps_its_direction(text, code):
    ends = {wind: turned_text(f"it faces {wind}", code).split()[-1] for wind in WINDS}
    for high, low in (("south", "north"), ("north", "south"), ("west", "east"), ("north-east", "south-west")):
        assert turned_text(text.format(high, low), code) == text.format(ends[high], ends[low])


def test_other_forms_of_a_wind_turn_and_keep_their_form():
    text = "Southern slopes, a north-western spur, westward streams, north facing, northwest, NW of it"
    assert (
        turned_text(text, 2)
        == "Northern slopes, a south-eastern spur, eastward streams, south facing, southeast, SE of it"
    )


@pytest.mark.parametrize("code", range(8))
def test_names_zones_and_degrees_do_not_turn(code):
    text = "Hills in West Virginia, near 45° N, 8° E, in the northern mid-latitudes and the southern subtropics."
    assert turned_text(text, code) == text
    assert turned_text("North Macedonia", code) == "North Macedonia"


def test_a_missing_text_is_no_text():
    assert turned_texts(np.array([None, "", "to the east"], object), np.array([1, 2, 1])).tolist() == [
        "",
        "",
        "to the north",
    ]

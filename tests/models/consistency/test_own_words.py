"""A terrain for which nothing is asked has the caption of a train tile."""

import numpy as np
import pytest

from models.core.sketch import lines
from tests.models.consistency.worded import finished, made, shaken, tiles


@pytest.fixture(scope="module")
def model():
    method, _, _, config = made()
    return finished(shaken(method), config)


def test_where_nothing_is_asked_a_sample_has_the_words_of_the_tile_that_its_facts_are_near_to(model):
    plain = model.sample(range(20), 1)
    captions = model.encoding.captions
    assert len(captions) == len(model.encoding.heights.known) and len(set(captions)) > 1
    config = {**model.config, "encoding": {**model.config["encoding"], "captions": []}}
    silent = finished(model.method, config)
    spreads = [
        np.stack([made.mean(axis=(1, 2)), made.std(axis=(1, 2))]) for made in (plain, silent.sample(range(20), 1))
    ]
    np.testing.assert_allclose(*spreads, rtol=1e-4, err_msg="relief and elevation are those of the facts")
    assert all(not np.array_equal(one, other) for one, other in zip(plain, silent.sample(range(20), 1), strict=True))
    numbers = [model.encoding.heights.draw_near(np.random.default_rng([1, index]))[0] for index in range(20)]
    other = [f"never {text}" if place == numbers[3] else text for place, text in enumerate(captions)]
    config["encoding"]["captions"] = other
    changed = [
        not np.array_equal(*pair)
        for pair in zip(plain, finished(model.method, config).sample(range(20), 1), strict=True)
    ]
    assert changed == [number == numbers[3] for number in numbers]
    assert model.captions_near(range(20), 1) == [captions[number] for number in numbers]
    assert silent.captions_near(range(20), 1) == [None] * 20
    for strength in (1.0, 3.0):
        assert np.array_equal(plain, model.sample(range(20), 1, guidance=strength)), "guidance is for what was asked"
    passes = [model.sample(range(4), 1, guidance=strength, passes=True) for strength in (2.0, 3.0)]
    assert np.array_equal(*passes)
    asked = {"sketch": lines(tiles(4, 5)[0])}
    assert np.array_equal(model.sample(range(4), 1, 1, asked), silent.sample(range(4), 1, 1, asked))


def test_the_captions_that_samples_got_are_told_sample_by_sample(model):
    alone = model.captions_near(range(4), 1)
    assert all(alone) and model.captions_near([3, 1], 1) == [alone[3], alone[1]]
    assert len({tuple(model.captions_near(range(20), seed)) for seed in (1, 2)}) == 2
    texts = {"text": np.array(["High mountains.", "", "Karst", "Low hills."], object)}
    assert model.captions_near(range(4), 1, texts, 3.0) == [None, alone[1], alone[2], None], "unknown words ask nothing"
    hole = np.stack([np.full((16, 16), np.nan, np.float32)] * 4)
    hole[2, :4] = 500.0
    assert model.captions_near(range(4), 1, {"known": hole}) == [alone[0], alone[1], None, alone[3]]
    method, _, _, config = made(guidance={"share": 0})
    unguided = finished(method, config)
    assert unguided.captions_near(range(4), 1) == alone
    assert unguided.captions_near(range(4), 1, guidance=2.0) == [None] * 4, "a second pass would guide by them"

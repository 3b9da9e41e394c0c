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
    for strength in (1.0, 3.0):
        assert np.array_equal(plain, model.sample(range(20), 1, guidance=strength)), "guidance is for what was asked"
    passes = [model.sample(range(4), 1, guidance=strength, passes=True) for strength in (2.0, 3.0)]
    assert np.array_equal(*passes)
    asked = {"sketch": lines(tiles(4, 5)[0])}
    assert np.array_equal(model.sample(range(4), 1, 1, asked), silent.sample(range(4), 1, 1, asked))

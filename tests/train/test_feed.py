import time

import numpy as np
import pytest
import torch

from models.encoding import HeightEncoding
from tasks.errors import LandloomError
from tasks.formats.loader import Loader
from tasks.formats.shards import ShardSet
from tasks.train.feed import AHEAD, Feed
from tasks.train.tiles import feed, fit, refuse_voids, turned

START = {"seed": 1, "epoch": 0, "samples": 0}


@pytest.fixture(scope="module")
def shards(made):
    return ShardSet(made / "data" / "small" / "shards")


def take(source, count):
    try:
        return [next(source) for _ in range(count)], source.state()
    finally:
        source.close()


def test_it_goes_on_after_the_batches_given_out_not_those_prepared(shards):
    encoding = fit(shards, 0.5)

    def open_at(position):
        return feed(shards, encoding, 8, True, position, 0, 1, False)

    whole, _ = take(open_at(START), 40)
    first, position = take(open_at(START), 17)
    rest, _ = take(open_at(position), 23)
    for one, other in zip(whole, first + rest, strict=True):
        assert torch.equal(one["image"], other["image"]) and torch.equal(one["facts"], other["facts"])


def test_two_ranks_share_what_one_would_see(shards):
    encoding = fit(shards, 0.5)
    alone, _ = take(feed(shards, encoding, 8, True, START, 0, 1, False), 20)
    shares = [take(feed(shards, encoding, 4, True, START, rank, 2, False), 20)[0] for rank in (0, 1)]
    for one, *pair in zip(alone, *shares, strict=True):
        both = torch.cat([part["image"] for part in pair])
        assert sorted(map(float, one["image"].sum((1, 2, 3)))) == sorted(map(float, both.sum((1, 2, 3))))


def test_it_prepares_a_few_batches_ahead_and_no_more(shards):
    prepared = []

    def prepare(arrays, epoch):
        prepared.append(len(arrays["row"]))
        return {}

    source = Feed(Loader(shards, "train", 8, 1), prepare, pin=False)
    deadline = time.monotonic() + 20
    while len(prepared) < AHEAD + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(prepared) == AHEAD + 1  # one more waits for room
    source.close()
    assert not source._thread.is_alive()


def test_what_goes_wrong_in_the_thread_is_told_where_the_batch_is_asked_for(shards):
    def prepare(arrays, epoch):
        raise LandloomError("shard 3 is damaged")

    source = Feed(Loader(shards, "train", 8, 1), prepare, pin=False)
    with pytest.raises(LandloomError, match="shard 3 is damaged"):
        next(source)
    source.close()


def test_turning_gives_all_eight_and_nothing_else():
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    rows = np.arange(400)
    out = turned(np.repeat(image, 400, axis=0), 1, 0, rows)
    eight = {np.rot90(side, turn).tobytes() for side in (image[0], image[0].T) for turn in range(4)}
    counts = {}
    for tile in out:
        counts[tile.tobytes()] = counts.get(tile.tobytes(), 0) + 1
    assert set(counts) == eight and min(counts.values()) > 25
    assert np.array_equal(turned(image, 1, 0, rows[7:8])[0], out[7]), "a tile's turn is its own affair"
    again = turned(np.repeat(image, 400, axis=0), 1, 1, rows)
    assert not np.array_equal(again, out), "another epoch turns otherwise"


def test_voids_are_refused_by_the_tiles_name(shards):
    heights = shards.heights(np.array([0, 1]))
    heights[1, 2, 3] = np.nan
    with pytest.raises(LandloomError, match=f"tile {shards.index['key'].iat[1]} has voids.*void_share"):
        refuse_voids(shards, heights, np.array([0, 1]))


def test_the_encoding_is_that_of_the_train_split(shards):
    heights = shards.heights(shards.rows("train"))
    assert fit(shards, 0.5) == HeightEncoding.fit([heights], 0.5)

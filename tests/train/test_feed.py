import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from models.core.config import SpeedConfig
from models.core.height_encoding import HeightEncoding
from models.core.method import Batch
from models.core.record import EIGHT, method
from models.terrain_gan.encoding import ColorHeightEncoding
from tasks.core.errors import LandloomError
from tasks.formats.shards.loader import Loader
from tasks.formats.shards.shardset import ShardSet
from tasks.relief.shade.hillshade import hillshade
from tasks.train.feed import Feed
from tasks.train.training_tiles import Tiles, allowed, refuse_voids, turned, turns
from tests.models.settings import CONSISTENCY, TERRAIN_GAN
from tests.shard.small import grow, shard

AHEAD = 4
START = {"seed": 1, "epoch": 0, "samples": 0}


@pytest.fixture(scope="module")
def shards(made):
    return ShardSet(made / "data" / "small" / "shards")


def of(shards, **params):
    """The tiles as `consistency` reads them."""
    record = method("consistency")
    return Tiles(shards, record, record.params(**{**CONSISTENCY, **params}))


def painted_of(shards):
    """The tiles as `terrain_gan` reads them."""
    record = method("terrain_gan")
    return Tiles(shards, record, record.params(**TERRAIN_GAN))


def take(source, count):
    try:
        return [next(source) for _ in range(count)], source.state()
    finally:
        source.close()


def test_it_goes_on_after_the_batches_given_out_not_those_prepared(shards):
    tiles = of(shards)

    def open_at(position):
        return tiles.feed(8, position, 0, 1, True, SpeedConfig(), False)

    whole, _ = take(open_at(START), 40)
    first, position = take(open_at(START), 17)
    rest, _ = take(open_at(position), 23)
    for one, other in zip(whole, first + rest, strict=True):
        assert torch.equal(one["image"], other["image"]) and torch.equal(one["facts"], other["facts"])


def test_several_readers_give_the_batches_of_one_in_their_order(shards):
    tiles = of(shards)
    one, position = take(tiles.feed(8, START, 0, 1, True, SpeedConfig(), False), 20)
    four, same = take(tiles.feed(8, START, 0, 1, True, SpeedConfig(readers=4), False), 20)
    assert position == same
    assert all(torch.equal(a["image"], b["image"]) for a, b in zip(one, four, strict=True))


def test_two_ranks_share_what_one_would_see(shards):
    tiles = of(shards)
    alone, _ = take(tiles.feed(8, START, 0, 1, True, SpeedConfig(), False), 20)
    shares = [take(tiles.feed(4, START, rank, 2, True, SpeedConfig(), False), 20)[0] for rank in (0, 1)]
    for one, *pair in zip(alone, *shares, strict=True):
        both = torch.cat([part["image"] for part in pair])
        assert sorted(map(float, one["image"].sum((1, 2, 3)))) == sorted(map(float, both.sum((1, 2, 3))))


def test_it_prepares_a_few_batches_ahead_and_no_more(shards):
    prepared = []

    def prepare(arrays):
        prepared.append(len(arrays["row"]))
        return Batch({})

    source = Feed(Loader(shards, "train", 8, 1), prepare, AHEAD, pin=False)
    deadline = time.monotonic() + 20
    while len(prepared) < AHEAD + 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert len(prepared) == AHEAD + 1  # one more waits for space in the queue
    source.close()
    assert not source._thread.is_alive()


def test_what_goes_wrong_in_the_thread_is_told_where_the_batch_is_asked_for(shards):
    def prepare(arrays):
        raise LandloomError("shard 3 is damaged")

    source = Feed(Loader(shards, "train", 8, 1), prepare, AHEAD, pin=False)
    with pytest.raises(LandloomError, match="shard 3 is damaged"):
        next(source)
    source.close()


def test_turning_gives_all_eight_and_nothing_else():
    image = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
    rows = np.arange(400)
    images = np.repeat(image, 400, axis=0)
    out = turned(images, turns(1, np.zeros(len(rows)), rows))
    eight = {np.rot90(side, turn).tobytes() for side in (image[0], image[0].T) for turn in range(4)}
    counts = {}
    for tile in out:
        counts[tile.tobytes()] = counts.get(tile.tobytes(), 0) + 1
    assert set(counts) == eight and min(counts.values()) > 25
    assert np.array_equal(turned(image, turns(1, np.zeros(1), rows[7:8]))[0], out[7]), "a tile's turn is its own affair"
    again = turned(images, turns(1, np.ones(400, int), rows))
    assert not np.array_equal(again, out), "another epoch turns otherwise"


def test_a_batch_across_two_epochs_turns_each_tile_by_its_own_epoch(shards):
    tiles, count = of(shards), len(shards.rows("train"))
    batch = count * 2 // 3
    (_, across), _ = take(tiles.feed(batch, START, 0, 1, True, SpeedConfig(), False), 2)
    loader = Loader(shards, "train", 1, seed=1)
    rows = np.concatenate([loader.order(0)[batch:], loader.order(1)[: 2 * batch - count]])
    epochs = np.arange(batch) >= count - batch
    assert set(epochs) == {False, True}
    expected = turned(shards.heights(rows), turns(1, epochs, rows))
    assert np.array_equal(across["image"], tiles.encoding.heights.encode(expected)[0])


def test_voids_are_refused_by_the_tiles_name(shards):
    arrays = {"height": shards.heights(np.array([0, 1]))}
    arrays["height"][1, 2, 3] = np.nan
    with pytest.raises(LandloomError, match=f"tile {shards.index['key'].iat[1]} has voids.*void_share"):
        refuse_voids(shards, arrays, np.array([0, 1]))


def test_the_encoding_is_that_of_the_train_split(shards):
    heights = shards.heights(shards.rows("train"))
    assert of(shards).encoding.heights == HeightEncoding.fit([heights], 0.5)


@pytest.fixture(scope="module")
def painted(painted_root):
    return ShardSet(painted_root / "data" / "small" / "shards")


@pytest.mark.parametrize("mirror", [None, True, False])
def test_pictures_are_mirrored_only_if_their_card_says_so(tmp_path, mirror):
    """In two epochs each tile comes as it is and, if allowed, as its mirror image; it is never rotated."""
    folder = grow(tmp_path / "data" / "small", ("color",), photographs=True, captions=False)
    pictures = ShardSet(shard(folder, mirror=mirror))
    assert pictures.card["mirror"] is bool(mirror)
    record = replace(method("terrain_gan"), layers=lambda params: ("color",), fit=lambda *_: None)
    record = replace(record, turns=EIGHT, encode=lambda params, encoding, arrays: Batch(arrays))
    tiles = Tiles(pictures, record, None)
    count = len(pictures.rows("train"))
    batches, _ = take(tiles.feed(count, START, 0, 1, True, SpeedConfig(), False), 2)
    seen = [{image.tobytes() for image in batch["color"]} for batch in batches]
    real = pictures.batch(pictures.rows("train"))["color"]
    as_they_are, mirrored = ({image.tobytes() for image in part} for part in (real, real[:, :, ::-1]))
    assert seen[0] | seen[1] == (as_they_are | mirrored if mirror else as_they_are)
    assert (len(seen[0] & mirrored) > count // 4) == bool(mirror)


def test_heights_keep_the_turns_of_the_method_unless_told(shards, tmp_path):
    assert "mirror" not in shards.card and allowed(EIGHT, shards) == EIGHT
    folder = shard(grow(tmp_path / "data" / "small"), mirror=False)
    assert allowed(EIGHT, ShardSet(folder)) == (0, 1, 2, 3)


def test_labels_are_turned_with_their_heights(painted):
    """Labels mark the heights above the middle of a tile, and still do after every turn."""
    tiles = of(painted, conditions=["labels"])
    (batch,), _ = take(tiles.feed(8, START, 0, 1, True, SpeedConfig(), False), 1)
    rows = next(Loader(painted, "train", 8, 1).stream())["row"]
    heights = painted.heights(rows)
    turn = turns(1, np.zeros(len(rows)), rows)
    assert len(set(turn)) > 3
    assert np.allclose(batch["image"], tiles.encoding.heights.encode(turned(heights, turn))[0])
    assert np.array_equal(batch.conditions["labels"], turned(painted.batch(rows, ("label",))["label"], turn))


def test_lit_tiles_are_mirrored_along_the_light_and_turned_no_other_way(painted):
    paint = painted_of(painted)
    assert paint.encoding == ColorHeightEncoding.fit([painted.heights(painted.rows("train"))], 90.0)
    (batch,), _ = take(paint.feed(16, START, 0, 1, True, SpeedConfig(), False), 1)
    tiles = next(Loader(painted, "train", 16, 1).stream())
    color, height = paint.encoding.encode(tiles["color"], tiles["height"])
    swapped = 0
    for at in range(16):
        as_it_is = np.array_equal(batch.conditions["labels"][at], tiles["label"][at])
        label = tiles["label"][at] if as_it_is else tiles["label"][at].T
        axes = (0, 1, 2) if as_it_is else (0, 2, 1)
        swapped += not as_it_is
        assert np.array_equal(batch.conditions["labels"][at], label)
        assert np.array_equal(batch["color"][at], color[at].transpose(axes))
        assert np.array_equal(batch["height"][at], height[at].transpose(axes))
    assert 0 < swapped < 16
    (plain,), _ = take(paint.feed(16, START, 0, 1, False, SpeedConfig(), False), 1)
    assert np.array_equal(plain["color"], color)


def test_the_light_of_a_swapped_tile_is_the_light_of_its_ground():
    """A swap of rows and columns keeps a sun in the north-west, so shading and swap commute."""
    height = np.random.default_rng(0).random((16, 16)).astype(np.float32) * 100
    assert np.allclose(hillshade(height.T, 30.0), hillshade(height, 30.0).T, atol=1e-6)
    assert not np.allclose(hillshade(height[:, ::-1], 30.0), hillshade(height, 30.0)[:, ::-1], atol=0.1)

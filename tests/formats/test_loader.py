"""Order of batches: exact epochs, shares of ranks, and a restart with another number of ranks."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import LandloomError
from tasks.formats.shards.loader import Loader
from tasks.formats.shards.shardset import ShardSet

BATCH, WORLD, SEED = st.integers(1, 40), st.integers(1, 5), st.integers(0, 2**31 - 1)


@pytest.fixture(scope="module")
def shards(made) -> ShardSet:
    return ShardSet(made["raw"])


@pytest.fixture(scope="module", params=["raw", "encoded"])
def either(request, made) -> ShardSet:
    return ShardSet(made[request.param])


def walk(shards: ShardSet, steps: int, batch: int, world: int, **position: int) -> tuple[list[int], dict[str, int]]:
    """Return the global order of `steps` steps of a stream over all ranks, and the position at the end."""
    loaders = [Loader(shards, "train", batch, rank=rank, world=world, **position) for rank in range(world)]
    seen = []
    streams = [loader.stream() for loader in loaders]
    for _ in range(steps):
        rows = [next(stream)["row"] for stream in streams]
        seen += np.stack(rows, axis=1).ravel().tolist()
    states = {tuple(loader.state().items()) for loader in loaders}
    assert len(states) == 1, "ranks disagree about the position"
    return seen, loaders[0].state()


def test_a_batch_holds_its_rows(either):
    loader = Loader(either, "train", 16, seed=3)
    for batch in loader:
        expected = either.batch(batch["row"])
        assert set(batch) == {*expected, "row", "epoch"} and not batch["epoch"].any()
        assert all(np.array_equal(batch[name], array) for name, array in expected.items())


def test_without_reading_a_batch_has_the_same_rows(either):
    read, unread = (islice(Loader(either, "train", 16, seed=3, read=which).stream(), 20) for which in (True, False))
    for batch, bare in zip(read, unread, strict=True):
        assert set(bare) == {"row", "epoch"}
        assert all(np.array_equal(bare[name], batch[name]) for name in bare)


def test_kept_batches_do_not_change(either):
    stream = Loader(either, "train", 16, seed=3).stream()
    tensors, rows = zip(
        *((torch.from_numpy(batch["height"]), batch["row"]) for batch in islice(stream, 20)), strict=True
    )
    assert np.array_equal(torch.cat(tensors), either.heights(np.concatenate(rows)))


@settings(max_examples=40)
@given(BATCH, WORLD, SEED, st.integers(0, 3))
def test_an_epoch_is_every_row_once(shards, batch, world, seed, epoch):
    loaders = [
        Loader(shards, "train", batch, seed, rank=rank, world=world, epoch=epoch, drop_last=False)
        for rank in range(world)
    ]
    seen = np.concatenate([batch["row"] for loader in loaders for batch in loader])
    assert sorted(seen) == shards.rows("train").tolist()
    assert all(loader.state() == {"seed": seed, "epoch": epoch + 1, "samples": 0} for loader in loaders)


@settings(max_examples=40)
@given(BATCH, SEED)
def test_dropping_the_last_gives_full_batches_only(shards, batch, seed):
    batches = [batch["row"] for batch in Loader(shards, "train", batch, seed)]
    assert len(batches) == len(shards.rows("train")) // batch
    assert {len(rows) for rows in batches} <= {batch}
    seen = np.concatenate(batches)
    assert len(set(seen)) == len(seen)


@settings(max_examples=40)
@given(BATCH, WORLD, SEED)
def test_a_stream_gives_every_row_once_an_epoch(shards, batch, world, seed):
    count = len(shards.rows("train"))
    steps = -(-2 * count // (batch * world))
    seen, _ = walk(shards, steps, batch, world, seed=seed)
    assert sorted(seen[:count]) == sorted(seen[count : 2 * count]) == shards.rows("train").tolist()
    assert seen[:count] != seen[count : 2 * count]


@settings(max_examples=40)
@given(BATCH, WORLD, SEED)
def test_each_row_of_a_stream_says_its_epoch(shards, batch, world, seed):
    """Also in a batch that holds the end of one epoch and the start of the next."""
    count = len(shards.rows("train"))
    streams = [Loader(shards, "train", batch, seed, rank=rank, world=world).stream() for rank in range(world)]
    seen = []
    for _ in range(-(-2 * count // (batch * world))):
        parts = [next(stream)["epoch"] for stream in streams]
        seen += np.stack(parts, axis=1).ravel().tolist()
    assert seen == [place // count for place in range(len(seen))]


@settings(max_examples=40)
@given(BATCH, WORLD, st.integers(0, 12), BATCH, WORLD, SEED)
def test_a_stream_goes_on_under_another_number_of_ranks(shards, batch, world, steps, other_batch, other_world, seed):
    before, state = walk(shards, steps, batch, world, seed=seed)
    after, _ = walk(shards, 5, other_batch, other_world, **state)
    unbroken, _ = walk(shards, len(before) + len(after), 1, 1, seed=seed)
    assert before + after == unbroken


@settings(max_examples=30)
@given(BATCH, st.integers(0, 5), BATCH, SEED)
def test_an_epoch_goes_on_where_it_stopped(shards, batch, steps, other_batch, seed):
    loader = Loader(shards, "train", batch, seed, drop_last=False)
    before = [rows for item in islice(loader, steps) for rows in item["row"]]
    rest = Loader(shards, "train", other_batch, drop_last=False, **loader.state())
    after = [rows for item in rest for rows in item["row"]]
    if loader.state()["samples"] == 0 and steps:  # the epoch was over: the rest is the next one
        assert before == loader.order(0).tolist() and after == loader.order(1).tolist()
    else:
        assert before + after == loader.order(0).tolist()


def test_decoded_batches_that_were_not_yielded_do_not_count(either):
    stream = (loader := Loader(either, "train", 8, seed=0)).stream()
    next(stream), next(stream)
    assert loader.state() == {"seed": 0, "epoch": 0, "samples": 16}
    stream.close()
    assert np.array_equal(next(loader.stream())["row"], loader.order(0)[16:24])


def test_the_order_depends_only_on_seed_and_epoch(made, shards):
    again = ShardSet(made["raw"], threads=3)
    assert np.array_equal(Loader(again, "train", 9, 5).order(2), Loader(shards, "train", 1, 5, 1, 2).order(2))
    assert not np.array_equal(Loader(again, "train", 9, 5).order(2), Loader(again, "train", 9, 6).order(2))


def test_a_batch_larger_than_the_split(shards):
    with pytest.raises(LandloomError, match="val has 32 tiles, fewer than one batch"):
        next(iter(Loader(shards, "val", 33, 0)))
    assert len(next(Loader(shards, "val", 70, 0).stream())["row"]) == 70
    assert len(next(iter(Loader(shards, "val", 33, 0, drop_last=False)))["row"]) == 32


def test_a_position_of_another_set_is_refused(shards):
    with pytest.raises(LandloomError, match="cannot go on from sample 33 of split val, which has 32"):
        Loader(shards, "val", 1, 0, samples=33)


def test_damage_stops_the_stream_with_its_name(copy):
    path = copy / "train-00000-of-00003.tfrecord"
    content = bytearray(path.read_bytes())
    content[300] ^= 1
    path.write_bytes(content)
    with pytest.raises(LandloomError, match="train-00000-of-00003.tfrecord: record 0 .* is damaged"):
        list(Loader(ShardSet(copy), "train", 10, 0))

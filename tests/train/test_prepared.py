"""Tiles kept in memory: the same batches, each tile prepared once for each turn, within a limit, by several threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from models.core.config import SpeedConfig
from models.core.method import Batch
from models.core.record import method
from tasks.formats.shards.shardset import ShardSet
from tasks.train.prepared import Prepared
from tasks.train.training_tiles import Tiles
from tests.models.settings import CONSISTENCY

START = {"seed": 1, "epoch": 0, "samples": 0}


@pytest.fixture(scope="module")
def tiles(made: Path) -> Tiles:
    record = method("consistency")
    conditions = {"conditions": ["text", "coarse", "sketch", "known"]}
    return Tiles(ShardSet(made / "data" / "small" / "shards"), record, record.params(**{**CONSISTENCY, **conditions}))


def batches(tiles: Tiles, count: int, **speed: float) -> list[Batch]:
    feed = tiles.feed(8, START, 0, 1, True, SpeedConfig(**speed), False)
    try:
        return [next(feed) for _ in range(count)]
    finally:
        feed.close()


def made_up(rows: np.ndarray, turns: np.ndarray) -> Batch:
    image = torch.from_numpy((rows * 10 + turns).astype(np.float32))[:, None].repeat(1, 4)
    return Batch({"image": image}, {"text": image.long()})


@pytest.mark.parametrize("kept_gib", [1.0, 1e-4])
def test_the_batches_are_the_same_with_and_without_memory(tiles, kept_gib):
    count = 3 * len(tiles.shards.rows("train")) // 8
    plain, kept = batches(tiles, count), batches(tiles, count, kept_gib=kept_gib, readers=3)
    for one, other in zip(plain, kept, strict=True):
        for part in ("tensors", "conditions"):
            values, same = getattr(one, part), getattr(other, part)
            assert values.keys() == same.keys()
            assert all(
                np.array_equal(values[name], same[name], equal_nan=name in ("coarse", "known")) for name in values
            )


def test_a_tile_is_prepared_once_for_each_turn():
    memory, asked = Prepared(6, 8, 48, 1 << 20), []

    def batch(rows: list[int], turns: list[int]) -> list[float]:
        rows, turns = np.array(rows), np.array(turns)

        def make(missing: np.ndarray) -> Batch:
            asked.extend(zip(rows[missing].tolist(), turns[missing].tolist(), strict=True))
            return made_up(rows[missing], turns[missing])

        found = memory.batch(rows, turns, make)
        assert torch.equal(found["image"].long(), found.conditions["text"])
        return found["image"][:, 0].tolist()

    assert batch([0, 1, 2], [0, 3, 7]) == [0.0, 13.0, 27.0]
    assert batch([2, 1, 5, 0], [7, 4, 0, 0]) == [27.0, 14.0, 50.0, 0.0]
    assert batch([5, 1, 1], [0, 4, 3]) == [50.0, 14.0, 13.0]
    assert batch([3, 4, 3], [2, 2, 2]) == [32.0, 42.0, 32.0], "a batch with the end of an epoch can have a tile twice"
    assert batch([3], [2]) == [32.0]
    assert asked == [(0, 0), (1, 3), (2, 7), (1, 4), (5, 0), (3, 2), (4, 2), (3, 2)]


def test_with_too_little_memory_the_rest_is_prepared_each_time():
    memory, counts = Prepared(4, 8, 32, 2 * (16 + 32)), []
    rows, turns = np.arange(4), np.zeros(4, int)

    def make(missing: np.ndarray) -> Batch:
        counts.append(int(missing.sum()))
        return made_up(rows[missing], turns[missing])

    for _ in range(3):
        assert memory.batch(rows, turns, make)["image"][:, 0].tolist() == [0.0, 10.0, 20.0, 30.0]
    assert counts == [4, 2, 2], "two tiles of 48 bytes fit"


def test_a_tile_that_came_twice_takes_one_place():
    memory, counts = Prepared(4, 1, 4, 2 * (16 + 32)), []

    def make(missing: np.ndarray) -> Batch:
        counts.append(int(missing.sum()))
        return made_up(rows[missing], np.zeros(missing.sum(), int))

    for rows in map(np.array, ([1, 1], [1, 2], [1, 2])):
        memory.batch(rows, np.zeros(2, int), make)
    assert counts == [2, 1], "both tiles are kept where two fit"


def test_a_limit_below_one_tile_keeps_nothing():
    memory, rows = Prepared(4, 1, 4, 10), np.arange(4)
    for _ in range(2):
        found = memory.batch(rows, np.zeros(4, int), lambda missing: made_up(rows[missing], np.zeros(4, int)))
        assert found["image"][:, 0].tolist() == [0.0, 10.0, 20.0, 30.0]


def test_threads_share_it():
    memory, rng = Prepared(50, 8, 400, 1 << 20), np.random.default_rng(0)
    wanted = [(rng.integers(0, 50, 16), rng.integers(0, 8, 16)) for _ in range(200)]

    def run(pair: tuple[np.ndarray, np.ndarray]) -> Batch:
        rows, turns = pair
        return memory.batch(rows, turns, lambda missing: made_up(rows[missing], turns[missing]))

    with ThreadPoolExecutor(8) as pool:
        for (rows, turns), found in zip(wanted, pool.map(run, wanted), strict=True):
            assert torch.equal(found["image"], made_up(rows, turns)["image"])

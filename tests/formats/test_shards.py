"""Random access to shard sets, and detection of each kind of damage by name."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import LandloomError
from tasks.formats.shards.shardset import ShardSet, verify


def flip(path, byte: int, bit: int = 0) -> None:
    content = bytearray(path.read_bytes())
    content[byte] ^= 1 << bit
    path.write_bytes(content)


def test_any_rows_in_any_order(made):
    shards = ShardSet(made["raw"])
    rows = shards.rows("train")
    every = shards.heights(rows)
    chosen = np.random.default_rng(0).integers(0, len(rows), 200)  # repeats, and all shards
    assert np.array_equal(shards.heights(rows[chosen]), every[chosen])
    assert every.dtype == np.float32 and every.flags.c_contiguous and every.flags.writeable


def test_both_encodings_hold_the_same_pixels(made):
    raw, encoded = ShardSet(made["raw_pair"]), ShardSet(made["encoded"])
    rows = np.arange(len(raw))
    first, second = raw.batch(rows), encoded.batch(rows)
    assert list(first) == list(second) == ["height", "color", "label"]
    assert np.array_equal(first["color"], second["color"]) and np.array_equal(first["label"], second["label"])
    assert np.abs(first["height"] - second["height"]).max() <= 0.0501


def test_a_view_is_the_file_itself(made):
    shards = ShardSet(made["raw_pair"])
    for name in ("height", "color", "label"):
        rows = np.flatnonzero(shards.index["shard"] == "train-00001-of-00003.tfrecord")
        view = shards.view("train-00001-of-00003.tfrecord", name)
        assert np.array_equal(view, shards.batch(rows, [name])[name]) and not view.flags.writeable
        assert not view.flags.owndata
    assert shards.view("train-00001-of-00003.tfrecord", "height").__array_interface__["data"][0] % 64 == 0
    with pytest.raises(LandloomError, match="only `encoding: raw`"):
        ShardSet(made["encoded"]).view("train-00001-of-00003.tfrecord", "height")


def test_no_rows_give_empty_arrays(made):
    for name in ("raw", "encoded"):
        assert ShardSet(made[name]).heights(np.array([], int)).shape == (0, 32, 32)


def test_a_missing_array_is_named(made):
    with pytest.raises(LandloomError, match="no color; they have height"):
        ShardSet(made["raw"]).batch(np.arange(2), ["color"])


def test_a_set_can_have_more_shards_than_open_files(made, monkeypatch):
    monkeypatch.setattr("tasks.formats.shards.shardset._OPEN_FILES", 1)
    for name in ("raw", "encoded"):
        shards = ShardSet(made[name], threads=4)
        shuffled = np.random.default_rng(1).permutation(len(shards))
        assert np.array_equal(shards.heights(shuffled), ShardSet(made[name]).heights(shuffled))
        assert len(shards._files) == 1


def test_verify_counts_a_sound_set(copy):
    assert verify(copy) == 127


def test_a_flipped_bit_is_named_by_shard_record_and_tile(copy):
    index = pd.read_parquet(copy / "index.parquet")
    for row in np.random.default_rng(2).integers(0, len(index), 6):
        record = index.iloc[row]
        at = int(record.offset + np.random.default_rng(row).integers(0, record.length))
        flip(copy / record["shard"], at)
        named = rf"{record['shard']}: record {record.record} \(tile {record.key}\) is damaged: .*checksum"
        with pytest.raises(LandloomError, match=named):
            verify(copy)
        with pytest.raises(LandloomError, match=named):
            ShardSet(copy).batch(np.arange(len(index)))
        flip(copy / record["shard"], at)
    assert verify(copy) == len(index)


def test_verify_counts_all_damaged_records(copy):
    index = pd.read_parquet(copy / "index.parquet")
    for row in (3, 50, 99):
        flip(copy / index["shard"][row], int(index["offset"][row]) + 200)
    with pytest.raises(LandloomError, match=r"record 3 .*\(2 more of 127 records are damaged\)"):
        verify(copy)


def test_a_truncated_shard_is_named_on_opening(copy):
    path = copy / "train-00001-of-00003.tfrecord"
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(
        LandloomError, match=r"train-00001-of-00003.tfrecord: .* cut short, [12] of 32 records are lost"
    ):
        ShardSet(copy)


def test_trailing_bytes_are_named(copy):
    with (copy / "val-00000-of-00001.tfrecord").open("ab") as stream:
        stream.write(b"x")
    with pytest.raises(LandloomError, match="val-00000-of-00001.tfrecord: .*longer than its index says"):
        ShardSet(copy)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("card.json", "missing; run the shard stage"),
        ("index.parquet", "missing"),
        ("train-00000-of-00003.tfrecord", "this shard cannot be read: No such file"),
        ("train-00000-of-00003.idx", "this index is missing"),
    ],
)
def test_a_missing_file_is_named(copy, name, reason):
    (copy / name).unlink()
    with pytest.raises(LandloomError, match=f"{name}: {reason}"):
        ShardSet(copy)


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("card.json", "{", "not a readable card"),
        ("card.json", "[]", "format is None"),
        ("card.json", '{"format": "other/9"}', "format is 'other/9'"),
        ("index.parquet", "no table", "not a readable Parquet"),
        ("train-00000-of-00003.idx", "0 100\n", "does not match index.parquet"),
        ("train-00000-of-00003.idx", "", "does not match index.parquet"),
    ],
)
def test_a_broken_side_file_is_named(copy, name, content, reason):
    (copy / name).write_text(content)
    with pytest.raises(LandloomError, match=f"{name}: {reason}"):
        ShardSet(copy)


def test_an_index_of_other_shards_is_refused(copy):
    card = json.loads((copy / "card.json").read_text())
    card["shards"].pop()
    (copy / "card.json").write_text(json.dumps(card))
    with pytest.raises(LandloomError, match="names val-00000-of-00001.tfrecord, which the card does not"):
        ShardSet(copy)


def test_a_sound_shard_in_anothers_place_is_found(made, tmp_path):
    """Raw records have the same length, so only their keys distinguish two shards."""
    folder = shutil.copytree(made["raw"], tmp_path / "shards")
    paths = [folder / f"train-0000{number}-of-00003.tfrecord" for number in (1, 2)]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    with pytest.raises(LandloomError, match="holds tile 'scene1/00064_00000', not the one the index says"):
        verify(folder)
    with pytest.raises(LandloomError, match="holds another tile than the index says"):
        ShardSet(folder).heights(np.arange(60))

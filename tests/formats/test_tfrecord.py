"""Frames, checksums and the index."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import LandloomError
from tasks.formats.shards.tfrecord import FRAME, frame, index_text, read_index, unframe

# What tf.io.TFRecordWriter 2.21 wrote for b"landloom".
TENSORFLOW = "0800000000000000ff86240f6c616e646c6f6f6d50622255"


def test_a_record_as_tensorflow_writes_it():

    assert frame(b"landloom").hex() == TENSORFLOW


@given(st.binary(max_size=500))
def test_a_framed_body_is_read_back(body):
    record = frame(body)
    assert len(record) == len(body) + FRAME and unframe(record) == body


@given(st.binary(max_size=200), st.data())
def test_any_flipped_bit_is_found(body, data):
    record = bytearray(frame(body))
    bit = data.draw(st.integers(0, len(record) * 8 - 1))
    record[bit // 8] ^= 1 << bit % 8
    with pytest.raises(ValueError, match="checksum"):
        unframe(bytes(record))


@given(st.binary(max_size=200), st.data())
def test_any_cut_is_found(body, data):
    record = frame(body)
    with pytest.raises(ValueError):
        unframe(record[: data.draw(st.integers(0, len(record) - 1))])


@given(st.lists(st.integers(FRAME, 10**9), max_size=20))
def test_the_index_is_read_as_written(tmp_path_factory, lengths):
    shard = tmp_path_factory.mktemp("index") / "a.tfrecord"
    shard.with_suffix(".idx").write_text(index_text(lengths))
    table = read_index(shard)
    assert table[:, 1].tolist() == lengths
    assert table[:, 0].tolist() == [sum(lengths[:at]) for at in range(len(lengths))]


@pytest.mark.parametrize("text", ["0 12\n12", "0 a\n", "0 " + "9" * 30 + "\n"])
def test_a_broken_index_is_named(tmp_path, text):
    (tmp_path / "a.idx").write_text(text)
    with pytest.raises(LandloomError, match=r"a\.idx: not a readable index"):
        read_index(tmp_path / "a.tfrecord")

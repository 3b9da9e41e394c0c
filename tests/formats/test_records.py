"""Records: reading returns the written values; fixed records have fixed positions of bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.formats.shards.records import (
    ALIGNMENT,
    RecordSpec,
    decode_record,
    encode_record,
    key_entry,
    make_spec,
    padding,
    payload_bytes,
)

LAYERS = st.sets(st.sampled_from(["height", "color", "label"]), min_size=1).map(sorted)
TEXTS = st.lists(st.tuples(st.text(min_size=1, max_size=60), st.none() | st.text(max_size=400)), min_size=1, max_size=6)


def arrays_of(spec: RecordSpec, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        field.name: (rng.integers(0, 200, field.shape) + (0.25 if field.name == "height" else 0)).astype(field.dtype)
        for field in spec.fields
    }


@given(LAYERS, st.integers(8, 70), st.sampled_from(["raw", "png16"]), TEXTS, st.integers(0, 2**32))
def test_round_trip_of_any_shape_and_text(layers, px, encoding, texts, seed):
    spec = make_spec(layers, px, encoding, 0.25, texts)
    assert RecordSpec.from_json(spec.to_json()) == spec
    lengths = set()
    for key, caption in texts:
        arrays = arrays_of(spec, seed)
        record = encode_record(spec, key, caption, arrays)
        out = {name: np.empty_like(array) for name, array in arrays.items()}
        assert decode_record(spec, record, out) == (key, (caption or "") if spec.caption else None)
        assert all(np.array_equal(out[name], array) for name, array in arrays.items())
        assert payload_bytes(spec, record, key, caption) < len(record)
        lengths.add(len(record))
        if spec.record_bytes is not None:
            assert spec.offsets[spec.fields[0].name] % ALIGNMENT == 0
            assert record.startswith(key_entry(key), spec.text_at)
            for field in spec.fields:
                at = spec.offsets[field.name]
                assert record[at : at + field.nbytes] == arrays[field.name].tobytes()
    if encoding == "raw":
        assert lengths == {spec.record_bytes} and spec.record_bytes % ALIGNMENT == 0


def test_colour_as_webp_keeps_its_quality_in_the_card():
    spec = make_spec(["color", "label"], 32, "webp", 0.25, [("k", None)], 90)
    assert RecordSpec.from_json(spec.to_json()) == spec and spec.color_quality == 90
    arrays = arrays_of(spec, 0)
    out = {name: np.empty_like(array) for name, array in arrays.items()}
    decode_record(spec, encode_record(spec, "k", None, arrays), out)
    assert (
        np.array_equal(out["label"], arrays["label"]) and np.abs(out["color"].astype(int) - arrays["color"]).max() > 0
    )


@pytest.mark.parametrize("name", ["pad", "align"])
def test_padding_has_every_possible_size(name):
    shortest = len(padding(name, None))
    sizes = [*range(shortest, 600), *range(16370, 16420)]
    assert [len(padding(name, size)) for size in sizes] == sizes
    with pytest.raises(ValueError):
        padding(name, shortest - 1)


def test_padding_stays_under_two_percent_of_a_tile_of_64():
    rng = np.random.default_rng(0)
    texts = [(f"N46E008-90m-{n:03}/{n:05}_{n:05}", "x" * int(rng.integers(60, 200))) for n in range(200)]
    spec = make_spec(["height"], 64, "raw", 0.1, texts)
    payload = sum(64 * 64 * 4 + len(key) + len(caption) for key, caption in texts)
    assert len(texts) * spec.record_bytes / payload <= 1.02


def test_only_the_wanted_arrays_are_decoded():
    spec = make_spec(["height", "color"], 8, "png16", 0.25, [("k", None)])
    record = encode_record(spec, "k", None, arrays_of(spec, 0))
    out = {"height": np.zeros((8, 8), np.float32)}
    decode_record(spec, record, out)
    assert out["height"].any() and list(out) == ["height"]


def test_a_record_of_another_spec_is_refused():
    spec = make_spec(["height"], 8, "png16", 0.25, [("k", None)])
    other = make_spec(["height", "label"], 8, "png16", 0.25, [("k", None)])
    record = encode_record(spec, "k", None, arrays_of(spec, 0))
    with pytest.raises(ValueError, match="label"):
        decode_record(other, record, arrays_of(other, 0))


def test_an_array_that_does_not_fit_the_spec_is_refused():
    spec = make_spec(["height"], 8, "raw", 0.1, [("k", None)])
    with pytest.raises(ValueError, match="the spec says"):
        encode_record(spec, "k", None, {"height": np.zeros((8, 8))})

"""Our `tf.train.Example` code against the protobuf library, in both directions, and on garbage."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st

from tasks.formats.shards.example import bytes_feature, entry, example, float_feature, int_feature, parse

FEATURES = st.dictionaries(
    st.text(max_size=20),
    st.lists(st.binary(max_size=300), min_size=1, max_size=3)
    | st.lists(st.floats(width=32, allow_nan=False), min_size=1, max_size=5).map(tuple)
    | st.lists(st.integers(-(2**63), 2**63 - 1), min_size=1, max_size=5).map(tuple),
    max_size=5,
)


def message_class() -> type:
    """`tf.train.Example` as its .proto file has it, built without TensorFlow."""
    file = descriptor_pb2.FileDescriptorProto(name="example.proto", package="t", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, kind in (
        ("BytesList", kinds.TYPE_BYTES),
        ("FloatList", kinds.TYPE_FLOAT),
        ("Int64List", kinds.TYPE_INT64),
    ):
        file.message_type.add(name=name).field.add(name="value", number=1, type=kind, label=kinds.LABEL_REPEATED)
    feature = file.message_type.add(name="Feature")
    feature.oneof_decl.add(name="kind")
    for number, (name, kind) in enumerate((("bytes", "BytesList"), ("float", "FloatList"), ("int64", "Int64List")), 1):
        feature.field.add(
            name=f"{name}_list", number=number, type=kinds.TYPE_MESSAGE, type_name=f".t.{kind}", oneof_index=0,
            label=kinds.LABEL_OPTIONAL,
        )  # fmt: skip
    features = file.message_type.add(name="Features")
    item = features.nested_type.add(name="FeatureEntry")
    item.options.map_entry = True
    item.field.add(name="key", number=1, type=kinds.TYPE_STRING, label=kinds.LABEL_OPTIONAL)
    item.field.add(name="value", number=2, type=kinds.TYPE_MESSAGE, type_name=".t.Feature", label=kinds.LABEL_OPTIONAL)
    features.field.add(
        name="feature", number=1, type=kinds.TYPE_MESSAGE, type_name=".t.Features.FeatureEntry",
        label=kinds.LABEL_REPEATED,
    )  # fmt: skip
    whole = file.message_type.add(name="Example").field
    whole.add(name="features", number=1, type=kinds.TYPE_MESSAGE, type_name=".t.Features", label=kinds.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Example"))


Example = message_class()


def write(features: dict) -> bytes:
    makers = {bytes: bytes_feature, float: float_feature, int: int_feature}
    return example([entry(name, makers[type(values[0])](*values)) for name, values in features.items()])


def plain(parsed: dict) -> dict:
    return {name: [bytes(v) for v in vs] if isinstance(vs, list) else tuple(vs.tolist()) for name, vs in parsed.items()}


@given(FEATURES)
def test_written_features_are_read_back(features):
    assert plain(parse(write(features))) == features


@given(FEATURES)
def test_protobuf_reads_what_we_write(features):
    message = Example.FromString(write(features))
    found = {}
    for name, feature in message.features.feature.items():
        values = getattr(feature, feature.WhichOneof("kind")).value
        found[name] = list(values) if feature.WhichOneof("kind") == "bytes_list" else tuple(values)
    assert found == features


@given(FEATURES)
def test_we_read_what_protobuf_writes(features):
    message = Example()
    for name, values in features.items():
        kind = {bytes: "bytes_list", float: "float_list", int: "int64_list"}[type(values[0])]
        getattr(message.features.feature[name], kind).value.extend(values)
    assert plain(parse(message.SerializeToString())) == features


def test_unpacked_numbers_are_read():
    floats = b"".join(b"\x0d" + np.float32(value).tobytes() for value in (1.5, -2.0))
    ints = b"\x08\x07\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    message = example(
        [entry("f", b"\x12" + bytes([len(floats)]) + floats), entry("i", b"\x1a" + bytes([len(ints)]) + ints)]
    )
    assert plain(parse(message)) == {"f": (1.5, -2.0), "i": (7, -1)}


@given(st.binary(max_size=200))
def test_garbage_raises_a_value_error_only(garbage):
    with contextlib.suppress(ValueError):
        parse(garbage)


@given(FEATURES.filter(len), st.data())
def test_a_cut_message_is_refused(features, data):
    message = write(features)
    with pytest.raises(ValueError):
        parse(message[: data.draw(st.integers(1, len(message) - 1))])

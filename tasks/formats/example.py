"""`tf.train.Example`, written and read without TensorFlow.

The message is a map from names to lists, five nested levels of tag and length:

    Example {Features {repeated entry {string name = 1; Feature {one of bytes = 1, float = 2, int64 = 3}}}}

We write canonical protobuf (shortest varints, packed numbers), in the order given, so that the same
features are always the same bytes; we read any valid encoding of the message.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

Buffer = bytes | memoryview
Values = list[memoryview] | np.ndarray

BYTES, FLOATS, INTS = 1, 2, 3  # field numbers inside Feature
_LENGTH_DELIMITED = 2  # protobuf wire type


def varint(value: int) -> bytes:
    """A non-negative integer in base 128, lowest group first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def bytes_feature(*values: Buffer) -> bytes:
    """A Feature holding byte strings."""
    return _nested(BYTES, b"".join(_nested(1, value) for value in values))


def float_feature(*values: float) -> bytes:
    """A Feature holding float32 numbers."""
    return _nested(FLOATS, _nested(1, np.asarray(values, "<f4").tobytes()))


def int_feature(*values: int) -> bytes:
    """A Feature holding int64 numbers (negative ones as two's complement, as protobuf wants)."""
    return _nested(INTS, _nested(1, b"".join(varint(value % 2**64) for value in values)))


def entry(name: str, feature: bytes) -> bytes:
    """One entry of the map. A single byte string stands at its very end."""
    return _nested(1, _nested(1, name.encode()) + _nested(2, feature))


def example(entries: list[bytes]) -> bytes:
    """The whole message."""
    return _nested(1, b"".join(entries))


def parse(message: Buffer) -> dict[str, Values]:
    """The features by name: byte strings as views into `message`, numbers as float32 or int64 arrays.

    Raises:
        ValueError: `message` is no Example.
    """
    features: dict[str, Values] = {}
    for features_message in _fields(memoryview(message), 1):
        for map_entry in _fields(features_message, 1):
            parts = dict(_all_fields(map_entry))
            name, feature = parts.get(1, b""), parts.get(2, b"")
            if isinstance(name, int) or isinstance(feature, int):
                raise ValueError("an entry of the map is a number")
            features[bytes(name).decode()] = _values(memoryview(feature))
    return features


def _values(feature: memoryview) -> Values:
    kind, values = BYTES, memoryview(b"")
    for kind, values in _all_fields(feature):  # noqa: B007  the last of a `oneof` wins
        if isinstance(values, int):
            raise ValueError("a feature is a number")
    if kind == BYTES:
        return list(_fields(values, 1))
    if kind == FLOATS:
        chunks = [bytes(chunk) for number, chunk in _all_fields(values, floats=True) if number == 1]
        return np.frombuffer(b"".join(chunks), "<f4")
    numbers: list[int] = []
    for number, chunk in _all_fields(values):
        if number == 1:
            numbers += [chunk] if isinstance(chunk, int) else _varints(chunk)
    return np.array(numbers, np.uint64).astype(np.int64)


def _nested(number: int, content: Buffer) -> bytes:
    return b"".join((varint(number << 3 | _LENGTH_DELIMITED), varint(len(content)), content))


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The length-delimited fields of one number."""
    for number, value in _all_fields(message):
        if number == wanted:
            if isinstance(value, int):
                raise ValueError("a number where a message or a string should be")
            yield value


def _all_fields(message: memoryview, floats: bool = False) -> Iterator[tuple[int, memoryview | int]]:
    """(number, value) of every field; four-byte values only where `floats` are expected."""
    position = 0
    while position < len(message):
        tag, position = _read_varint(message, position)
        wire = tag & 7
        if wire == 0:
            value, position = _read_varint(message, position)
            yield tag >> 3, value
            continue
        if wire == _LENGTH_DELIMITED:
            length, position = _read_varint(message, position)
        elif wire == 5 and floats:
            length = 4
        else:
            raise ValueError(f"wire type {wire} does not occur in an Example")
        if position + length > len(message):
            raise ValueError("a field is longer than its message")
        yield tag >> 3, message[position : position + length]
        position += length


def _varints(message: memoryview) -> list[int]:
    numbers, position = [], 0
    while position < len(message):
        number, position = _read_varint(message, position)
        numbers.append(number)
    return numbers


def _read_varint(message: memoryview, position: int) -> tuple[int, int]:
    if position < len(message) and (value := message[position]) < 0x80:  # nearly all: tags and short lengths
        return value, position + 1
    value = shift = 0
    while position < len(message) and shift < 70:
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), position
        shift += 7
    raise ValueError("a varint does not end")

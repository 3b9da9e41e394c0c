"""Writing and reading of `tf.train.Example` messages without TensorFlow.

The message is a map from names to lists. It has five nested levels of tag and length:

    Example {Features {repeated entry {string name = 1; Feature {one of bytes = 1, float = 2, int64 = 3}}}}

The writer emits canonical protobuf (shortest varints, packed numbers) in the given order, so the same features always
give the same bytes. The reader accepts any valid encoding of the message.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Buffer = bytes | memoryview
Values = list[memoryview] | np.ndarray

BYTES, FLOATS, INTS = 1, 2, 3  # field numbers inside Feature
_LENGTH_DELIMITED = 2  # protobuf wire type
_EMPTY = (0, 0)  # the range of an absent part


def varint(value: int) -> bytes:
    """Encode a non-negative integer in base 128, lowest group first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    groups.append(value)
    return bytes(groups)


def bytes_feature(*values: Buffer) -> bytes:
    """Encode a Feature of byte strings."""
    return _nested(BYTES, b"".join(_nested(1, value) for value in values))


def float_feature(*values: float) -> bytes:
    """Encode a Feature of float32 numbers."""
    return _nested(FLOATS, _nested(1, np.asarray(values, "<f4").tobytes()))


def int_feature(*values: int) -> bytes:
    """Encode a Feature of int64 numbers. Negative numbers are encoded as two's complement, as protobuf requires."""
    return _nested(INTS, _nested(1, b"".join(varint(value % 2**64) for value in values)))


def entry(name: str, feature: bytes) -> bytes:
    """Encode one entry of the map. The bytes of a single byte string are at the end of the entry."""
    return _nested(1, _nested(1, name.encode()) + _nested(2, feature))


def example(entries: list[bytes]) -> bytes:
    """Encode the whole message."""
    return _nested(1, b"".join(entries))


def parse(message: Buffer) -> dict[str, Values]:
    """Decode the features by name: byte strings as memory views, numbers as float32 or int64 arrays.

    Raises:
        ValueError: `message` is not a valid Example.
    """
    data = bytes(message)
    features: dict[str, Values] = {}
    for start, stop in _inner(data, 0, len(data), 1):
        for entry_start, entry_stop in _inner(data, start, stop, 1):
            parts = {number: (low, high) for number, low, high in _fields(data, entry_start, entry_stop)}
            low, high = _delimited(parts.get(1, _EMPTY))
            features[data[low:high].decode()] = _values(data, *_delimited(parts.get(2, _EMPTY)))
    return features


def _values(data: bytes, start: int, stop: int) -> Values:
    parts = _fields(data, start, stop)
    if not parts:
        return []
    kind, *place = parts[-1]  # the last field of a `oneof` counts
    start, stop = _delimited(place)
    if kind == BYTES:
        view = memoryview(data)
        return [view[low:high] for low, high in _inner(data, start, stop, 1)]
    if kind == FLOATS:
        chunks = [data[low:high] for number, low, high in _fields(data, start, stop, floats=True) if number == 1]
        return np.frombuffer(b"".join(chunks), "<f4")
    numbers: list[int] = []
    for number, low, high in _fields(data, start, stop):
        if number == 1:
            numbers += [low] if high is None else _varints(data, low, high)
    return np.array(numbers, np.uint64).astype(np.int64)


def _nested(number: int, content: Buffer) -> bytes:
    return b"".join((varint(number << 3 | _LENGTH_DELIMITED), varint(len(content)), content))


def _inner(data: bytes, start: int, stop: int, wanted: int) -> list[tuple[int, int]]:
    """Return (start, stop) of each message or string with the field number `wanted`."""
    return [_delimited((low, high)) for number, low, high in _fields(data, start, stop) if number == wanted]


def _delimited(place: Sequence[int | None]) -> tuple[int, int]:
    if place[1] is None:
        raise ValueError("a number where a message or a string should be")
    return place


def _fields(data: bytes, position: int, end: int, floats: bool = False) -> list[tuple[int, int, int | None]]:
    """Return (number, start, stop) of each field of a message, or (number, value, None) if the field is a varint.

    Positions are faster than slices, and every decoded tile runs this function. Four-byte values are valid only if
    `floats` is true.
    """
    found: list[tuple[int, int, int | None]] = []
    while position < end:
        tag = data[position]
        if tag < 0x80:  # the usual case; a function call for each byte would take most of the time
            position += 1
        else:
            tag, position = _read_varint(data, position, end)
        wire = tag & 7
        if wire == 0:
            value, position = _read_varint(data, position, end)
            found.append((tag >> 3, value, None))
            continue
        if wire == _LENGTH_DELIMITED:
            length, position = _read_varint(data, position, end)
        elif wire == 5 and floats:
            length = 4
        else:
            raise ValueError(f"wire type {wire} does not occur in an Example")
        if position + length > end:
            raise ValueError("a field is longer than its message")
        found.append((tag >> 3, position, position + length))
        position += length
    return found


def _varints(data: bytes, position: int, end: int) -> list[int]:
    numbers = []
    while position < end:
        number, position = _read_varint(data, position, end)
        numbers.append(number)
    return numbers


def _read_varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    if position < end and (value := data[position]) < 0x80:
        return value, position + 1
    value = shift = 0
    while position < end and shift < 70:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & (2**64 - 1), position
        shift += 7
    raise ValueError("a varint does not end")

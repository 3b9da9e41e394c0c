"""Records: one tile as a `tf.train.Example` in a TFRecord file.

A `RecordSpec` says which arrays a record holds and how each is coded. Where all are `raw`, every
record of the set has one length (a multiple of 64 bytes) and the arrays stand first, the first of
them 64 bytes aligned, so that a memory map of a shard *is* the array of its tiles:

    | frame, headers, align | height | color | label | key | caption | pad | checksum |
    0                       offset 64·k                                         record_bytes

`align` and `pad` are features too, which every reader skips. Otherwise records vary in length and
are found through the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np

from tasks.formats.shards.codecs import CODECS
from tasks.formats.shards.example import Values, bytes_feature, entry, example, parse, varint
from tasks.formats.shards.tfrecord import FRAME, HEAD, frame, unframe

ALIGNMENT = 64
ENCODINGS = {
    "raw": {"height": "raw", "color": "raw", "label": "raw"},
    "png16": {"height": "png16", "color": "png8", "label": "png8"},
}
"""Codec of each array under each `encoding` of params.yaml."""

_ARRAYS = {
    "height": ("<f4", 1),
    "color": ("|u1", 3),
    "label": ("|u1", 1),
}  # dtype, channels; the float first: alignment


@dataclass(frozen=True)
class Field:
    """One array of a record: feature `name`, its decoded shape (H, W) or (H, W, 3) and dtype, its codec."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    codec: str

    @property
    def nbytes(self) -> int:
        """Bytes of the decoded array."""
        return prod(self.shape) * np.dtype(self.dtype).itemsize


@dataclass(frozen=True)
class RecordSpec:
    """What the records of a set hold.

    Attributes:
        fields: the arrays, in the order in which they stand.
        caption: whether there is a `caption` feature (`key` always is).
        height_step: metres a step where heights are png16 (doubled where a tile's range needs it), else None.
        record_bytes: length of every record, its frame included; None where lengths vary.
    """

    fields: tuple[Field, ...]
    caption: bool
    height_step: float | None
    record_bytes: int | None

    @cached_property
    def offsets(self) -> dict[str, int]:
        """Byte at which each array starts in a record, its frame included; empty where lengths vary."""
        if self.record_bytes is None:
            return {}
        position = self._arrays_at
        offsets = {}
        for field in self.fields:
            position += _header(field.name, field.nbytes)
            offsets[field.name] = position
            position += field.nbytes
        return offsets

    @property
    def text_at(self) -> int:
        """Byte at which the entry of `key` starts in a record of fixed length."""
        last = self.fields[-1]
        return self.offsets[last.name] + last.nbytes

    @property
    def _arrays_at(self) -> int:
        """Byte at which the first array's entry starts: after the frame, the message's head and `align`."""
        return _message_head(self.record_bytes) + len(_align(self.record_bytes, self.fields[0]))

    def to_json(self) -> dict[str, Any]:
        """For the card: the attributes, and each array's offset where it has one."""
        return {
            **asdict(self),
            "fields": [{**asdict(field), "offset": self.offsets.get(field.name)} for field in self.fields],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RecordSpec:
        """The spec of a card."""
        fields = tuple(
            Field(field["name"], tuple(field["shape"]), field["dtype"], field["codec"]) for field in value["fields"]
        )
        return cls(fields, value["caption"], value["height_step"], value["record_bytes"])


def make_spec(
    layers: list[str], px: int, encoding: str, height_step: float, texts: list[tuple[str, str | None]]
) -> RecordSpec:
    """The spec of a set of tiles.

    Args:
        layers: which of height, color and label the tiles have.
        px: side of a tile.
        encoding: a key of `ENCODINGS`.
        texts: key and caption of every tile; the longest decide the length of fixed records.
    """
    fields = []
    for name, (dtype, channels) in _ARRAYS.items():
        if name in layers:
            shape = (px, px) if channels == 1 else (px, px, channels)
            fields.append(Field(name, shape, dtype, ENCODINGS[encoding][name]))
    caption = any(text is not None for _, text in texts)
    step = height_step if any(field.codec == "png16" for field in fields) else None
    spec = RecordSpec(tuple(fields), caption, step, None)
    if any(field.codec != "raw" for field in fields):
        return spec
    longest = max(len(b"".join(_text_entries(spec, key, text))) for key, text in texts)
    return RecordSpec(spec.fields, caption, step, _fixed_length(spec.fields, longest + _PAD_MIN))


def encode_record(spec: RecordSpec, key: str, caption: str | None, arrays: Mapping[str, np.ndarray]) -> bytes:
    """The whole record, its frame included."""
    coded: list[bytes] = []
    for field in spec.fields:
        array = arrays[field.name]
        if array.shape != field.shape or array.dtype != np.dtype(field.dtype):
            raise ValueError(
                f"{key}: {field.name} is {array.dtype} {array.shape}, the spec says {field.dtype} {field.shape}"
            )
        features = CODECS[field.codec][0](field.name, array, spec.height_step)
        coded += [entry(name, feature) for name, feature in features.items()]
    text = _text_entries(spec, key, caption)
    if spec.record_bytes is None:
        return frame(example([*text, *coded]))
    entries = [_align(spec.record_bytes, spec.fields[0]), *coded, *text]
    room = spec.record_bytes - (_message_head(spec.record_bytes) + FRAME - HEAD) - sum(map(len, entries))
    record = frame(example([*entries, padding("pad", room)]))
    if len(record) != spec.record_bytes:
        raise AssertionError(f"{key}: {len(record)} bytes where the spec says {spec.record_bytes}")
    return record


def decode_record(spec: RecordSpec, record: bytes, out: Mapping[str, np.ndarray]) -> tuple[str, str | None]:
    """Check a record's checksums, decode the arrays named in `out` into it, and give key and caption.

    Raises:
        ValueError: the record is damaged or not of this spec; says how.
    """
    features = parse(unframe(record))
    try:
        for field in spec.fields:
            if field.name in out:
                CODECS[field.codec][1](field.name, features, out[field.name])
        return _text(features, "key"), _text(features, "caption") if spec.caption else None
    except (KeyError, IndexError, TypeError) as error:
        raise ValueError(f"a feature is missing or of the wrong kind: {error}") from None


def payload_bytes(spec: RecordSpec, record: bytes, key: str, caption: str | None) -> int:
    """Bytes that a record exists for: coded arrays, key and caption."""
    text = len(key.encode()) + len((caption or "").encode())
    if spec.record_bytes is not None:
        return sum(field.nbytes for field in spec.fields) + text
    features = parse(record[HEAD : HEAD - FRAME])
    return sum(len(features[field.name][0]) for field in spec.fields) + text


def key_entry(key: str) -> bytes:
    """The entry of `key` as it stands in a record."""
    return entry("key", bytes_feature(key.encode()))


def _text_entries(spec: RecordSpec, key: str, caption: str | None) -> list[bytes]:
    entries = [key_entry(key)]
    if spec.caption:
        entries.append(entry("caption", bytes_feature((caption or "").encode())))
    return entries


def _text(features: dict[str, Values], name: str) -> str:
    return bytes(features[name][0]).decode()


def _header(name: str, nbytes: int) -> int:
    """Bytes of an array's entry that stand before the array."""
    return len(entry(name, bytes_feature(bytes(nbytes)))) - nbytes


def _message_head(record_bytes: int) -> int:
    """Bytes before the first entry: the frame's head, then tag and length of the one `Features` message."""
    body = record_bytes - FRAME
    inner = next(size for size in range(body - 11, body) if 1 + len(varint(size)) + size == body)
    return HEAD + body - inner


@lru_cache(maxsize=64)
def _align(record_bytes: int, first: Field) -> bytes:
    """The entry that moves the first array to a multiple of 64 bytes."""
    gap = -(_message_head(record_bytes) + _header(first.name, first.nbytes)) % ALIGNMENT
    while 0 < gap < len(padding("align", None)):
        gap += ALIGNMENT
    return padding("align", gap) if gap else b""


@lru_cache(maxsize=64)
def _fixed_length(fields: tuple[Field, ...], text: int) -> int:
    """The smallest multiple of 64 bytes that holds the arrays and `text` bytes of entries after them."""
    length = sum(_header(field.name, field.nbytes) + field.nbytes for field in fields) + text
    length = -(-length // ALIGNMENT) * ALIGNMENT
    while True:
        used = _message_head(length) + len(_align(length, fields[0])) + FRAME - HEAD
        used += sum(_header(field.name, field.nbytes) + field.nbytes for field in fields) + text
        if used <= length:
            return length
        length += ALIGNMENT


@lru_cache(maxsize=4096)
def padding(name: str, size: int | None) -> bytes:
    """Entries of zeros that are exactly `size` bytes long together (None: the shortest there is).

    A longer entry needs longer lengths too, at four levels, so a few sizes cannot be had with one entry:
    these take two.
    """
    shortest = entry(name, bytes_feature(b""))
    if size is None or size == len(shortest):
        return shortest
    most = size - len(shortest)
    for zeros in range(max(0, most - 24), most + 1):
        candidate = entry(name, bytes_feature(bytes(zeros)))
        if len(candidate) == size:
            return candidate
    if most < len(shortest):
        raise ValueError(f"no padding of {size} bytes")
    return shortest + padding(f"{name}+", most)


_PAD_MIN = len(padding("pad", None))

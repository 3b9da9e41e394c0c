"""Records: one tile as a `tf.train.Example` in a TFRecord file.

A `RecordSpec` says which arrays a record holds and which codec each has. If all codecs are `raw`, all records of the
set have the same length, a multiple of 64 bytes. The arrays come first, and the first array is aligned to 64 bytes. A
memory map of a shard is then an array of all its tiles:

    | frame, headers, align | height | color | label | key | caption | pad | checksum |
    0                       offset 64·k                                         record_bytes

`align` and `pad` are features too, which readers skip. With other codecs, records vary in length, and the index says
where they are.
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
    "webp": {"height": "png16", "color": "webp", "label": "png8"},
}
"""Codec of each array under each `encoding` of params.yaml."""

_ARRAYS = {
    "height": ("<f4", 1),
    "color": ("|u1", 3),
    "label": ("|u1", 1),
}  # dtype, channels; the float first: alignment


@dataclass(frozen=True)
class Field:
    """One array of a record: name of its feature, decoded shape (H, W) or (H, W, 3), dtype, and codec."""

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
    """The layout of the records of a set.

    Attributes:
        fields: the arrays, in their order in the record.
        caption: whether there is a `caption` feature. There is always a `key` feature.
        height_step: metres in a step of png16 heights (doubled for a tile with a large range); None without png16.
        record_bytes: length of each record with its frame; None if lengths vary.
        color_quality: quality of webp colour; None without webp.
    """

    fields: tuple[Field, ...]
    caption: bool
    height_step: float | None
    record_bytes: int | None
    color_quality: int | None = None

    @cached_property
    def offsets(self) -> dict[str, int]:
        """Offset of each array in bytes from the start of the record's frame; empty if lengths vary."""
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
        """Offset in bytes of the entry of `key` in a record of fixed length."""
        last = self.fields[-1]
        return self.offsets[last.name] + last.nbytes

    @property
    def _arrays_at(self) -> int:
        """Offset in bytes of the entry of the first array: after the heads of frame and message, and `align`."""
        return _message_head(self.record_bytes) + len(_align(self.record_bytes, self.fields[0]))

    def to_json(self) -> dict[str, Any]:
        """Return the attributes and the offset of each array (or None) for the card."""
        return {
            **asdict(self),
            "fields": [{**asdict(field), "offset": self.offsets.get(field.name)} for field in self.fields],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> RecordSpec:
        """Return the spec that `to_json` wrote."""
        fields = tuple(
            Field(field["name"], tuple(field["shape"]), field["dtype"], field["codec"]) for field in value["fields"]
        )
        return cls(fields, value["caption"], value["height_step"], value["record_bytes"], value.get("color_quality"))

    def setting(self, codec: str) -> float | None:
        """The number that a codec takes: quality for webp, metres a step for png16."""
        return self.color_quality if codec == "webp" else self.height_step


def make_spec(
    layers: list[str],
    px: int,
    encoding: str,
    height_step: float,
    texts: list[tuple[str, str | None]],
    color_quality: int | None = None,
) -> RecordSpec:
    """Return the spec for a set of tiles.

    Args:
        layers: the layers of the tiles, out of height, color and label.
        px: side of a tile in pixels.
        encoding: a key of `ENCODINGS`.
        height_step: metres in a step of png16 heights.
        texts: key and caption of each tile; the longest texts determine the length of fixed records.
        color_quality: quality of webp colour, 1 to 100.
    """
    fields = []
    for name, (dtype, channels) in _ARRAYS.items():
        if name in layers:
            shape = (px, px) if channels == 1 else (px, px, channels)
            fields.append(Field(name, shape, dtype, ENCODINGS[encoding][name]))
    caption = any(text is not None for _, text in texts)
    step = height_step if any(field.codec == "png16" for field in fields) else None
    quality = color_quality if any(field.codec == "webp" for field in fields) else None
    spec = RecordSpec(tuple(fields), caption, step, None, quality)
    if any(field.codec != "raw" for field in fields):
        return spec
    longest = max(len(b"".join(_text_entries(spec, key, text))) for key, text in texts)
    return RecordSpec(spec.fields, caption, step, _fixed_length(spec.fields, longest + _PAD_MIN))


def encode_record(spec: RecordSpec, key: str, caption: str | None, arrays: Mapping[str, np.ndarray]) -> bytes:
    """Encode one tile as a record with its frame.

    Raises:
        ValueError: an array has another shape or dtype than the spec.
    """
    coded: list[bytes] = []
    for field in spec.fields:
        array = arrays[field.name]
        if array.shape != field.shape or array.dtype != np.dtype(field.dtype):
            raise ValueError(
                f"{key}: {field.name} is {array.dtype} {array.shape}, the spec says {field.dtype} {field.shape}"
            )
        features = CODECS[field.codec][0](field.name, array, spec.setting(field.codec))
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
    """Check the checksums of a record and decode the arrays named in `out` into `out`; return (key, caption).

    Raises:
        ValueError: the record is damaged or does not fit the spec. The message names the problem.
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
    """Return the size of the payload of a record in bytes: coded arrays, key and caption."""
    text = len(key.encode()) + len((caption or "").encode())
    if spec.record_bytes is not None:
        return sum(field.nbytes for field in spec.fields) + text
    features = parse(record[HEAD : HEAD - FRAME])
    return sum(len(features[field.name][0]) for field in spec.fields) + text


def key_entry(key: str) -> bytes:
    """Encode the entry of `key` as in a record."""
    return entry("key", bytes_feature(key.encode()))


def _text_entries(spec: RecordSpec, key: str, caption: str | None) -> list[bytes]:
    entries = [key_entry(key)]
    if spec.caption:
        entries.append(entry("caption", bytes_feature((caption or "").encode())))
    return entries


def _text(features: dict[str, Values], name: str) -> str:
    return bytes(features[name][0]).decode()


def _header(name: str, nbytes: int) -> int:
    """Return the number of bytes before the array in its entry."""
    return len(entry(name, bytes_feature(bytes(nbytes)))) - nbytes


def _message_head(record_bytes: int) -> int:
    """Return the number of bytes before the first entry: head of the frame, tag and length of `Features`."""
    body = record_bytes - FRAME
    inner = next(size for size in range(body - 11, body) if 1 + len(varint(size)) + size == body)
    return HEAD + body - inner


@lru_cache(maxsize=64)
def _align(record_bytes: int, first: Field) -> bytes:
    """Return the entry that moves the first array to a multiple of 64 bytes."""
    gap = -(_message_head(record_bytes) + _header(first.name, first.nbytes)) % ALIGNMENT
    while 0 < gap < len(padding("align", None)):
        gap += ALIGNMENT
    return padding("align", gap) if gap else b""


@lru_cache(maxsize=64)
def _fixed_length(fields: tuple[Field, ...], text: int) -> int:
    """Return the length of a fixed record, a multiple of 64 bytes, with room for the arrays and `text` more bytes."""
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
    """Return entries of zeros with a total length of exactly `size` bytes (None: the shortest entry).

    A longer entry needs longer length fields at four levels. Therefore one entry cannot have certain sizes; these sizes
    take two entries.

    Raises:
        ValueError: no entries have this size.
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

"""TFRecord files: framed byte strings with checksums, and an index file for each shard.

A record consists of its length (uint64), the masked CRC-32C of the length, the body, and the masked CRC-32C of the
body, all little endian. The format has no index. `<shard>.idx` holds one line `offset size` for each record, both in
bytes and with the frame, as NVIDIA DALI and readers for PyTorch expect it.
"""

from __future__ import annotations

import struct
from pathlib import Path

import google_crc32c
import numpy as np

from tasks.core.errors import LandloomError

HEAD, TAIL = 12, 4
FRAME = HEAD + TAIL


def masked_crc(data: bytes) -> int:
    """Return the CRC-32C, rotated and offset as in TFRecord, so that a checksum of checksums stays strong."""
    crc = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def frame(body: bytes) -> bytes:
    """Return the record with the body `body`."""
    length = struct.pack("<Q", len(body))
    return b"".join((length, struct.pack("<I", masked_crc(length)), body, struct.pack("<I", masked_crc(body))))


def unframe(record: bytes) -> bytes:
    """Return the body of one whole record.

    Raises:
        ValueError: the record is cut short, or a checksum does not match. The message says which.
    """
    if len(record) < FRAME:
        raise ValueError(f"only {len(record)} bytes are there")
    length, crc = struct.unpack_from("<QI", record)
    if crc != masked_crc(record[:8]):
        raise ValueError("the checksum of its length does not match")
    if length != len(record) - FRAME:
        raise ValueError(f"it says {length} bytes, the index says {len(record) - FRAME}")
    body = record[HEAD:-TAIL]
    if struct.unpack_from("<I", record, len(record) - TAIL)[0] != masked_crc(body):
        raise ValueError("the checksum of its content does not match")
    return body


def index_path(shard: Path) -> Path:
    """Return the path of the index of `shard`, such as `train-00000-of-00003.idx`."""
    return shard.with_suffix(".idx")


def index_text(lengths: list[int]) -> str:
    """Return the text of the index for records without gaps; `lengths` in bytes."""
    ends = np.cumsum(lengths)
    return "".join(f"{end - length} {length}\n" for end, length in zip(ends, lengths, strict=True))


def read_index(shard: Path) -> np.ndarray:
    """Return offset and size of each record of `shard` in bytes: int64 (n, 2).

    Raises:
        LandloomError: the index is missing or unreadable.
    """
    path = index_path(shard)
    try:
        return np.array(path.read_text().split(), np.int64).reshape(-1, 2)
    except FileNotFoundError:
        raise LandloomError(f"{path}: this index is missing; run `dvc checkout`, or `dvc repro` to make it") from None
    except (OSError, ValueError, OverflowError) as error:
        raise LandloomError(f"{path}: not a readable index of records: {error}; run `dvc checkout`") from None

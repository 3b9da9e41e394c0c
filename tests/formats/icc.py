"""Small colour profiles (ICC version 2), written from their specification, and their colours by plain arithmetic."""

from __future__ import annotations

import struct

import numpy as np

WHITE = (0.9642, 1.0, 0.8249)
"""The white of the profile connection space, D50."""

SRGB = ((0.4360747, 0.2225045, 0.0139322), (0.3850649, 0.7168786, 0.0971045), (0.1430804, 0.0606169, 0.7141733))
"""XYZ of sRGB's red, green and blue, adapted to D50."""

WIDE = ((0.6097559, 0.3111242, 0.0194811), (0.2052401, 0.6256560, 0.0608902), (0.1492240, 0.0632197, 0.7448387))
"""Likewise of Adobe RGB (1998), whose green is far outside sRGB."""

GAMMA = 2.2


def _fixed(*values: float) -> bytes:
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _curve(gamma: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(gamma * 256))


def _text(kind: str, words: str) -> bytes:
    if kind == "text":
        return b"text\0\0\0\0" + words.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(words) + 1) + words.encode() + b"\0" + bytes(78)


def _profile(space: bytes, device: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"desc": _text("desc", "test"), b"cprt": _text("text", "none"), b"wtpt": _xyz(WHITE), **tags}
    table, body, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", at + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = bytearray(128)
    header[:4] = struct.pack(">I", at + len(body))
    header[8:12], header[12:16], header[16:20], header[20:24] = b"\x02\x40\0\0", device, space, pcs
    header[24:36], header[36:40] = struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp"
    header[68:80] = _fixed(*WHITE)
    return bytes(header) + table + body


def rgb_profile(primaries: tuple[tuple[float, ...], ...] = WIDE, gamma: float = GAMMA) -> bytes:
    """A matrix profile with a plain power as its curve."""
    tags = dict(zip((b"rXYZ", b"gXYZ", b"bXYZ"), map(_xyz, primaries), strict=True))
    return _profile(b"RGB ", b"mntr", b"XYZ ", tags | {name: _curve(gamma) for name in (b"rTRC", b"gTRC", b"bTRC")})


def grey_profile(gamma: float = 1.0) -> bytes:
    """A profile of one channel."""
    return _profile(b"GRAY", b"scnr", b"XYZ ", {b"kTRC": _curve(gamma)})


def ink_profile() -> bytes:
    """CMYK in which every ink is what its name says; a table of the 16 corners, in CIELAB."""
    line = bytes(range(256))
    corners = b"".join(bytes(_lab8(ink >> 3 & 1, ink >> 2 & 1, ink >> 1 & 1, ink & 1)) for ink in range(16))
    matrix = _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + line * 4 + corners + line * 3
    return _profile(b"CMYK", b"prtr", b"Lab ", {b"A2B0": table})


def _lab8(c: int, m: int, y: int, k: int) -> tuple[int, int, int]:
    rgb = np.array([(1 - c) * (1 - k), (1 - m) * (1 - k), (1 - y) * (1 - k)], float)
    x = np.array(SRGB).T @ rgb / np.array(WHITE)
    f = np.where(x > 216 / 24389, np.cbrt(x), (24389 / 27 * x + 16) / 116)
    lab = 116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])
    return tuple(int(np.clip(round(v), 0, 255)) for v in (lab[0] * 2.55, lab[1] + 128, lab[2] + 128))  # type: ignore


def as_srgb(rgb: np.ndarray, primaries: tuple[tuple[float, ...], ...] = WIDE, gamma: float = GAMMA) -> np.ndarray:
    """Bytes in the space of `rgb_profile` as sRGB bytes: power, two matrices, sRGB's curve (IEC 61966-2-1)."""
    xyz = (rgb / 255.0) ** gamma @ np.array(primaries)
    linear = np.clip(xyz @ np.linalg.inv(np.array(SRGB)), 0, 1)
    curved = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.rint(255 * curved).astype(np.uint8)

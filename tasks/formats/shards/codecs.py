"""Codecs: encoding of one array as features of a record, and decoding.

| codec | takes | stores |
|---|---|---|
| raw | any dtype | the array's own bytes, little endian, C order |
| png16 | heights, float32 metres, NaN for void | 16-bit PNG of steps above an offset; both in `<name>/scale` |
| png8 | uint8, one channel or RGB | 8-bit PNG |
| webp | RGB, uint8 | WebP of a given quality |

raw and png8 are lossless; the error of png16 is at most half a step. webp is for large pictures: at quality 75 it
takes about a tenth of the bytes of PNG. Colour is not JPEG, because JPEG is 2 to 3 dB worse at the same size on maps,
and a generator learns its blocks as if they were landscape; WebP smooths them. The compression level of PNG is 1: on
terrain, level 6 takes five times as long and saves 6 % of the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import cv2
import numpy as np

from tasks.formats.shards.example import Values, bytes_feature, float_feature

VOID = 0xFFFF
"""The code of a pixel without a height."""

_LEVEL = [cv2.IMWRITE_PNG_COMPRESSION, 1]


def encode_raw(name: str, array: np.ndarray, step: float | None) -> dict[str, bytes]:
    """Encode an array as its own bytes."""
    little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return {name: bytes_feature(little.tobytes())}


def decode_raw(name: str, features: Mapping[str, Values], out: np.ndarray) -> None:
    """Decode the array into `out`."""
    data = np.frombuffer(features[name][0], out.dtype.newbyteorder("<"))
    out[...] = data.reshape(out.shape)


def encode_png16(name: str, heights: np.ndarray, step: float | None) -> dict[str, bytes]:
    """Encode heights, float32 (H, W) metres, as numbers of steps above an offset.

    `step`, in metres, doubles until the range of the heights fits into 65,535 codes. The offset is a multiple of the
    step, so that overlapping tiles round the same ground to the same heights.

    Raises:
        ValueError: a height is infinite.
    """
    step, offset = quantisation(heights, step)
    steps = np.rint((heights.astype(np.float64) - offset) / step)
    codes = np.where(np.isnan(steps), VOID, np.clip(steps, 0, VOID - 1)).astype(np.uint16)
    return {
        f"{name}/scale": float_feature(step, offset),
        name: bytes_feature(_png(codes)),
    }


def quantisation(heights: np.ndarray, step: float) -> tuple[float, float]:
    """Return (step, offset) in metres for one tile, as float32 values. Raise ValueError if a height is infinite."""
    known = heights[~np.isnan(heights)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    if not np.isfinite(high - low):
        raise ValueError("a height is infinite")
    step = float(np.float32(step))
    while (high - low) / step > VOID - 3:  # reserves one step for rounding the offset down and one for rounding up
        step *= 2
    return step, float(np.float32(np.floor(low / step) * step))


def decode_png16(name: str, features: Mapping[str, Values], out: np.ndarray) -> None:
    """Decode heights into `out`, float32 (H, W) metres, NaN for void."""
    codes = _pixels(features[name][0], cv2.IMREAD_UNCHANGED, np.uint16, out.shape)
    step, offset = features[f"{name}/scale"]
    # codes · step + codes · 0 + offset, converted to float32 in one pass. numpy needs three passes and twice the time.
    cv2.addWeighted(codes, float(step), codes, 0.0, float(offset), dst=out, dtype=cv2.CV_32F)
    if codes.max() == VOID:
        out[codes == VOID] = np.nan


def encode_png8(name: str, array: np.ndarray, step: float | None) -> dict[str, bytes]:
    """Encode an array, uint8 (H, W) or RGB (H, W, 3), as PNG."""
    return {name: bytes_feature(_png(array if array.ndim == 2 else array[..., ::-1]))}


def decode_png8(name: str, features: Mapping[str, Values], out: np.ndarray) -> None:
    """Decode pixels into `out`, uint8 (H, W) or RGB (H, W, 3)."""
    flag = cv2.IMREAD_COLOR_RGB if out.ndim == 3 else cv2.IMREAD_UNCHANGED
    out[...] = _pixels(features[name][0], flag, np.uint8, out.shape)


def encode_webp(name: str, array: np.ndarray, quality: float | None) -> dict[str, bytes]:
    """Encode RGB, uint8 (H, W, 3), as WebP of a quality from 1 to 100."""
    setting = [cv2.IMWRITE_WEBP_QUALITY, int(quality or 0)]
    return {name: bytes_feature(cv2.imencode(".webp", np.ascontiguousarray(array[..., ::-1]), setting)[1].tobytes())}


Encode = Callable[[str, np.ndarray, float | None], dict[str, bytes]]
Decode = Callable[[str, Mapping[str, Values], np.ndarray], None]
CODECS: dict[str, tuple[Encode, Decode]] = {
    "raw": (encode_raw, decode_raw),
    "png16": (encode_png16, decode_png16),
    "png8": (encode_png8, decode_png8),
    "webp": (encode_webp, decode_png8),  # OpenCV tells the two apart by their first bytes
}


def _png(array: np.ndarray) -> bytes:
    return cv2.imencode(".png", np.ascontiguousarray(array), _LEVEL)[1].tobytes()


def _pixels(image: memoryview, flag: int, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    array = cv2.imdecode(np.frombuffer(image, np.uint8), flag)
    if array is None:
        raise ValueError("not a readable PNG or WebP")
    if array.dtype != dtype or array.shape != shape:
        raise ValueError(f"a picture of {array.dtype} {array.shape} where {np.dtype(dtype)} {shape} should be")
    return array

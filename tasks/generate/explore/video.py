"""MP4 files with H.264, which every browser and player shows. The same frames give the same bytes.

The encoder is x264 as PyAV ships it, so nothing has to be installed on the machine. OpenCV's own FFmpeg has no encoder
for H.264. What makes the bytes reproducible: colours are converted here with whole numbers; one thread; a fixed
quantiser, because rate control computes with floating-point numbers; `cpu-independent`; and no names of versions or
times in the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import av
import numpy as np

OPTIONS = {
    "preset": "medium",
    "qp": "20",  # visually close to the frames
    "x264-params": "threads=1:lookahead-threads=1:sliced-threads=0:cpu-independent=1",
}


def write_video(path: Path, frames: Iterable[np.ndarray], fps: int) -> None:
    """Write frames uint8 (h, w, 3) of one size, both sides even."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "faststart", "fflags": "+bitexact"}) as target:
        stream = None
        for picture in frames:
            if stream is None:
                stream = target.add_stream("libx264", rate=fps, options=OPTIONS)
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt, context = "yuv420p", stream.codec_context
                context.thread_count = 1
                context.flags |= av.codec.context.Flags.bitexact
                context.colorspace, context.color_range = 1, 1  # BT.709, limited range
                context.color_primaries, context.color_trc = 1, 1
            frame = av.VideoFrame.from_ndarray(yuv420(picture), format="yuv420p")
            frame.colorspace, frame.color_range = 1, 1
            for packet in stream.encode(frame):
                target.mux(packet)
        if stream is None:
            raise ValueError("a video needs one frame or more")
        for packet in stream.encode():
            target.mux(packet)


def yuv420(picture: np.ndarray) -> np.ndarray:
    """uint8 (h, w, 3) RGB to (h · 3/2, w): luma, then both chromas of half the size; BT.709 in its limited range."""
    rows, cols = picture.shape[:2]
    red, green, blue = np.moveaxis(picture.astype(np.int64), -1, 0)
    luma = 16 + _scaled(11966 * red + 40254 * green + 4064 * blue)
    r, g, b = (band.reshape(rows // 2, 2, cols // 2, 2).sum(axis=(1, 3)) for band in (red, green, blue))
    chroma_b = 128 + _scaled(-6596 * r - 22189 * g + 28784 * b, 18)
    chroma_r = 128 + _scaled(28784 * r - 26145 * g - 2639 * b, 18)
    planes = [luma.ravel(), chroma_b.ravel(), chroma_r.ravel()]
    return np.concatenate(planes).astype(np.uint8).reshape(rows * 3 // 2, cols)


def _scaled(values: np.ndarray, bits: int = 16) -> np.ndarray:
    """Divided by 2^bits and rounded."""
    return (values + (1 << (bits - 1))) >> bits

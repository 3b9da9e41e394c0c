"""Pictures in formats that are decoded as a whole: JPEG, PNG, WebP, GIF, BMP. Pillow decodes them.

JPEG has one decoder here, libjpeg-turbo's accurate one, whose vector code gives the same bytes as its plain code.
"""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin  # noqa: F401 - plugins register
from rasterio.windows import Window

from tasks.formats.colors.depth import HALF
from tasks.formats.colors.errors import Broken
from tasks.formats.colors.profiles import lab_to_srgb, to_srgb
from tasks.formats.colors.upright import TAG, known_turn
from tasks.formats.colors.whole import check_whole

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")
"""Pillow's names. A JPEG may turn out to be `MPO`: what cameras write for several views. The first one is read."""

_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF", b"GIF8", b"BM")
_DEEP = ("I", "I;16", "I;16B", "F")  # modes of 16 bits a sample, which `banded` reads
_ALPHA = ("LA", "PA", "RGBA", "La", "RGBa")

# A picture's size is held against `acquire.max_pixels` before it is decoded. Pillow's own fixed limit of 179 megapixels
# would refuse large scans of maps.
Image.MAX_IMAGE_PIXELS = None


class EncodedFile:
    """One open picture. `read` decodes all of it once and keeps it.

    Attributes:
        cols, rows: size as stored, before any turn.
        orientation: of Exif, 1 to 8: the turn that is still to be made.
        nodata: value of void pixels, or None.
    """

    def __init__(self, path: Path, image: Image.Image, largest: int | None = None, nodata: float | None = None):
        self.path, self.kind = path, str(image.format)
        self.cols, self.rows = image.size
        # Of TIFF, Pillow turns the pixels itself, and its size is that of the turned ones.
        self.orientation = 1 if self.kind == "TIFF" else _orientation(image)
        self._image, self._largest, self.nodata = image, largest, nodata
        self._pixels: tuple[np.ndarray, np.ndarray] | None = None

    def __enter__(self) -> EncodedFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and drop its pixels."""
        self._image.close()
        self._pixels = None

    @property
    def held(self) -> int:
        """Bytes of decoded pixels in memory."""
        return 0 if self._pixels is None else self._pixels[0].nbytes + self._pixels[1].nbytes

    def read(self, window: Window | None = None) -> tuple[np.ndarray, np.ndarray]:
        """RGB, uint8 (H, W, 3), and whether each pixel is valid, bool (H, W); black where not. Raise `ValueError`."""
        if self._pixels is None:
            check_whole(self.path, self.kind)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of Pillow: on odd metadata, and on palettes with transparency
                self._pixels = _decode(self._image, self._largest, self.nodata)
            self._image.close()  # its pixels would stay in memory too
        rgb, valid = self._pixels
        if window is None:
            return rgb, valid
        part = np.s_[window.row_off : window.row_off + window.height, window.col_off : window.col_off + window.width]
        return rgb[part], valid[part]


def open_encoded(path: Path, largest: int | None, nodata: float | None) -> EncodedFile | None:
    """The picture, or None where the file is of no format that this module reads; `nodata` is a void value or None.

    Raises:
        Broken: the file begins like a picture and cannot be opened.
        ValueError: the picture is an animation.
    """
    with path.open("rb") as stream:
        start = stream.read(16)
    if not start.startswith(_SIGNATURES):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(path, formats=FORMATS)
            if image.format == "PNG" and _depth(path) == 16 or image.mode in _DEEP:
                image.close()
                return None
            if image.format != "MPO" and getattr(image, "n_frames", 1) > 1:
                frames = image.n_frames
                image.close()
                raise ValueError(f"is an animation of {frames} frames; save one of them as a picture")
            return EncodedFile(path, image, largest, nodata)
    except UnidentifiedImageError:
        if start.startswith((b"RIFF", b"BM")):  # other files begin with these letters too
            return None
        raise Broken(
            "begins like a picture and cannot be opened: it is damaged, or of a kind that is not read"
        ) from None
    except (OSError, SyntaxError, EOFError, KeyError, IndexError) as error:
        raise Broken(f"begins like a picture and cannot be opened: {error}") from None


def open_inks(path: Path, nodata: float | None) -> EncodedFile:
    """A TIFF of inks (CMYK) or CIELAB, which GDAL does not show; raise `ValueError` where Pillow cannot read it."""
    try:
        # From memory: Pillow 13 maps a plain CMYK file with the sides of its turned picture, and garbles it.
        return EncodedFile(path, Image.open(io.BytesIO(path.read_bytes()), formats=["TIFF"]), nodata=nodata)
    except (OSError, SyntaxError) as error:
        raise ValueError(f"its colours are inks (CMYK) or CIELAB in a form that is not read: {error}") from None


def _orientation(image: Image.Image) -> int:
    """The orientation of Exif; 1 where Exif is damaged, which harms no pixel."""
    try:
        return known_turn(image.getexif().get(TAG))
    except (SyntaxError, ValueError, KeyError, TypeError, IndexError, OSError, struct.error):
        return 1


def _depth(path: Path) -> int:
    """Bits a sample of a PNG. Pillow reports colour of 16 bits as 8 and cuts the lower half off."""
    with path.open("rb") as stream:
        header = stream.read(25)
    return header[24] if len(header) == 25 else 0


def _decode(image: Image.Image, largest: int | None, nodata: float | None) -> tuple[np.ndarray, np.ndarray]:
    if largest is not None and image.format in ("JPEG", "MPO"):
        # Decodes at 1/2, 1/4 or 1/8, where both sides stay at least as long as asked for.
        scale = largest / max(image.size)
        if scale < 1:
            image.draft(None, tuple(int(np.ceil(side * scale)) for side in image.size))
    try:
        image.load()
    except (OSError, SyntaxError, EOFError, ValueError, IndexError) as error:
        raise Broken(f"breaks off or is damaged inside: {error}") from None
    except MemoryError:
        raise ValueError(f"{image.width} × {image.height} pixels need more memory than there is") from None
    valid = np.ones((image.height, image.width), bool)
    if image.mode in _ALPHA or "transparency" in image.info:
        valid = np.asarray(image.convert("RGBA").getchannel("A")) >= HALF
    plain, profile = _plain(image), image.info.get("icc_profile")
    if nodata is not None:
        samples = np.asarray(plain).reshape(*valid.shape, -1)
        valid = valid & ~(samples == nodata).all(axis=-1)
    if plain.mode == "LAB":
        plain = lab_to_srgb(plain)
    elif profile:
        plain = to_srgb(plain, profile)
    rgb = np.array(plain if plain.mode == "RGB" else plain.convert("RGB"))
    if not valid.all():
        rgb[~valid] = 0
    return rgb, valid


def _plain(image: Image.Image) -> Image.Image:
    """The picture in mode L, RGB, CMYK or LAB, without transparency."""
    image.info.pop("transparency", None)  # it is in the mask already, and conversions would act on it
    if image.mode in ("L", "RGB", "CMYK", "LAB"):
        return image  # without a copy: pictures can be large
    if image.mode in ("1", "LA", "La"):
        return image.convert("L")
    if image.mode in ("P", "PA"):
        return image.convert("RGBA").convert("RGB")
    if image.mode in ("RGBA", "RGBa", "RGBX"):
        return image.convert("RGB")
    raise ValueError(f"its pixels are of mode {image.mode}; convert it to RGB first")

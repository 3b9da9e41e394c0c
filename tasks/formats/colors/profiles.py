"""Embedded colour profiles (ICC), converted to sRGB with LittleCMS.

Relative colorimetric with black point compensation: colours that sRGB has stay exact, and black stays black. LittleCMS
computes the tables of a transform in the same arithmetic on every x86-64-v3 processor, and a pixel's result depends
on that pixel alone, so a window and a whole picture give the same bytes.
"""

from __future__ import annotations

import io
from functools import lru_cache

import numpy as np
from PIL import Image, ImageCms

SPACES = {"L": "GRAY", "RGB": "RGB", "CMYK": "CMYK"}
"""Pillow's mode to the colour space that a profile for it has."""

_SAME = 1  # most steps by which a transform of an sRGB profile moves a colour: rounding only
_LATTICE = np.arange(0, 256, 17, dtype=np.uint8)


def to_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """A picture in mode L, RGB or CMYK as sRGB.

    Raises:
        ValueError: the profile is damaged, or is not for this kind of pixels.
    """
    space = _space(profile)
    if image.mode == "L" and space == "RGB":  # a grey picture in an RGB space: its three channels are equal
        image = image.convert("RGB")
    if SPACES[image.mode] != space:
        raise ValueError(f"its colour profile is for {space} and its pixels are {SPACES[image.mode]}")
    if image.mode == "L":
        return Image.fromarray(_greys(profile)[np.asarray(image)])
    transform = _transform(profile, image.mode)
    return image if transform is None else ImageCms.applyTransform(image, transform)


@lru_cache(64)
def _greys(profile: bytes) -> np.ndarray:
    """RGB of all 256 greys, uint8 (256, 3). LittleCMS's own table is coarse, and wrong by several steps near black."""
    ramp = Image.fromarray(np.arange(256, dtype=np.uint8)[None])
    return np.asarray(ImageCms.applyTransform(ramp, _built(profile, "L", ImageCms.Flags.NOOPTIMIZE)))[0]


def lab_to_srgb(image: Image.Image) -> Image.Image:
    """A picture in CIELAB (D50, 8 bits) as sRGB. Its colours are absolute, so it needs no profile."""
    flags = ImageCms.Flags.BLACKPOINTCOMPENSATION
    lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    transform = ImageCms.buildTransform(lab, srgb, "LAB", "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC, flags)
    return ImageCms.applyTransform(image, transform)


@lru_cache(64)
def _space(profile: bytes) -> str:
    return _opened(profile).profile.xcolor_space.strip()


def _opened(profile: bytes) -> ImageCms.ImageCmsProfile:
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except (OSError, ImageCms.PyCMSError) as error:
        raise ValueError(f"its colour profile cannot be read ({error}); convert it to sRGB first") from None


@lru_cache(64)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """The transform to sRGB; None where the profile is sRGB itself, so that its pixels stay as they are."""
    transform = _built(profile, mode, ImageCms.Flags.NONE)
    if mode != "RGB":
        return transform
    lattice = np.stack(np.meshgrid(_LATTICE, _LATTICE, _LATTICE, indexing="ij"), axis=-1).reshape(1, -1, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(lattice), transform))
    return None if np.abs(moved.astype(int) - lattice).max() <= _SAME else transform


def _built(profile: bytes, mode: str, flags: ImageCms.Flags) -> ImageCms.ImageCmsTransform:
    flags |= ImageCms.Flags.BLACKPOINTCOMPENSATION
    intent, srgb = ImageCms.Intent.RELATIVE_COLORIMETRIC, ImageCms.createProfile("sRGB")
    try:
        return ImageCms.buildTransform(_opened(profile), srgb, mode, "RGB", intent, flags)
    except ImageCms.PyCMSError as error:
        raise ValueError(f"its colour profile cannot be used ({error}); convert it to sRGB first") from None

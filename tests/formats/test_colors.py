"""Pictures of any kind as sRGB: modes, depths, profiles, orientations."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.windows import Window

from tasks.core.settings import ROOT
from tasks.formats.colors.read import open_colors, read_srgb
from tests.formats.icc import GAMMA, as_srgb, grey_profile, ink_profile, rgb_profile

ROWS, COLS = 18, 25  # not square, and no multiple of a block
TO_STORED = {1: [], 2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}
"""Orientation to Pillow's transposition that makes the stored pixels of upright ones: the inverse of the turn."""


def scene(seed: int = 0) -> np.ndarray:
    """Smooth colours with an arrow of noise: no turn and no swap of channels leaves it the same."""
    row, col = np.mgrid[:ROWS, :COLS]
    rgb = np.stack([row * 14, col * 10, 255 - row * 6 - col * 5], axis=-1)
    rgb[:4, :9] = np.random.default_rng(seed).integers(0, 256, (4, 9, 3))
    return rgb.astype(np.uint8)


def stored(image: Image.Image, orientation: int) -> Image.Image:
    for number in TO_STORED[orientation]:
        image = image.transpose(Image.Transpose(number))
    return image


def save(image: Image.Image, path: Path, orientation: int = 1, **options: object) -> Path:
    exif = Image.Exif()
    if orientation > 1:
        exif[274] = orientation
    if path.suffix == ".webp":
        options |= {"lossless": True, "exact": True, "exif": exif.tobytes() if orientation > 1 else b""}
    else:
        options["exif"] = exif
    stored(image, orientation).save(path, **options)
    return path


MODES = ("1", "L", "LA", "P", "P+", "RGB", "RGB+", "RGBA", "CMYK", "I;16")
SUFFIXES = {
    ".png": {"1", "L", "LA", "P", "P+", "RGB", "RGB+", "RGBA", "I;16"},
    ".tif": {"1", "L", "P", "RGB", "RGBA", "CMYK", "I;16"},
    ".webp": {"RGB", "RGBA"},
    ".bmp": {"1", "L", "P", "RGB"},
}


def made(mode: str) -> tuple[Image.Image, np.ndarray, np.ndarray, dict[str, object]]:
    """A picture of a mode, its RGB by plain arithmetic, its valid pixels, and options to save it."""
    rgb, valid = scene(), np.ones((ROWS, COLS), bool)
    image, options = Image.fromarray(rgb), {}
    if mode == "1":
        image = Image.fromarray(rgb[..., 0] > 100)
        rgb = np.repeat(np.where(rgb[..., :1] > 100, 255, 0), 3, axis=-1)
    elif mode in ("L", "LA", "I;16"):
        grey = rgb[..., 1]
        image = Image.fromarray(grey)
        if mode == "I;16":
            deep = (grey.astype(np.uint16) * 257 + 100).clip(max=65535)  # rounds to the same bytes
            image = Image.fromarray(deep.astype(np.uint16))
        rgb = np.repeat(grey[..., None], 3, axis=-1)
    elif mode in ("P", "P+"):
        image = image.quantize(30)
        rgb = np.array(image.convert("RGB"))
        if mode == "P+":
            options, valid = {"transparency": 3}, np.asarray(image) != 3
    elif mode == "RGB+":
        options, valid = {"transparency": (0, 0, 255)}, (rgb != (0, 0, 255)).any(axis=-1)
    elif mode == "CMYK":
        inks = np.concatenate([255 - rgb, np.zeros_like(rgb[..., :1])], axis=-1)
        image = Image.fromarray(inks, mode="CMYK")
    if mode in ("LA", "RGBA"):
        alpha = np.where(np.indices((ROWS, COLS)).sum(axis=0) % 3, 255, 90).astype(np.uint8)
        image.putalpha(Image.fromarray(alpha))
        valid = alpha > 127
    return image, np.where(valid[..., None], rgb, 0).astype(np.uint8), valid, options


@settings(max_examples=60)
@given(
    mode=st.sampled_from(MODES), suffix=st.sampled_from(sorted(SUFFIXES)), orientation=st.integers(1, 8),
    profiled=st.booleans(),
)  # fmt: skip
def test_modes_orientations_and_profiles(tmp_path_factory, mode, suffix, orientation, profiled):
    if mode not in SUFFIXES[suffix]:
        return
    orientation = 1 if suffix == ".bmp" else orientation
    image, rgb, valid, options = made(mode)
    wide = profiled and suffix != ".bmp" and mode in ("P", "P+", "RGB", "RGB+", "RGBA")
    if wide:
        options["icc_profile"] = rgb_profile()
        rgb = np.where(valid[..., None], as_srgb(rgb), 0)
    path = save(image, tmp_path_factory.mktemp("one") / f"a{suffix}", orientation, **options)
    got, mask = read_srgb(path)
    assert got.dtype == np.uint8 and got.shape == rgb.shape and np.array_equal(mask, valid)
    assert np.abs(got.astype(int) - rgb).max() <= (2 if wide else 0)
    assert np.array_equal(got, read_srgb(path)[0])


@settings(max_examples=20)
@given(orientation=st.integers(1, 8), grey=st.booleans(), progressive=st.booleans(), quality=st.integers(60, 95))
def test_jpeg(tmp_path_factory, orientation, grey, progressive, quality):
    image = Image.fromarray(scene()[..., 0] if grey else scene())
    path = tmp_path_factory.mktemp("one") / "a.jpg"
    save(image, path, orientation, progressive=progressive, quality=quality, subsampling=0)
    got, valid = read_srgb(path)
    plain = stored(Image.open(path).convert("RGB"), {6: 8, 8: 6}.get(orientation, orientation))  # the turn itself
    assert np.array_equal(got, np.asarray(plain)) and valid.all()


def test_profiles_of_grey_and_inks(tmp_path):
    ramp = np.arange(256, dtype=np.uint8)[None].repeat(3, axis=0)
    image = Image.fromarray(ramp)
    image.save(tmp_path / "grey.png", icc_profile=grey_profile(1.0))
    linear = as_srgb(np.repeat(ramp[..., None], 3, axis=-1), gamma=1.0)
    assert np.abs(read_srgb(tmp_path / "grey.png")[0].astype(int) - linear).max() <= 2
    image.save(tmp_path / "equal.png", icc_profile=rgb_profile())  # grey pixels in an RGB space
    equal = as_srgb(np.repeat(ramp[..., None], 3, axis=-1))
    assert np.abs(read_srgb(tmp_path / "equal.png")[0].astype(int) - equal).max() <= 2
    inks = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 255, 0, 0], [0, 0, 255, 0], [0, 0, 0, 255]]], np.uint8)
    wanted = [[255, 255, 255], [0, 255, 255], [255, 0, 255], [255, 255, 0], [0, 0, 0]]
    for options in ({}, {"icc_profile": ink_profile()}):
        for name in ("inks.tif", "inks.jpg"):
            cells = Image.fromarray(inks.repeat(16, axis=0).repeat(16, axis=1), mode="CMYK")
            cells.save(tmp_path / name, **options, **({"quality": 100} if name.endswith("jpg") else {}))
            got = read_srgb(tmp_path / name)[0][8, 8::16]
            assert np.abs(got.astype(int) - wanted).max() <= (6 if options else 2), (name, options, got)


def test_a_profile_in_jpeg_2000(tmp_path):
    path, profile = tmp_path / "a.jp2", rgb_profile()
    Image.fromarray(scene()).save(path)
    data = path.read_bytes()
    box, header = data.index(b"colr") - 4, data.index(b"jp2h") - 4
    length = int.from_bytes(data[box : box + 4], "big")
    ours = (11 + len(profile)).to_bytes(4, "big") + b"colr\x02\0\0" + profile
    size = int.from_bytes(data[header : header + 4], "big") + len(ours) - length
    path.write_bytes(data[:header] + size.to_bytes(4, "big") + data[header + 4 : box] + ours + data[box + length :])
    assert np.abs(read_srgb(path)[0].astype(int) - as_srgb(scene())).max() <= 2


def test_srgb_itself_changes_nothing_and_a_bad_profile_is_named(tmp_path):
    from PIL import ImageCms

    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.fromarray(scene()).save(tmp_path / "a.png", icc_profile=own)
    assert np.array_equal(read_srgb(tmp_path / "a.png")[0], scene())
    for name, profile in {"torn": rgb_profile()[:300], "inks": ink_profile(), "none": b"profile" * 40}.items():
        for suffix in (".png", ".tif"):
            Image.fromarray(scene()).save(tmp_path / f"{name}{suffix}", icc_profile=profile)
            with pytest.raises(ValueError, match="its colour profile"):
                read_srgb(tmp_path / f"{name}{suffix}")


def test_deep_colour_is_scaled_and_not_clipped(tmp_path):
    deep = np.random.default_rng(1).integers(0, 65536, (3, ROWS, COLS)).astype(np.uint16)
    for driver, suffix in (("GTiff", "tif"), ("PNG", "png"), ("JP2OpenJPEG", "jp2")):
        path = tmp_path / f"a.{suffix}"
        options = {"QUALITY": "100", "REVERSIBLE": "YES"} if suffix == "jp2" else {}
        with rasterio.open(path, "w", driver=driver, width=COLS, height=ROWS, count=3, dtype="uint16", **options) as t:
            t.write(deep)
        assert np.array_equal(read_srgb(path)[0], np.moveaxis(np.rint(deep / 257), 0, -1).astype(np.uint8)), driver


ODD = {
    "tiled": {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "lzw"},
    "planes apart": {"interleave": "band", "compress": "deflate"},
    "of 64-bit offsets": {"BIGTIFF": "YES"},
    "of 16 bits": {"dtype": "uint16"},
    "white first": {"photometric": "MINISWHITE"},
    "of 4 bits": {"nbits": 4},
    "of one bit": {"nbits": 1},
}


@pytest.mark.parametrize("kind", ODD)
def test_scans_in_odd_tiffs(tmp_path, kind):
    rgb, path = scene(), tmp_path / "a.tif"
    stored = {"white first": 255 - rgb[..., :1], "of 4 bits": rgb[..., :1] // 16, "of one bit": rgb[..., :1] // 128}
    pixels = stored.get(kind, rgb)
    wanted = {"white first": rgb[..., :1], "of 4 bits": pixels * 17, "of one bit": pixels * 255}.get(kind, rgb)
    pixels = pixels.astype(np.uint16) * 257 if kind == "of 16 bits" else pixels
    profile = {"driver": "GTiff", "width": COLS, "height": ROWS, "count": pixels.shape[-1], "dtype": "uint8"}
    profile |= {"photometric": "RGB"} if pixels.shape[-1] == 3 else {}
    with rasterio.open(path, "w", **profile | ODD[kind]) as target:
        target.write(np.moveaxis(pixels, -1, 0))
    assert np.array_equal(read_srgb(path)[0], np.broadcast_to(wanted, rgb.shape))


def test_reduced_jpeg(tmp_path):
    y, x = np.mgrid[:400, :600]
    rgb = np.stack([x // 3, y // 2, 255 - x // 4], axis=-1).astype(np.uint8)
    path = save(Image.fromarray(rgb), tmp_path / "a.jpg", 6, quality=95)
    full, half, quarter = (read_srgb(path, largest=side)[0] for side in (None, 300, 101))
    assert full.shape == (400, 600, 3) and half.shape == (200, 300, 3) and quarter.shape == (100, 150, 3)
    mean = full.reshape(200, 2, 300, 2, 3).mean(axis=(1, 3))
    assert np.abs(half - mean).max() < 4
    assert np.array_equal(half, read_srgb(path, largest=300)[0])
    assert read_srgb(path, largest=5000)[0].shape == full.shape
    png = save(Image.fromarray(rgb), tmp_path / "a.png")
    assert read_srgb(png, largest=100)[0].shape == full.shape


def test_the_same_bytes_without_vector_code(tmp_path):
    path = save(Image.fromarray(scene()).resize((333, 222)), tmp_path / "a.jpg", quality=88)
    code = (
        "import sys, hashlib; from pathlib import Path; from tasks.formats.colors.read import read_srgb\n"
        "print([hashlib.sha256(read_srgb(Path(sys.argv[1]), largest=n)[0]).hexdigest() for n in (None, 166, 80)])"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code, path], env=os.environ | more, capture_output=True, text=True, cwd=ROOT
        )
        for more in ({}, {"JSIMD_FORCENONE": "1"})
    ]
    assert told[0].stdout.count(",") == 2 and told[0].stdout == told[1].stdout, told[0].stderr


def test_windows_are_parts_of_the_whole(tmp_path):
    image, _, _, options = made("P+")
    image.save(tmp_path / "a.png", **options, icc_profile=rgb_profile())
    Image.fromarray(scene()).save(tmp_path / "b.tif", icc_profile=rgb_profile())
    for name in ("a.png", "b.tif"):
        with open_colors(tmp_path / name) as file:
            whole, part = file.read(), file.read(Window(3, 5, 11, 7))
            assert (file.rows, file.cols) == whole[1].shape
        for all_of_it, piece in zip(whole, part, strict=True):
            assert np.array_equal(all_of_it[5:12, 3:14], piece)


def test_the_profiles_of_these_tests_are_what_they_say():
    assert GAMMA == 2.2 and np.abs(as_srgb(np.full((1, 3), 200)) - 200).max() <= 2

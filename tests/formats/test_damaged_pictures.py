"""Files that break off, are damaged inside, or are no pictures: each is refused with its reason, and none half-read."""

from __future__ import annotations

import io

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.formats.colors.errors import Broken
from tasks.formats.colors.read import open_colors, read_srgb
from tests.formats.test_colors import scene


def bytes_of(kind: str, side: int = 60) -> bytes:
    noise = np.random.default_rng(0).integers(0, 256, (side, side + 7, 3)).astype(np.uint8)
    options = {
        "jpeg": {"format": "JPEG", "quality": 90}, "progressive": {"format": "JPEG", "progressive": True},
        "png": {"format": "PNG"}, "webp": {"format": "WEBP"}, "lossless": {"format": "WEBP", "lossless": True},
        "tiff": {"format": "TIFF"}, "lzw": {"format": "TIFF", "compression": "tiff_lzw"}, "gif": {"format": "GIF"},
        "jpeg in tiff": {"format": "TIFF", "compression": "jpeg"}, "jp2": {"format": "JPEG2000"},
        "bmp": {"format": "BMP"},
    }[kind]  # fmt: skip
    stream = io.BytesIO()
    Image.fromarray(noise).save(stream, **options)
    return stream.getvalue()


KINDS = ("jpeg", "progressive", "png", "webp", "lossless", "tiff", "lzw", "jpeg in tiff", "jp2", "gif", "bmp")

BYTES: dict[str, bytes] = {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_at_any_length_is_refused_or_whole(tmp_path, kind):
    data = bytes_of(kind)
    path = tmp_path / "a"
    path.write_bytes(data)
    whole = read_srgb(path)[0]
    lengths = {*np.linspace(0, len(data) - 1, 40).astype(int), *range(len(data) - 6, len(data))}
    for length in sorted(lengths):
        path.write_bytes(data[:length])
        try:
            got = read_srgb(path)[0]
        except ValueError as told:
            assert str(tmp_path) not in str(told)
        else:
            assert np.array_equal(got, whole), f"{length} of {len(data)} bytes"


@pytest.mark.parametrize("kind", ["jpeg", "progressive"])
def test_a_jpeg_with_a_hole_or_an_early_end_is_refused(tmp_path, kind):
    data, path = bytes_of(kind), tmp_path / "a.jpg"
    middle = len(data) // 2
    for damaged in (data[:middle] + b"\xff\xd9", data[:middle] + bytes(400) + b"\xff\xd9", data[:middle] + data[-400:]):
        path.write_bytes(damaged)
        with pytest.raises(Broken):
            read_srgb(path)
    path.write_bytes(data + b"\0" * 500 + b"trailer of a camera")
    assert read_srgb(path)[1].all()


def test_damaged_exif_harms_no_pixel(tmp_path):
    for name, exif in {"a": b"Exif\0\0II*\0" + b"\xff" * 40, "b": b"Exif\0\0nothing"}.items():
        Image.fromarray(scene()).save(tmp_path / f"{name}.png", exif=exif)
        assert np.array_equal(read_srgb(tmp_path / f"{name}.png")[0], scene())


DAMAGE = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=5)


@settings(max_examples=60)
@given(kind=st.sampled_from(KINDS), damage=DAMAGE)
def test_any_damage_is_a_reason_and_no_crash(tmp_path_factory, kind, damage):
    data = bytearray(BYTES.setdefault(kind, bytes_of(kind)))
    for place, value in damage:
        data[int(place * min(len(data) - 1, 1200))] = value  # most of it hits the header
    path = tmp_path_factory.mktemp("one") / "a"
    path.write_bytes(data)
    try:
        with open_colors(path) as file:
            if file.cols * file.rows > 10**6:  # acquire refuses it by its size
                return
            rgb, valid = file.read()
    except ValueError as told:
        assert len(str(told)) < 400
    else:
        assert rgb.dtype == np.uint8 and rgb.shape == (*valid.shape, 3)


def test_what_is_no_picture_is_told(tmp_path):
    cases = {
        "a.csv": b"name,licence\n", "a.html": b"<!doctype html><title>Log in</title>", "a.pdf": b"%PDF-1.7\n",
        "a.jpg": b"\xff\xd8\xff\xe0" + b"\0" * 50, "a.heic": b"\0\0\0\x18ftypheic", "a.tif": b"II*\0" + b"\xff" * 40,
    }  # fmt: skip
    for name, data in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ValueError) as told:
            read_srgb(tmp_path / name)
        assert str(tmp_path) not in str(told.value) and len(str(told.value)) < 200, name
    frames = [Image.fromarray(scene(seed)) for seed in range(3)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    with pytest.raises(ValueError, match="an animation of 3 frames"):
        read_srgb(tmp_path / "a.gif")
    frames[0].save(tmp_path / "pages.tif", save_all=True, append_images=frames[1:])
    assert np.array_equal(read_srgb(tmp_path / "pages.tif")[0], scene(0))
    (tmp_path / "empty").touch()
    with pytest.raises(ValueError, match="is empty"):
        read_srgb(tmp_path / "empty")
    with pytest.raises(LandloomError, match="missing.png"):
        read_srgb(tmp_path / "missing.png")
    with rasterio.open(tmp_path / "two.tif", "w", driver="GTiff", width=9, height=9, count=2, dtype="uint8") as target:
        target.write(np.ones((2, 9, 9), np.uint8))
    with pytest.raises(ValueError, match="nothing says which are red"):
        read_srgb(tmp_path / "two.tif")

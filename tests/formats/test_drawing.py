"""Drawings are read as painted; pixels that a paint program blurred are corrected and counted."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw

from tasks.core.errors import LandloomError
from tasks.formats.tables.drawing import read_drawing, write_drawing

CLASSES = pd.DataFrame(
    {
        "id": [0, 1, 2, 3, 4],
        "name": ["sea", "desert", "forest", "ice", "rock"],
        "red": [20, 230, 30, 245, 130],
        "green": [60, 200, 120, 250, 90],
        "blue": [160, 120, 50, 255, 70],
    }
)
COLORS = CLASSES[["red", "green", "blue"]].to_numpy(np.uint8)


def islands(size: int = 1) -> np.ndarray:
    """Class ids (64·size, 96·size): round islands with a core, a straight coast, a corner where three meet."""
    image = Image.new("L", (96 * size, 64 * size), 0)
    draw = ImageDraw.Draw(image)
    draw.ellipse([8 * size, 8 * size, 50 * size, 50 * size], fill=2)
    draw.ellipse([20 * size, 18 * size, 38 * size, 36 * size], fill=3)
    draw.polygon([(70 * size, 0), (96 * size, 0), (96 * size, 64 * size), (58 * size, 64 * size)], fill=1)
    draw.rectangle([75 * size, 30 * size, 96 * size, 64 * size], fill=4)
    return np.asarray(image)


def save(path, rgb: np.ndarray, **options):
    Image.fromarray(rgb).save(path, **options)
    return path


def smooth(path, method, light: bool = False):
    """The islands drawn four times as large and shrunk by a filter, as paint programs smooth edges."""
    rgb = COLORS[islands(4)]
    if light:  # averages of light, not of stored values
        linear = (rgb / 255.0) ** 2.2
        rgb = 255 * linear.reshape(64, 4, 96, 4, 3).mean(axis=(1, 3)) ** (1 / 2.2)
        return save(path, np.rint(rgb).astype(np.uint8))
    Image.fromarray(rgb).resize((96, 64), method).save(path)
    return path


@settings(max_examples=40)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.sampled_from([0, 1, 2, 3, 4, 255])),
    st.sampled_from(["P", "RGBA", "RGB"]),
)
def test_a_written_drawing_is_read_back(tmp_path_factory, labels, mode):
    path = tmp_path_factory.mktemp("drawing") / "d.png"
    write_drawing(path, labels, CLASSES)
    with Image.open(path) as image:
        assert image.mode == "P" and np.array_equal(np.asarray(image), labels)
        assert np.array_equal(np.asarray(image.convert("RGB"))[labels != 255], COLORS[labels[labels != 255]])
        if mode == "RGB" and 255 in labels:
            return  # plain RGB cannot say "nothing here"
        image.convert(mode).save(path)
    drawing = read_drawing(path, CLASSES)
    assert np.array_equal(drawing.labels, labels) and drawing.labels.dtype == np.uint8 and drawing.changed == 0


def test_a_palette_in_another_order_is_read_by_its_colours(tmp_path):
    labels = islands()
    image = Image.fromarray((4 - labels).astype(np.uint8), "L")
    image.putpalette(COLORS[::-1].tobytes())
    image.save(tmp_path / "d.png")
    assert np.array_equal(read_drawing(tmp_path / "d.png", CLASSES).labels, labels)


@pytest.mark.parametrize(
    ("method", "light"),
    [
        (Image.Resampling.BOX, False),
        (Image.Resampling.BILINEAR, False),
        (Image.Resampling.BICUBIC, False),
        (Image.Resampling.LANCZOS, False),
        (None, True),
    ],
)
def test_smoothed_edges_go_to_the_class_with_the_larger_share(tmp_path, method, light):
    path = smooth(tmp_path / "d.png", method, light)
    rgb = np.asarray(Image.open(path))
    blended = ~(rgb[:, :, None] == COLORS).all(axis=-1).any(axis=-1)
    drawing = read_drawing(path, CLASSES)
    assert drawing.changed == blended.sum() > 150
    shares = np.stack([(islands(4) == k).reshape(64, 4, 96, 4).mean(axis=(1, 3)) for k in range(5)])
    given_share = np.take_along_axis(shares, drawing.labels[None].astype(int), axis=0)[0]
    clear = np.sort(shares, axis=0)[-1] > 0.65  # elsewhere two classes have nearly the same right
    assert (drawing.labels == shares.argmax(axis=0))[clear].all()
    assert given_share.min() > 0.2


def test_a_soft_brush_wider_than_the_reach_is_divided_in_the_middle(tmp_path):
    ramp = np.clip((np.arange(60) - 20) / 20, 0, 1)[None, :, None]  # 20 pixels wide, between sea and desert
    rgb = np.rint(COLORS[0] * (1 - ramp) + COLORS[1] * ramp).astype(np.uint8).repeat(30, axis=0)
    drawing = read_drawing(save(tmp_path / "d.png", rgb), CLASSES)
    assert (drawing.labels[:, :30] == 0).all() and (drawing.labels[:, 31:] == 1).all()
    assert drawing.changed == 30 * 19


def test_slightly_shifted_colours_are_accepted_and_counted(tmp_path):
    rgb = (COLORS[islands()].astype(int) + [1, -2, 0]).clip(0, 255).astype(np.uint8)
    drawing = read_drawing(save(tmp_path / "d.png", rgb), CLASSES)
    assert np.array_equal(drawing.labels, islands()) and drawing.changed == 64 * 96


def test_erased_pixels_have_no_class(tmp_path):
    rgba = np.dstack([COLORS[islands()], np.full((64, 96), 255, np.uint8)])
    rgba[:, :10, 3], rgba[:, 10, 3], rgba[:, 11, 3] = 0, 100, 200
    rgba[:, :10, :3] = 7  # any colour: programs leave some under erased pixels
    drawing = read_drawing(save(tmp_path / "d.png", rgba), CLASSES)
    assert (drawing.labels[:, :11] == 255).all() and np.array_equal(drawing.labels[:, 11:], islands()[:, 11:])
    assert drawing.changed == 2 * 64


def test_a_refusal_lists_unknown_and_known_colours(tmp_path):
    rgb = COLORS[islands()].copy()
    rgb[40:50, 60:70], rgb[0:6, 90:96] = (255, 0, 255), (1, 2, 3)
    path = save(tmp_path / "d.png", rgb)
    with pytest.raises(LandloomError) as caught:
        read_drawing(path, CLASSES)
    text = str(caught.value)
    assert text.startswith(f"{path}: 2 colours of no class: #ff00ff (100 pixels, first at column 60, row 40), #010203")
    assert "#143ca0 sea" in text and "#825a46 rock" in text


@pytest.mark.parametrize("spot", [np.s_[30:31, 2:3], np.s_[5:7, 80:90]])
def test_even_a_dot_or_a_line_of_an_unknown_colour_is_refused(tmp_path, spot):
    rgb = COLORS[islands()].copy()
    rgb[spot] = (255, 0, 255)
    with pytest.raises(LandloomError, match="1 colour of no class: #ff00ff"):
        read_drawing(save(tmp_path / "d.png", rgb), CLASSES)


def test_an_area_in_a_blended_colour_counts_as_painted(tmp_path):
    rgb = COLORS[islands()].copy()
    rgb[20:40, 50:62] = (COLORS[0].astype(int) + COLORS[1]) // 2
    with pytest.raises(LandloomError, match=r"#7d828c \(240 pixels"):
        read_drawing(save(tmp_path / "d.png", rgb), CLASSES)


def test_a_file_that_is_no_png_is_refused(tmp_path):
    rgb = COLORS[islands()]
    with pytest.raises(LandloomError, match=r"d\.jpg: not a PNG .*JPEG smears"):
        read_drawing(save(tmp_path / "d.jpg", rgb), CLASSES)
    whole = save(tmp_path / "whole.png", rgb).read_bytes()
    (tmp_path / "half.png").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LandloomError, match=r"half\.png: not a PNG that can be read"):
        read_drawing(tmp_path / "half.png", CLASSES)
    with pytest.raises(LandloomError, match="there is no such file"):
        read_drawing(tmp_path / "none.png", CLASSES)
    save(tmp_path / "grey.png", np.zeros((4, 4), np.uint16))
    with pytest.raises(LandloomError, match="16-bit grey"):
        read_drawing(tmp_path / "grey.png", CLASSES)


def test_unsuitable_class_tables_are_refused(tmp_path):
    with pytest.raises(LandloomError, match="no classes to draw with"):
        write_drawing(tmp_path / "d.png", islands(), CLASSES.iloc[:0])
    alike = CLASSES.assign(red=20, green=60, blue=160)
    with pytest.raises(LandloomError, match="sea, desert, forest, ice, rock share one colour"):
        write_drawing(tmp_path / "d.png", islands(), alike)
    with pytest.raises(LandloomError, match="without gaps"):
        write_drawing(tmp_path / "d.png", islands(), CLASSES.drop(index=2))
    with pytest.raises(ValueError, match=r"\[4\] are no class ids"):
        write_drawing(tmp_path / "d.png", islands(), CLASSES.iloc[:4])
    assert not list(tmp_path.iterdir())

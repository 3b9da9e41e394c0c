"""A world as files: the whole, a part of it, and what cannot be asked."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.generate.__main__ import _parser
from tasks.generate.world import files
from tasks.generate.world.command import make


def ask(root, *arguments):
    return make(_parser().parse_args(["toy", *arguments]), root)


def test_a_part_has_the_bits_of_the_whole_and_lies_beside_it(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "STRIP", 16)
    monkeypatch.setattr(files, "BAND", 32)
    whole = ask(checkout, "--world", "60x40", "--text", "High mountains.", "--seed", "5", "--out", str(tmp_path / "w"))
    monkeypatch.setattr(files, "BAND", 4096)
    part = ask(
        checkout, "--window", "21,9,30,20", "--text", "High mountains.", "--seed", "5", "--out", str(tmp_path / "p")
    )
    with rasterio.open(whole / "High_mountains.tif") as one, rasterio.open(part / "High_mountains.tif") as other:
        assert np.array_equal(one.read(1)[9:29, 21:51], other.read(1))
        assert one.index(*other.xy(0, 0)) == (9, 21) and one.tags()["SEED"] == "5"
        assert one.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        heights = one.read(1)
    facts = json.loads((whole / "High_mountains.json").read_text())
    assert facts["height"]["high_m"] == heights.max() and facts["sea_share"] == (heights <= 0).mean()
    assert facts["height"]["mean_m"] == pytest.approx(heights.mean(), rel=1e-5)
    assert (facts["first_col"], facts["first_row"], facts["cols"], facts["rows"]) == (0, 0, 60, 40)
    assert facts["model_md5"].endswith(".dir") and set(facts["files"]) == {"tif", "png"}
    assert Image.open(whole / "High_mountains.png").size == (60, 40)
    assert sorted(path.name for path in whole.iterdir()) == [f"High_mountains.{end}" for end in ("json", "png", "tif")]


def test_a_large_world_has_a_picture_that_opens_at_once(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PICTURE", 20)
    folder = ask(checkout, "--world", "60x40", "--out", str(tmp_path / "w"))
    assert Image.open(folder / "world.png").size == (20, 13)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--world", "big"), "--world big: give pixels a side"),
        (("--world", "0"), "a side must have at least 1 pixel"),
        (("--window", "1,2,3"), "--window 1,2,3: give COL,ROW,WIDTH,HEIGHT"),
        (("--window", "600000000,0,9,9"), "the plane ends"),
        (("--world", "64", "--count", "3"), "--count does not go with --world"),
        (("--world", "64", "--text", "a", "--text", "b"), "take one --text"),
        (("--world", "64", "--seed", "-1"), "--seed: a number from 0"),
    ],
)
def test_what_cannot_be_asked_is_told_and_nothing_is_written(checkout, tmp_path, arguments, message):
    with pytest.raises(LandloomError, match=message.replace("(", r"\(")):
        ask(checkout, *arguments, "--out", str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())

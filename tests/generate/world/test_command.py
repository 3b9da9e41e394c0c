"""A world as files: the whole, a part of it, and what cannot be asked."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.generate import __main__ as main
from tasks.generate.world import command, files
from tests.generate.steering.asked import CORNER, raster


def ask(root, *arguments):
    return command.make(main._parser().parse_args(["toy", *arguments]), root)


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


def test_the_command_makes_a_world_and_refuses_what_goes_with_none(checkout, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command.make, "__defaults__", (checkout,))
    main.command(["toy", "--window", "5,6,7,8", "--text", "", "--steps", "1", "--out", str(tmp_path / "w")])
    said = capsys.readouterr().out
    assert "--text has no words, so the seed alone decides" in said and str(tmp_path / "w") in said
    assert (tmp_path / "w" / "world.tif").is_file()
    with pytest.raises(SystemExit):
        main.command(["toy", "--window", "5,6,7", "--out", str(tmp_path / "no")])
    assert "give COL,ROW,WIDTH,HEIGHT" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main.command(["toy", "--tiles"])
    assert "--tiles goes with --world or --window" in capsys.readouterr().err


def test_a_large_world_has_a_picture_that_opens_at_once(checkout, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "PICTURE", 20)
    folder = ask(checkout, "--world", "60x40", "--out", str(tmp_path / "w"))
    assert Image.open(folder / "world.png").size == (20, 13)


@pytest.mark.parametrize(("size", "times"), [(4, 4), (16, 16)])
def test_a_person_s_map_becomes_ground_in_its_place(checkout, tmp_path, size, times):
    rows, cols = np.mgrid[0:6, 0:5].astype(np.float32)
    coarse = raster(tmp_path / "plan.tif", 2000 + 300 * rows - 100 * cols, transform=CORNER @ Affine.scale(size))
    folder = ask(checkout, "--world", "--upscale", str(coarse), "--out", str(tmp_path / "w"))
    with rasterio.open(folder / "plan.tif") as found, rasterio.open(coarse) as given:
        assert found.bounds == given.bounds and found.crs == given.crs and found.shape == (6 * times, 5 * times)
        means = found.read(1).reshape(6, times, 5, times).mean(axis=(1, 3))
        assert np.corrcoef(means.ravel(), given.read(1).ravel())[0, 1] > 0.9
    facts = json.loads((folder / "plan.json").read_text())
    assert facts["upscale_factor"] == times and facts["place"].endswith("plan.tif")
    part = ask(checkout, "--window", "6,3,9,7", "--upscale", str(coarse), "--out", str(tmp_path / "p"))
    with rasterio.open(folder / "plan.tif") as whole, rasterio.open(part / "plan.tif") as cut:
        assert np.array_equal(cut.read(1), whole.read(1)[3:10, 6:15]) and whole.index(*cut.xy(0, 0)) == (3, 6)


def test_a_map_that_does_not_fit_is_told(checkout, tmp_path):
    rows, cols = np.mgrid[0:6, 0:5].astype(np.float32)
    odd = raster(tmp_path / "odd.tif", rows + cols, transform=CORNER @ Affine.scale(7))
    with pytest.raises(LandloomError, match="630 m a pixel, and a world of this model takes maps of 360 or 1440 m"):
        ask(checkout, "--world", "--upscale", str(odd), "--out", str(tmp_path / "out"))
    rows[2, 2] = np.nan
    void = raster(tmp_path / "void.tif", rows, transform=CORNER @ Affine.scale(4))
    with pytest.raises(LandloomError, match="1 pixels are voids"):
        ask(checkout, "--world", "--upscale", str(void), "--out", str(tmp_path / "out"))


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("--world", "big"), "--world big: give pixels a side"),
        (("--world", "0"), "a side must have at least 1 pixel"),
        (("--window", "1,2,3"), "--window 1,2,3: give COL,ROW,WIDTH,HEIGHT"),
        (("--window", "600000000,0,9,9"), "the plane ends"),
        (("--world", "64", "--count", "3"), "--count does not go with --world"),
        (("--world", "64", "--text", "a", "--text", "b"), "take one --text"),
        (("--world", "64", "--sketch", "lines.png"), "--sketch does not go with --world"),
        (("--world", "64", "--mask", "m.png"), "--mask does not go with --world"),
        (("--world", "64", "--labels", "l.png"), "--labels does not go with --world"),
        (("--world", "64", "--palette"), "--palette does not go with --world"),
        (("--world",), "--world : give pixels a side"),
        (("--world", "64", "--seed", "-1"), "--seed: a number from 0"),
    ],
)
def test_what_cannot_be_asked_is_told_and_nothing_is_written(checkout, tmp_path, arguments, message):
    with pytest.raises(LandloomError, match=message.replace("(", r"\(")):
        ask(checkout, *arguments, "--out", str(tmp_path / "out"))
    assert not list(tmp_path.iterdir())

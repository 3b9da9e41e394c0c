"""Files that are taken as colours: any kind of picture, with or without a place on Earth, or the reason why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from pydantic import ValidationError

from tasks.acquire.common.georeference import write_georeference
from tasks.acquire.common.inspect import Found, inspect
from tasks.acquire.common.source import Refusal, Unreadable
from tasks.formats.colors.read import open_colors
from tests.acquire.rasters import hills, write
from tests.acquire.stage import acquire, params
from tests.formats.icc import ink_profile, rgb_profile

GREY = hills().astype(np.uint8)
RGB = np.stack([GREY, 255 - GREY, GREY // 2], axis=-1)
BOTH = ("height", "color")


def accepted(path: Path, layers: tuple[str, ...] = ("color",), **override: object) -> Found:
    write_georeference(path, override)  # type: ignore[arg-type]
    return inspect(path, layers, override, 10**8)  # type: ignore[arg-type]


def refusal(path: Path, layers: tuple[str, ...] = ("color",), max_pixels: int = 10**8, **override: object) -> str:
    with pytest.raises(Refusal) as told:
        write_georeference(path, override)  # type: ignore[arg-type]
        inspect(path, layers, override, max_pixels)  # type: ignore[arg-type]
    assert str(path.parent) not in str(told.value)
    return str(told.value)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
def test_photographs_of_every_mode(tmp_path, mode):
    image = Image.fromarray(RGB)
    image = Image.fromarray(GREY.astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    suffixes = {"CMYK": (".jpg", ".tif"), "RGB": (".jpg", ".png", ".tif", ".webp", ".jp2", ".gif", ".bmp")}
    for suffix in suffixes.get(mode, (".png", ".tif")):
        image.save(tmp_path / f"a{suffix}")
        found = accepted(tmp_path / f"a{suffix}")
        assert (found.layer, found.crs, found.west) == ("color", None, None), suffix


def test_georeferenced_pictures_of_every_kind(tmp_path):
    colors = {i: (i, 255 - i, 9, 255) for i in range(256)}
    palette = write(tmp_path / "palette.tif", GREY)
    with rasterio.open(palette, "r+") as dataset:
        dataset.write_colormap(1, colors)
    assert accepted(palette).west == 8 and accepted(palette, BOTH).layer == "color"
    assert "stand for colours" in refusal(palette, ("height",))
    assert accepted(write(tmp_path / "grey.tif", GREY)).crs
    assert "grey picture" in refusal(tmp_path / "grey.tif", BOTH)  # where heights are wanted, it might be heights
    alpha = np.stack([*np.moveaxis(RGB, -1, 0), np.where(GREY > 90, 255, 0)]).astype(np.uint8)
    assert accepted(write(tmp_path / "alpha.tif", alpha, photometric="RGB", alpha="yes")).layer == "color"
    assert accepted(write(tmp_path / "bgr.tif", RGB.transpose(2, 0, 1), photometric="RGB"), BOTH).layer == "color"


def test_bands_and_a_stretch_are_said_in_an_override_and_recorded(tmp_path):
    deep = np.stack([hills(low=100, high=2900)] * 4).astype(np.uint16)
    deep[2] //= 2
    path = write(tmp_path / "s2.tif", deep)
    assert "nothing says which are red, green and blue" in refusal(path)
    assert "heights or another measure" in refusal(path, bands=(3, 2, 1))
    assert accepted(path, bands=(3, 2, 1), stretch=(0.0, 3000.0)).layer == "color"
    with open_colors(path) as file:  # as every later stage reads it
        rgb, valid = file.read()
    wanted = np.rint(np.clip(deep[[2, 1, 0]] * 255.0 / 3000, 0, 255)).transpose(1, 2, 0)
    assert np.array_equal(rgb, wanted.astype(np.uint8)) and valid.all()
    assert "names band 7" in refusal(path, bands=(3, 2, 7), stretch=(0.0, 3000.0))
    with pytest.raises(ValidationError, match="a stretch ascends"):
        params("files", paths=["."], overrides={"*": {"stretch": [9, 3]}})


def test_twelve_bits_that_say_so_need_no_stretch(tmp_path):
    twelve = np.stack([np.full((40, 50), 4095, np.uint16)] * 3)
    path = write(tmp_path / "a.tif", twelve, nbits=12, photometric="RGB")
    accepted(path)
    with open_colors(path) as file:
        assert (file.read()[0] == 255).all()


def test_a_note_that_came_with_the_raster_is_kept(tmp_path):
    path = tmp_path / "a.png"
    Image.fromarray(RGB).save(path)
    note = "<PAMDataset><SRS>EPSG:4326</SRS><GeoTransform>8, 0.1, 0, 47, 0, -0.1</GeoTransform></PAMDataset>"
    (tmp_path / "a.png.aux.xml").write_text(note)
    assert accepted(path, bands=(2, 1, 3)).west == 8
    with open_colors(path) as file:
        assert file.read()[0].shape == RGB.shape


def test_refusals_say_the_true_reason(tmp_path):
    image = Image.fromarray(RGB)
    image.save(tmp_path / "torn.jpg")
    data = (tmp_path / "torn.jpg").read_bytes()
    (tmp_path / "torn.jpg").write_bytes(data[: len(data) * 2 // 3])
    assert "breaks off" in refusal(tmp_path / "torn.jpg")
    with pytest.raises(Unreadable):  # the next run fetches it again
        inspect(tmp_path / "torn.jpg", ("color",), {}, 10**8)
    image.save(tmp_path / "inks.png", icc_profile=ink_profile())
    assert "colour profile is for CMYK" in refusal(tmp_path / "inks.png")
    image.save(tmp_path / "large.png", icc_profile=rgb_profile())
    assert "claims 50 × 40 pixels, more than acquire.max_pixels (1999)" in refusal(
        tmp_path / "large.png", max_pixels=1999
    )
    clear = image.convert("RGBA")
    clear.putalpha(0)
    clear.save(tmp_path / "clear.png")
    assert refusal(tmp_path / "clear.png") == "masked everywhere"
    assert "no place on Earth" in refusal(tmp_path / "large.png", BOTH) or "no CRS" in refusal(
        tmp_path / "large.png", BOTH
    )
    Image.fromarray(RGB[:1, :1]).save(tmp_path / "dot.png")
    assert "1 × 1 pixels" in refusal(tmp_path / "dot.png")
    (tmp_path / "login.jpg").write_text("<!doctype html><title>Log in</title>")
    assert "no picture that can be read" in refusal(tmp_path / "login.jpg")
    local = write(tmp_path / "local.tif", RGB.transpose(2, 0, 1), crs='LOCAL_CS["unnamed",UNIT["metre",1]]')
    assert "tied to no place" in refusal(local)
    unplaced = write(tmp_path / "i.tif", RGB.transpose(2, 0, 1), transform=Affine.identity())
    assert "nothing says where its corners lie" in refusal(unplaced)


def test_a_bomb_is_refused_unread(tmp_path):
    path = tmp_path / "bomb.png"
    Image.fromarray(np.zeros((6000, 6000), bool)).save(path)  # 36 megapixels in a few kilobytes
    assert path.stat().st_size < 30_000 and "claims 6000 × 6000 pixels" in refusal(path, max_pixels=10**7)


def test_the_stage_takes_and_refuses_by_name(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(RGB).convert("CMYK").save(folder / "inks.jpg")
    Image.fromarray(GREY).save(folder / "grey.webp")
    (folder / "list.csv").write_text("name,licence\n")
    ledger = acquire(tmp_path, params("files", paths=["in"], layers=["color"]))
    assert set(ledger.index[ledger["refused"].isna()]) == {"inks.jpg", "grey.webp"}
    assert "no picture" in ledger.loc["list.csv", "refused"]

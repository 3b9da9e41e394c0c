"""Pictures of the procedural planet: orthophotos, map sheets and views."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import rasterio
from PIL import Image

from tasks.acquire.sources.sample.ground.noise import fractal, stretch
from tasks.acquire.sources.sample.ground.places import Wanted, places, square
from tasks.acquire.sources.sample.ground.settlements import roads, settlements
from tasks.acquire.sources.sample.ground.streams import drainage, streams
from tasks.acquire.sources.sample.orthophoto.render import orthophoto, wanted
from tasks.acquire.sources.sample.sheets.draft import draft, sheet_places
from tasks.acquire.sources.sample.sheets.relief import contours, interval
from tasks.acquire.sources.sample.sheets.render import sheet
from tasks.acquire.sources.sample.sheets.scripts import SCRIPTS, as_drawn, font, name
from tasks.acquire.sources.sample.views.render import WANTED, view
from tasks.core import arithmetic
from tests.acquire.stage import acquire, params

SEED = 20


def test_an_orthophoto_lies_on_the_ground_and_is_named_for_what_it_is(tmp_path):
    given = params("sample", of="orthophoto", pictures=2, picture_px=160, picture_m=10.0)
    ledger = acquire(tmp_path, given)
    assert list(ledger.index) == ["orthophoto_0000", "orthophoto_0001"]
    assert ledger["procedural"].all() and (ledger["layer"] == "color").all() and ledger["refused"].isna().all()
    assert ledger["attribution"].str.contains("not a real place").all() and (ledger["licence"] == "CC0-1.0").all()
    with rasterio.open(tmp_path / "data/terrain/raw/orthophoto_0000.tif") as found:
        assert found.crs.is_projected and found.res == (10.0, 10.0) and found.shape == (160, 160)
        assert found.tags()["SOURCE"].endswith("not a real place")
        pixels = found.read()
    assert pixels.dtype == np.uint8 and pixels.std() > 12
    place = places(wanted(1600.0), 2, SEED)[0]
    box = ledger.iloc[0]
    assert box["west"] < place.lon < box["east"] and box["south"] < place.lat < box["north"]


def test_sheets_and_views_have_no_place(tmp_path):
    ledger = acquire(tmp_path / "a", params("sample", of="sheets", pictures=1, picture_px=360))
    assert ledger["crs"].isna().all() and ledger["procedural"].all() and ledger["refused"].isna().all()
    facts = json.loads(ledger.loc["sheet_0000", "facts"])
    plan = draft(sheet_places(1, SEED)[0])
    assert facts == {"title": plan.title, "script": plan.script.name, "date": str(plan.year)}
    ledger = acquire(tmp_path / "b", params("sample", of="views", pictures=2, picture_px=160))
    assert ledger["crs"].isna().all() and ledger["procedural"].all() and ledger["facts"].isna().all()
    sizes = {Image.open(tmp_path / "b/data/terrain/raw" / path).size for path in ledger["path"]}
    assert all(max(size) == 160 for size in sizes)


def test_an_area_picks_from_the_pictures(tmp_path):
    place = places(wanted(1600.0), 3, SEED)[1]
    around = [place.lon - 0.2, place.lat - 0.2, place.lon + 0.2, place.lat + 0.2]
    given = params("sample", around, of="orthophoto", pictures=3, picture_px=160, picture_m=10.0)
    assert list(acquire(tmp_path, given).index) == ["orthophoto_0001"]


def test_keys_of_heights_are_refused_with_pictures():
    with pytest.raises(ValueError, match="planet_cells and planet_map_px are for heights"):
        params("sample", of="views", planet_cells=["N00E000"])


PINNED = {
    "orthophoto": "3a000db381b26682eb42bed298372b4e8c2ad8090d33bc6fb67493be1e63a353",
    "sheet": "d0ad423a6199550631d444c66750979018f50126323524aa4b1c54d177bac38a",
    "view": "886d30927800582a132085c4a8c5cff904789f808fadd47cb7aa77dabe8dda35",
}
"""SHA-256 of the pixels; another value means that pictures of the sample change for everybody."""


@pytest.mark.skipif(arithmetic.NAME != arithmetic.PORTABLE, reason="pixels are pinned for the arithmetic of x86-64-v3")
@pytest.mark.parametrize("kind", PINNED)
def test_the_same_pixels_on_every_processor(kind):
    pixels = {
        "orthophoto": lambda: orthophoto(places(wanted(1600.0), 1, SEED)[0], 160, 10.0, SEED),
        "sheet": lambda: sheet(sheet_places(1, SEED)[0], 360, SEED),
        "view": lambda: view(places(WANTED, 1, SEED)[0], 1, 160, SEED),
    }[kind]()
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == PINNED[kind]


def test_places_have_what_is_wanted_and_more_of_them_begin_with_the_same():
    some = Wanted(8000, mean=(200, 900), relief=(100, 600))
    few, more = places(some, 3, SEED), places(some, 9, SEED)
    assert more[:3] == few and len(set(more)) == 9
    for place in few:
        height = square(np.array(place.lat), np.array(place.lon), 8000, 5, SEED, finest_km=1.0)
        assert 200 <= height.mean() <= 900 and 100 <= np.ptp(height) <= 600 and (height > 0).all()


def test_water_runs_down_and_out():
    height = 200 + 60 * fractal((48, 60), 20, 4, 3) - np.arange(60)[None, :]
    cells, down = drainage(height)
    row, col = np.divmod(down, 60)
    assert (np.abs(row - np.arange(48)[:, None]) <= 1).all() and (np.abs(col - np.arange(60)) <= 1).all()
    outlets = down == np.arange(48 * 60).reshape(48, 60)
    assert cells[outlets].sum() == 48 * 60  # every cell's water leaves once
    inner = ~outlets
    assert (cells.ravel()[down[inner]] > cells[inner]).all()
    lines = streams(height, least=40)
    assert lines and all((np.diff(stream.cells) >= 0).all() for stream in lines)


def test_roads_join_all_settlements_on_land():
    height = np.maximum(100 * fractal((64, 64), 30, 3, 5) + 20, 0)
    towns = settlements(height, 50.0, np.zeros((64, 64), bool), 6, 9, 1)
    assert len(towns) == 6 and (height[towns[:, 1], towns[:, 0]] > 0).all()
    ways = roads(height, 50.0, towns)
    assert len(ways) == 5
    ends = {tuple(end.astype(int)) for way in ways for end in (way[0], way[-1])}
    assert ends == {tuple(town) for town in towns}


def test_contours_are_round_numbers_apart():
    assert [interval(relief) for relief in (40, 300, 1700, 9000)] == [2.5, 20, 100, 500]
    down, across = np.mgrid[-50:50, -50:50]
    cone = (500 - 6 * np.sqrt(down**2 + across**2)).astype(np.float32)
    ink = contours(cone, 60, 1.0)
    profile = ink[50, 51:]  # from the top outwards a line every 10 pixels, where the cone is 480, 420, …
    assert (profile > 0.5).sum() >= 4 and profile[6:11].max() < 0.3


def test_every_letter_of_every_script_has_a_glyph():
    rng = np.random.default_rng(4)
    for script in SCRIPTS:
        missing = font(script.upright, 20).getmask("\U0010ffff")
        text = "".join(name(script, rng) for _ in range(40)) + " ".join(" ".join(words) for words in script.words)
        text += " " + script.digits
        for letter in set(as_drawn(script, text)) - {" "}:
            glyph = font(script.upright, 20).getmask(letter)
            assert glyph.size != missing.size or bytes(glyph) != bytes(missing), f"{script.name}: {letter!r}"


def test_arabic_letters_join_and_run_leftward():
    arabic = next(script for script in SCRIPTS if script.name == "Arabic")
    # beh initial, reh final; alef never joins what follows it
    assert as_drawn(arabic, "بر") == "\ufeae\ufe91"
    assert as_drawn(arabic, "اب") == "\ufe8f\ufe8d"
    assert as_drawn(arabic, "نبن") == "\ufee6\ufe92\ufee7"
    hebrew = next(script for script in SCRIPTS if script.name == "Hebrew")
    assert as_drawn(hebrew, "גיליון 12") == "12 " + "גיליון"[::-1]


def test_stretched_heights_keep_their_corners_and_stay_smooth():
    grid = np.random.default_rng(1).uniform(0, 100, (7, 9)).astype(np.float32)
    large = stretch(grid, (61, 81))
    assert np.allclose(large[::10, ::10], grid, atol=1e-3)
    flat = stretch(np.full((4, 4), 7.5, np.float32), (33, 33))
    assert np.allclose(flat, 7.5)

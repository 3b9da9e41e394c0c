"""Squares of scanned sheets: the edge is found on every bed, and no square leaves the sheet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.formats.tables.ledger import LedgerRow
from tasks.formats.tables.scenes import SceneReader, read_scenes
from tasks.formats.tables.sources import read_sources
from tasks.project.params import Params, Squares
from tasks.project.sheets.cut import cut_square
from tasks.project.sheets.picture_frame import find_frame
from tasks.project.sheets.read import ScanReader, read_reduced
from tasks.project.sheets.sheet import find_sheet
from tasks.project.sheets.squares import Place, place_squares
from tasks.project.sheets.survey import Scan, Square, survey
from tasks.runs.figures import recorded
from tests.project.scans import BEDS, draw_sheet, lay, worst_corner
from tests.project.stage import project

EXTRAS = {"plain": {}, "shadow": {"shadow": True}, "chart": {"chart": True}, "torn": {"torn": True}}


def edge_of(scan):
    return find_sheet(scan.rgb, np.ones(scan.off.shape, bool))


def generators(seed: int):
    return lambda number: np.random.default_rng([seed, number])


def shown(place, off: np.ndarray) -> np.ndarray:
    """Values of `off` on a dense grid over the place."""
    share = (np.arange(48) + 0.5) / 48
    corners = place.corners()
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    points = corners[0] + share[:, None, None] * down + share[None, :, None] * across
    cols, rows = np.floor(points[..., 0]).astype(int), np.floor(points[..., 1]).astype(int)
    assert cols.min() >= 0 and rows.min() >= 0 and cols.max() < off.shape[1] and rows.max() < off.shape[0]
    return off[rows, cols]


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("bed", BEDS)
def test_the_edge_is_found_on_every_bed(bed, extra):
    rng = np.random.default_rng([BEDS.index(bed), list(EXTRAS).index(extra)])
    scan = lay(draw_sheet(rng), bed, rng, angle=float(rng.uniform(-5, 5)), **EXTRAS[extra])
    edge = edge_of(scan)
    assert edge.problem is None and len(edge.sides) == 4
    assert worst_corner(edge.corners, scan) < 0.01
    assert (scan.off & ~edge.off).mean() < 0.004  # a rim of one pixel


@settings(max_examples=15)
@given(
    bed=st.sampled_from(BEDS),
    angle=st.floats(-5, 5),
    margin=st.floats(0.02, 0.2),
    extras=st.sets(st.sampled_from(["shadow", "chart", "torn"])),
    whole=st.sampled_from(["square", "stretch"]),
    upright=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_no_square_leaves_the_sheet(bed, angle, margin, extras, whole, upright, seed):
    rng = np.random.default_rng(seed)
    scan = lay(draw_sheet(rng, 420, 330), bed, rng, angle, margin, **dict.fromkeys(extras, True))
    edge = edge_of(scan)
    if edge.problem:
        return
    params = Squares(crops=6, whole=whole, upright=upright)
    places = place_squares(edge, 1.0, 64, params, generators(seed))
    assert len(places) == 7
    for place in places:
        assert not shown(place, scan.off).any(), place
        assert min(place.width, place.height) > 60


def test_a_sheet_that_fills_the_scan_is_kept_whole():
    sheet = draw_sheet(np.random.default_rng(3))
    edge = find_sheet(sheet, np.ones(sheet.shape[:2], bool))
    assert edge.problem is None and edge.sides == () and not edge.off.any() and edge.angle == 0
    grey = np.full((300, 400, 3), 120, np.uint8)
    assert find_sheet(grey, np.ones((300, 400), bool)).sides == ()


def test_a_sheet_without_a_straight_edge_is_refused():
    rng = np.random.default_rng(1)
    scan = lay(draw_sheet(rng), "black", rng, margin=0.2)
    ragged = scan.rgb.copy()
    for row in range(len(ragged)):  # the left rim is burnt
        ragged[row, : int(scan.corners[0, 0] + 60 + 50 * np.sin(row / 9))] = rng.integers(0, 14, 3)
    assert "left border" in find_sheet(ragged, np.ones(scan.off.shape, bool)).problem


def test_transparent_pixels_are_off_the_sheet():
    sheet = draw_sheet(np.random.default_rng(4))
    known = np.ones(sheet.shape[:2], bool)
    known[:40] = known[:, -30:] = False
    edge = find_sheet(sheet, known)
    assert set(edge.sides) == {"top", "right"} and edge.off[:40].all() and edge.off[:, -30:].all()


def test_squares_stand_upright_in_a_turned_sheet():
    rng = np.random.default_rng(6)
    sheet = draw_sheet(rng, 480, 480)
    scan = lay(sheet, "black", rng, angle=4.0)
    edge = edge_of(scan)
    assert edge.angle == pytest.approx(4.0, abs=0.25)
    upright = place_squares(edge, 1.0, 64, Squares(), generators(1))
    level = place_squares(edge, 1.0, 64, Squares(upright=False), generators(1))
    assert all(place.angle == edge.angle for place in upright) and all(place.angle == 0 for place in level)
    assert upright[0].width > 0.95 * 480 > level[0].width > 0.8 * 480


def _scan(path, key="a.png"):
    return Scan(key, str(path), False, False, (1, 2, 3, 4))


def test_pixels_are_area_means(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (96, 96, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    square = Square(_scan(tmp_path / "a.png"), Place("whole", 48.0, 48.0, 96.0, 96.0, 0.0), 96, 32 * 32)
    cut = cut_square(square, 32, ScanReader())
    means = pixels.reshape(32, 3, 32, 3, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(np.moveaxis(cut, 0, -1) - means).max() < 0.5


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif"])
def test_large_scans_are_reduced_while_they_are_read(tmp_path, suffix):
    smooth = np.linspace(0, 255, 3000)[None, :, None] * np.ones((1100, 1, 3))
    Image.fromarray(smooth.astype(np.uint8)).save(tmp_path / f"a.{suffix}")
    scan = read_reduced(tmp_path / f"a.{suffix}", 700)
    assert 700 <= max(scan.rgb.shape[:2]) <= 1500 and (scan.cols, scan.rows) == (3000, 1100)
    assert np.abs(scan.rgb[5, ::50, 0] - np.linspace(0, 255, scan.rgb.shape[1])[::50]).max() < 4


SETTINGS = {"method": "sheets", "scene_px": 64}


@pytest.fixture
def rows(tmp_path):
    raw = tmp_path / "data/terrain/raw"
    (raw / "atlas").mkdir(parents=True)
    rng = np.random.default_rng(5)
    for number, bed in enumerate(["black", "white", "wood"]):
        scan = lay(draw_sheet(rng, 360, 300), bed, rng, angle=2.0 * number - 2)
        Image.fromarray(scan.rgb).save(raw / f"atlas/sheet {number}.png")
    Image.fromarray(draw_sheet(rng)[:20, :26]).save(raw / "atlas/stamp.png")
    keys = [f"atlas/sheet {number}.png" for number in range(3)] + ["atlas/stamp.png"]
    return [LedgerRow(key, "color", "files", "CC0-1.0", "test", path=key) for key in keys]


def test_each_square_is_a_scene(tmp_path, rows):
    data = project(tmp_path, rows, **SETTINGS)
    scenes = read_scenes(data / "scenes.parquet")
    assert len(scenes) == 15 and (scenes["cols"] == 64).all() and (scenes["rows"] == 64).all()
    assert scenes["void_share"].max() == 0 and scenes[["crs", "gsd", "geometry", "height"]].isna().all(axis=None)
    assert set(scenes["region"]) == {"atlas"}
    assert sorted({tuple(keys) for keys in scenes["sources"]}) == [(row.key,) for row in rows[:3]]
    sources = read_sources(data / "sources.parquet").set_index("key")
    assert "too small" in sources.loc["atlas/stamp.png", "refused"]
    with SceneReader(data, scenes) as reader:
        assert all(reader.color(name)[:3].std() > 5 for name in scenes.index)
    first = dvc_md5(data / "scenes")
    project(tmp_path, rows, engine="processes", **SETTINGS)
    assert dvc_md5(data / "scenes") == first
    assert (data / "pictures/project/contact_001.png").exists()


def test_another_scan_changes_no_square(tmp_path, rows, monkeypatch):
    def pixels(given, **changes):
        data = project(tmp_path, given, **(SETTINGS | changes))
        scenes = read_scenes(data / "scenes.parquet")
        with SceneReader(data, scenes) as reader:
            return {name: reader.color(name) for name in scenes.index}

    every = pixels(rows)
    fewer = pixels(rows[1:2], squares={"crops": 2})
    assert len(fewer) == 3 and all((every[name] == color).all() for name, color in fewer.items())
    monkeypatch.setattr("tasks.project.batches.FILES_OF_THEIR_OWN", 4)
    packed = pixels(rows)
    assert sorted(packed) == sorted(every) and all((packed[name] == every[name]).all() for name in every)
    assert list((tmp_path / "data/terrain/scenes").glob("pack-*.zip"))


def test_keys_that_a_person_drops(tmp_path, rows):
    data = project(tmp_path, rows, **SETTINGS, drop=["atlas/sheet 1.png"])
    sources = read_sources(data / "sources.parquet").set_index("key")
    assert sources.loc["atlas/sheet 1.png", ["stage", "refused"]].tolist() == ["project", "dropped by hand"]
    assert len(read_scenes(data / "scenes.parquet")) == 10
    with pytest.raises(LandloomError, match="project.drop: no source has the key 'atlas/sheet 9.png'; did you mean"):
        project(tmp_path, rows, **SETTINGS, drop=["atlas/sheet 9.png"])
    plain = project(tmp_path, rows, method="none", drop=[row.key for row in rows[1:]])
    assert set(read_scenes(plain / "scenes.parquet")["region"]) == {"atlas"}
    assert (read_sources(plain / "sources.parquet")["refused"] == "dropped by hand").sum() == 3


def test_a_broken_scan_is_refused_by_name_and_the_rest_goes_on(tmp_path, rows):
    path = tmp_path / "data/terrain/raw/atlas/sheet 0.png"
    path.write_bytes(path.read_bytes()[:-400])
    data = project(tmp_path, rows, **SETTINGS)
    reason = read_sources(data / "sources.parquet").set_index("key").loc["atlas/sheet 0.png", "refused"]
    assert "breaks off" in reason and len(read_scenes(data / "scenes.parquet")) == 10


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"squares": {"whole": "none", "crops": 0}}, "leave no square"),
        ({"squares": {"smallest": 0.9}}, "above largest"),
        ({"method": "none", "squares": {"crops": 1}}, "not by none"),
        ({"crops": 5}, "set squares.crops"),
    ],
)
def test_settings_that_make_no_sense(changes, told):
    with pytest.raises(ValueError, match=told):
        Params(**({"method": "sheets"} | changes))


def test_a_stretch_is_counted(tmp_path, rows):
    data = project(tmp_path, rows, **SETTINGS, squares={"whole": "stretch", "crops": 0})
    assert len(read_scenes(data / "scenes.parquet")) == 3
    assert 1.1 < recorded(tmp_path, "terrain", "project")["widest_stretch"] < 1.3


def test_squares_keep_off_a_gutter(tmp_path):
    rng = np.random.default_rng(1)
    pages = [draw_sheet(rng, 320, 420)[30:-30, 30:-30] for _ in range(2)]
    for page in pages:
        page[np.kron(rng.random((90, 65)) < 0.12, np.ones((4, 4))) > 0] = 60  # print everywhere
    strip = np.full((360, 10, 3), (238, 230, 212), np.uint8)
    book = np.hstack([pages[0], strip, pages[1]])
    Image.fromarray(book).save(tmp_path / "book.png")
    off = np.zeros(book.shape[:2], bool)
    off[:, 261:269] = True

    def places(**squares):
        params = Params(method="sheets", scene_px=64, squares={"crops": 8, "spread": 0.8, **squares})
        (found,) = survey((_scan(tmp_path / "book.png"),), params)
        return [square.place for square in found.squares]

    assert len(places()) == 9 and not any(shown(place, off).any() for place in places())
    assert any(shown(place, off).any() for place in places(gutters=False))


def photograph(rng) -> np.ndarray:
    """White sky and white snow below dark mountains."""
    rows, cols = np.indices((240, 360))
    ridge = 110 + 40 * np.sin(cols / 37) + 20 * np.sin(cols / 11)
    out = np.full((240, 360, 3), 250.0)
    dark = (rows > ridge) & (rows < ridge + 70)
    out[dark] = 80 + 30 * rng.standard_normal((dark.sum(), 1))
    out[rows > ridge + 70] = 235
    return np.clip(out + rng.normal(0, 3, out.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("page", [(250, 248, 240), (20, 20, 20)])
def test_frames_and_captions_are_off_the_picture(page):
    rng = np.random.default_rng(8)
    photo = photograph(rng)
    plate = np.full((360, 440, 3), page, np.uint8)
    plate[30:270, 40:400] = photo
    plate[30:270, [40, 41, 398, 399]] = plate[[30, 31, 268, 269], 40:400] = (90, 85, 80)  # the plate's own line
    for row in (300, 320):
        plate[row : row + 8, 60:380] = np.where(rng.random((1, 320, 1)) < 0.5, 120, page)
    edge = find_frame(plate, np.ones(plate.shape[:2], bool))
    left, top, right, bottom = 40 / 440, 30 / 360, 400 / 440, 270 / 360
    for corner in ((left, top), (right, top), (right, bottom), (left, bottom)):
        assert np.abs(edge.corners - corner).max(axis=1).min() < 0.012
    assert edge.off[290:].all() and edge.off[:, :38].all()
    bare = find_frame(photo, np.ones(photo.shape[:2], bool))
    assert bare.sides == () and not bare.off.any()


def test_photographs_become_squares(tmp_path, rows):
    path = tmp_path / "data/terrain/raw/atlas/sheet 0.png"
    Image.fromarray(photograph(np.random.default_rng(2))).save(path)
    data = project(tmp_path, rows[:1], method="photographs", scene_px=128, squares={"crops": 2})
    scenes = read_scenes(data / "scenes.parquet")
    assert len(scenes) == 3 and set(scenes["cols"]) == {128}

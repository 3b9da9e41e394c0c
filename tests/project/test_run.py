"""The whole stage: outputs, refusals, and the same bytes in every run."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from pyproj import CRS

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.formats.tables.ledger import LedgerRow, read_ledger
from tasks.formats.tables.scenes import SceneReader, read_scenes
from tasks.formats.tables.sources import read_sources
from tasks.project.footprint import GEOD
from tasks.project.grids import grid_over
from tasks.project.projection import to_lonlat
from tasks.project.rasters import RasterReader
from tasks.project.warp import Target, warp
from tests.project.stage import ledger_row, project
from tests.project.synthetic import coordinates, of_surface, raster, surface

STEP = 1 / 800


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "data/terrain/raw"
    folder.mkdir(parents=True)
    return folder


def half_cell(raw: Path, key: str, west: float, south: float, step: float = STEP):
    """A raster of `surface`, half a degree on a side."""
    px = round(0.5 / step)
    return of_surface(raw, key, "EPSG:4326", Affine(step, 0, west, 0, -step, south + 0.5), px, px)


def test_heights_and_colors_share_one_grid(tmp_path, raw):
    height = half_cell(raw, "height", 10, 46)
    rgb = np.full((3, 300, 300), 90, np.uint8)
    rgb[:, :20] = 0
    color = raster(raw, "color", "EPSG:32632", Affine(120, 0, 600_000, 0, -120, 5_130_000), rgb, "color", nodata=0)
    data = project(tmp_path, [ledger_row(color), ledger_row(height, procedural=True)])
    scenes = read_scenes(data / "scenes.parquet")
    both = scenes[scenes["height"].notna() & scenes["color"].notna()]
    assert len(both) == len(scenes)
    with SceneReader(data, scenes) as reader:
        for name, row in both.iterrows():
            heights, colors = reader.height(name), reader.color(name)
            assert heights.shape == colors.shape[1:] == (row.rows, row.cols)
            truth = surface(*coordinates(row.crs, Affine(*row["transform"]), row.cols, row.rows))
            assert np.nanmax(np.abs(heights - truth)) < 0.3
            assert set(np.unique(colors[3])) == {0, 255} and (colors[0][colors[3] == 255] == 90).all()
    assert both["procedural"].all() and set(both["gsd"]) == {90.0} and set(both["region"]) == {"N40E010"}
    assert [list(keys) for keys in both["sources"]] == [["color", "height"]] * len(both)
    assert both.geometry.is_valid.all()


def test_no_void_is_carried_along_a_border(tmp_path, raw):
    data = project(tmp_path, [ledger_row(half_cell(raw, "cell", 10, 46))], scene_px=1024)
    scenes = read_scenes(data / "scenes.parquet")
    with SceneReader(data, scenes) as reader:
        known = np.isfinite(reader.height(scenes.index[0]))
    assert min(known[0].mean(), known[-1].mean(), known[:, 0].mean(), known[:, -1].mean()) > 0.5
    row = scenes.iloc[0]
    assert abs(GEOD.geometry_area_perimeter(row.geometry)[0]) == pytest.approx(row.cols * row.rows * 90**2, rel=1e-4)


def test_a_scene_ends_where_its_data_does(tmp_path, raw):
    pixels = np.full((300, 300), np.nan, np.float32)
    pixels[100:180, 40:250] = 7
    source = raster(raw, "island", "EPSG:32631", Affine(90, 0, 486_500, 0, -90, 5_120_000), pixels)
    scene = read_scenes(project(tmp_path, [ledger_row(source)]) / "scenes.parquet").iloc[0]
    assert abs(scene.rows - 80) <= 4 and abs(scene.cols - 210) <= 4 and scene.void_share < 0.03


def test_workers_give_the_same_bytes(tmp_path):
    hashes = []
    for engine in ("serial", "processes"):
        raw = tmp_path / engine / "data/terrain/raw"
        raw.mkdir(parents=True)
        rows = [ledger_row(half_cell(raw, f"c{west}", west, 46)) for west in (8, 8.5, 20)]
        data = project(tmp_path / engine, rows, engine, scene_px=300)
        hashes.append([dvc_md5(data / name) for name in ("scenes", "scenes.parquet", "sources.parquet", "pictures")])
    assert hashes[0] == hashes[1]


def test_every_refusal_is_by_name(tmp_path, raw):
    good, coarse = half_cell(raw, "good", 10, 46), half_cell(raw, "coarse", 12, 46, 1 / 40)
    unplaced = raster(raw, "unplaced", "EPSG:32632", Affine.identity(), np.ones((50, 50), np.float32))
    local = raster(raw, "local", "EPSG:32632", Affine(90, 0, 0, 0, -90, 0), np.ones((50, 50), np.float32))
    engineering = 'LOCAL_CS["nowhere",UNIT["metre",1]]'
    void = raster(raw, "void", "EPSG:32632", Affine(90, 0, 2e5, 0, -90, 5e6), np.full((50, 50), np.nan, np.float32))
    rows = [ledger_row(item) for item in (good, coarse, void)]
    rows += [ledger_row(unplaced), ledger_row(local, crs=engineering), ledger_row(good, key="picture", crs=None)]
    rows.append(LedgerRow("gone", "height", "files", "x", "x", refused="claims too much"))
    data = project(tmp_path, rows, scene_px=1024)
    table = read_sources(data / "sources.parquet").set_index("key")
    assert list(table.index) == sorted(table.index) and len(table) == len(read_ledger(raw))
    assert table["refused"].isna().sum() == 1 and len(table.loc["good", "scenes"]) == 1
    assert "30.9 times" in table.loc["coarse", "refused"] and "max_upsample" in table.loc["coarse", "refused"]
    assert "no georeference" in table.loc["unplaced", "refused"]
    assert "not tied to the Earth" in table.loc["local", "refused"]
    assert "no CRS" in table.loc["picture", "refused"]
    assert "void" in table.loc["void", "refused"]
    assert table.loc["gone", ["stage", "refused"]].tolist() == ["acquire", "claims too much"]
    assert set(table["stage"].dropna()) == {"acquire", "project"}


def test_nothing_usable_is_one_clear_error(tmp_path, raw):
    with pytest.raises(LandloomError, match=r"coarse: too coarse"):
        project(tmp_path, [ledger_row(half_cell(raw, "coarse", 12, 46, 1 / 40))])
    assert not (tmp_path / "data/terrain/scenes").exists()


def test_a_raster_that_breaks_off_is_named_and_leaves_nothing(tmp_path, raw):
    cell = half_cell(raw, "cut", 10, 46)
    Path(cell.path).write_bytes(Path(cell.path).read_bytes()[:300_000])
    with pytest.raises(LandloomError, match=r"^cut: .*cut\.tif breaks off"):
        project(tmp_path, [ledger_row(cell)])
    with pytest.raises(LandloomError, match=r"^cut: .*cut\.tif is cut short"):
        project(tmp_path, [ledger_row(cell, bytes=640_000)])
    Path(cell.path).unlink()
    with pytest.raises(LandloomError, match=r"^cut: .*cannot be opened"):
        project(tmp_path, [ledger_row(cell)])
    assert [path.name for path in (tmp_path / "data/terrain").iterdir()] == ["raw"]


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, raw):
    half_cell(raw, "cell", 10, 46)
    script = (
        "import sys; from pathlib import Path; from tests.project.stage import project; "
        "from tasks.formats.tables.ledger import read_ledger, LedgerRow; from tasks.core.errors import LandloomError\n"
        "row = LedgerRow('cell', 'height', 'files', 'x', 'x', path='cell.tif', crs='EPSG:4326')\n"
        "import pyproj, dataclasses; row = dataclasses.replace(row, crs=pyproj.CRS(4326).to_wkt())\n"
        "try: project(Path(sys.argv[1]), [row])\n"
        "except LandloomError as error: sys.exit(f'TOLD {error}')\n"
    )

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    child = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, preexec_fn=small_files
    )
    assert "TOLD scenes/" in child.stderr and "could not be written" in child.stderr
    assert [path.name for path in (tmp_path / "data/terrain").iterdir()] == ["raw"]


def test_pictures_pass_through(tmp_path, raw):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3)).astype(np.uint8)
    (raw / "alps").mkdir()
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned a quarter to the left
    Image.fromarray(pixels).save(raw / "alps/turned.tif", exif=exif)
    Image.fromarray(pixels).save(raw / "large.png")
    Image.fromarray(pixels[..., 0]).save(raw / "grey.png")
    rows = [
        LedgerRow(key, "color", "files", "x", "x", path=key) for key in ("alps/turned.tif", "large.png", "grey.png")
    ]
    data = project(tmp_path, rows, method="none", scene_px=60)
    scenes = read_scenes(data / "scenes.parquet")
    assert list(scenes.index) == ["alps-turned-tif", "grey-png", "large-png"]
    assert scenes[["crs", "gsd", "geometry", "height"]].isna().all(axis=None)
    assert scenes["region"].tolist() == ["alps", "pictures", "pictures"]
    with SceneReader(data, scenes) as reader:
        assert np.array_equal(reader.color("large-png")[:3], np.moveaxis(pixels, -1, 0))
        assert np.array_equal(reader.color("grey-png")[1], pixels[..., 0])
        assert (reader.color("grey-png")[3] == 255).all()
    parts = project(tmp_path, rows[1:2], method="none", scene_px=32)
    scenes = read_scenes(parts / "scenes.parquet")
    assert list(scenes.index) == [f"large-png-r{row:02d}c{col:02d}" for row in range(2) for col in range(2)]
    with SceneReader(data, scenes) as reader:
        assert np.array_equal(reader.color("large-png-r01c01")[:3], np.moveaxis(pixels[20:, 30:], -1, 0))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, raw, orientation):
    from PIL import ImageOps

    row, col = np.indices((48, 64))
    pixels = np.stack([row * 5, col * 3, 255 - row - col], axis=-1).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(raw / "photo.jpg", exif=exif, quality=95)
    upright = np.asarray(ImageOps.exif_transpose(Image.open(raw / "photo.jpg"))).astype(int)
    row = LedgerRow("photo", "color", "files", "x", "x", path="photo.jpg")
    data = project(tmp_path, [row], method="none")
    with SceneReader(data, read_scenes(data / "scenes.parquet")) as reader:
        color = np.moveaxis(reader.color("photo")[:3].astype(int), 0, -1)
    assert color.shape == upright.shape and np.abs(color - upright).max() <= 4  # two decoders of one JPEG


@pytest.mark.parametrize(("lat", "metres"), [(0.0, 0.02), (30.0, 7.0), (60.0, 20.0), (75.0, 42.0)])
def test_latitude_rescale_against_the_warp(tmp_path, raw, lat, metres):
    """On a tile of 15 km the rescale displaces ground by at most 1.2 h² tan(lat) / R with h = 7.5 km: `metres`."""
    half, gsd = 7500.0, 50.0
    outline = np.array([-1.0, 1.0])
    metres_to_degrees = half / 111_320 / np.cos(np.radians(lat))
    lon, lats = 8 + outline * metres_to_degrees, lat + outline * half / 111_320
    rescaled, warped = (
        grid_over(lon, lats, (8.0, lat), method, gsd) for method in ("latitude_rescale", "local_equal_area")
    )
    x, y = np.meshgrid(np.arange(-half, half + 1, 500), np.arange(-half, half + 1, 500))
    east, north = rescaled.transform.a / gsd, -rescaled.transform.e / gsd  # degrees a metre
    cheap = (8 + x * east, lat + y * north)
    exact = to_lonlat(warped.crs, x, y)
    _, _, off = GEOD.inv(*(axis.ravel() for axis in (*cheap, *exact)))
    assert off.max() <= 1.2 * half**2 * np.tan(np.radians(lat)) / 6.37e6 + 0.02 <= metres + 0.02

    # Heights differ at most by that displacement on the steepest slope, plus interpolation.
    source = of_surface(raw, "source", "EPSG:4326", Affine(STEP / 2, 0, 7.3, 0, -STEP / 2, lat + 0.15), 2400, 500)
    with RasterReader() as reader:
        tops = []
        for grid in (rescaled, warped):
            # The same square around the centre, on either grid.
            col, row = ~grid.transform @ ((8.0, lat) if grid is rescaled else (0.0, 0.0))
            size = int(2 * half / gsd)
            moved = grid.transform @ Affine.translation(round(col) - size // 2, round(row) - size // 2)
            tops.append(warp([source], Target(grid.crs, moved, size, size), 8.0, "cubic", reader)[0][0])
    slope = np.nanmax(np.hypot(*np.gradient(tops[1], gsd)))
    assert np.nanmax(np.abs(tops[0] - tops[1])) <= slope * off.max() + 0.3


def test_latitude_rescale_as_a_stage(tmp_path, raw):
    cell = half_cell(raw, "cell", 10, 46)
    utm = of_surface(raw, "utm", "EPSG:32632", Affine(90, 0, 477_500, 0, -90, 5_120_000), 300, 300)
    data = project(tmp_path, [ledger_row(cell), ledger_row(utm)], method="latitude_rescale")
    scenes = read_scenes(data / "scenes.parquet")
    row = scenes.iloc[0]
    with SceneReader(data, scenes) as reader:
        heights = reader.height(row.scene)
    truth = surface(*coordinates(row.crs, Affine(*row["transform"]), row.cols, row.rows))
    assert np.nanmax(np.abs(heights - truth)) < 0.3 and row.gsd == 90
    assert (
        "longitude and latitude only" in read_sources(data / "sources.parquet").set_index("key").loc["utm", "refused"]
    )


def test_scaled_heights_masks_and_feet(tmp_path, raw):
    pixels = np.full((60, 60), 100, np.int16)
    profile = {"driver": "GTiff", "width": 60, "height": 60, "count": 1, "dtype": "int16", "crs": "EPSG:32632"}
    profile["transform"] = Affine(90, 0, 477_500, 0, -90, 5_120_000)
    for name in ("scaled", "feet"):
        with rasterio.open(raw / f"{name}.tif", "w", **profile) as target:
            target.write(pixels, 1)
            if name == "scaled":
                target.scales, target.offsets = (0.1,), (5.0,)
                target.write_mask(np.pad(np.full((50, 50), 255, np.uint8), 5))
            else:
                target.units = ("ft",)
    crs = CRS.from_epsg(32632).to_wkt()
    rows = [LedgerRow(name, "height", "files", "x", "x", path=f"{name}.tif", crs=crs) for name in ("scaled", "feet")]
    data = project(tmp_path, rows)
    scenes = read_scenes(data / "scenes.parquet")
    with SceneReader(data, scenes) as reader:
        heights = reader.height(scenes.index[0])
    assert np.nanmin(heights) == pytest.approx(15) and np.nanmax(heights) == pytest.approx(15)
    assert np.isfinite(heights).sum() == pytest.approx(50 * 50, rel=0.03)
    assert "ft" in read_sources(data / "sources.parquet").set_index("key").loc["feet", "refused"]

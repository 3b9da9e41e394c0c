"""Pictures of every kind in scenes: the same sRGB values as the file has, and its mask."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from pyproj import CRS

from tasks.core.errors import LandloomError
from tasks.formats.colors.read import read_srgb
from tasks.formats.tables.ledger import LedgerRow
from tasks.formats.tables.scenes import SceneReader, read_scenes
from tests.formats.icc import ink_profile, rgb_profile
from tests.project.stage import project

ROWS, COLS = 48, 70
UTM = CRS.from_epsg(32632).to_wkt()


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    folder = tmp_path / "data/terrain/raw"
    folder.mkdir(parents=True)
    return folder


def colors() -> np.ndarray:
    row, col = np.mgrid[:ROWS, :COLS]
    return np.stack([row * 5, col * 3, 255 - row - 2 * col], axis=-1).astype(np.uint8)


def row(name: str, **changes: object) -> LedgerRow:
    return LedgerRow(name, "color", "files", "x", "x", path=name, **changes)


def scenes_of(data: Path) -> dict[str, np.ndarray]:
    """RGB and mask (4, H, W) of the scene of each source."""
    table = read_scenes(data / "scenes.parquet")
    with SceneReader(data, table) as reader:
        return {found["sources"][0]: reader.color(name) for name, found in table.iterrows()}


def test_scenes_have_the_colours_of_the_files(tmp_path, raw):
    image, exif = Image.fromarray(colors()), Image.Exif()
    exif[274] = 6
    alpha = image.copy()
    alpha.putalpha(Image.fromarray(np.where(colors()[..., 0] > 60, 255, 0).astype(np.uint8)))
    alpha.save(raw / "alpha.png")
    image.convert("CMYK").save(raw / "inks.jpg", icc_profile=ink_profile(), exif=exif)
    image.quantize(20).save(raw / "palette.png", transparency=2)
    image.save(raw / "wide.tif", icc_profile=rgb_profile(), exif=exif)
    image.save(raw / "a.webp", exif=exif.tobytes())
    Image.fromarray(colors()[..., 0].astype(np.uint16) * 200).save(raw / "deep.png")
    names = sorted(path.name for path in raw.iterdir())
    found = scenes_of(project(tmp_path, [row(name) for name in names], method="none", scene_px=80))
    assert sorted(found) == names
    for name, scene in found.items():
        rgb, valid = read_srgb(raw / name)
        assert np.array_equal(np.moveaxis(scene[:3], 0, -1), rgb) and np.array_equal(scene[3] > 0, valid), name
    assert found["wide.tif"].shape[1:] == (COLS, ROWS)  # turned upright once


def test_a_picture_in_parts_is_decoded_once(tmp_path, raw, monkeypatch):
    from tasks.formats.colors import encoded

    Image.fromarray(colors()).save(raw / "a.jpg")
    decoded, decode = [], encoded._decode
    monkeypatch.setattr(encoded, "_decode", lambda *given: decoded.append(1) or decode(*given))
    data = project(tmp_path, [row("a.jpg")], method="none", scene_px=24)
    assert len(read_scenes(data / "scenes.parquet")) == 6 and len(decoded) <= 2  # a batch of scenes each


def test_georeferenced_pictures_of_every_kind(tmp_path, raw):
    """Each at 1:1 on a grid of its own pixel size, so that the middle of the scene has the middle of the file."""
    flat = np.full((ROWS, COLS, 3), (40, 120, 200), np.uint8)
    flat[:, :20] = 0
    place = {"crs": "EPSG:32632", "width": COLS, "height": ROWS, "driver": "GTiff"}
    cases: dict[str, np.ndarray] = {"nodata": flat, "alpha": flat, "deep": flat.astype(np.uint16) * 10}
    cases |= {"grey": flat[..., 1:2], "palette": np.where(flat[..., :1] > 0, 7, 3).astype(np.uint8)}
    rows = []
    for number, (name, pixels) in enumerate(cases.items()):
        bands = np.moveaxis(pixels, -1, 0)
        if name == "alpha":
            bands = np.concatenate([bands, np.where(bands[:1] > 0, 255, 0).astype(np.uint8)])
        transform = Affine(90, 0, 477_500 + 40_000 * number, 0, -90, 5_120_000)
        options = {"photometric": "RGB", "alpha": "yes"} if name == "alpha" else {}
        with rasterio.open(
            raw / f"{name}.tif", "w", count=len(bands), dtype=bands.dtype, transform=transform, **place, **options
        ) as target:
            target.write(bands)
            if name == "palette":
                target.write_colormap(1, {7: (40, 120, 200, 255), 3: (0, 0, 0, 0)})
            if name == "deep":
                target.update_tags(ns="LANDLOOM", stretch="0 2550")
        rows.append(row(f"{name}.tif", crs=UTM, nodata={"alpha": None, "palette": 3.0}.get(name, 0.0)))
    found = scenes_of(project(tmp_path, rows))
    assert len(found) == len(cases)
    for name, scene in found.items():
        inside = scene[:, 15:30, 20:30]
        assert (inside[3] == 255).all(), name
        wanted = (120, 120, 120) if name == "grey.tif" else (40, 120, 200)
        assert (inside[:3].reshape(3, -1) == np.array(wanted)[:, None]).all(), name
        assert 0.95 * ROWS * 50 < (scene[3] > 0).sum() < 1.05 * ROWS * 50, name


def test_a_file_that_breaks_after_acquire_stops_the_stage(tmp_path, raw):
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 90, 3)).astype(np.uint8)).save(raw / "a.jpg")
    data = (raw / "a.jpg").read_bytes()
    (raw / "a.jpg").write_bytes(data[: len(data) // 2])
    with pytest.raises(LandloomError, match=r"a\.jpg.*breaks off.*run acquire again"):
        project(tmp_path, [row("a.jpg")], method="none")
    (raw / "a.jpg").write_bytes(data[:100])
    with pytest.raises(LandloomError, match=r"a\.jpg.*run acquire again"):
        project(tmp_path, [row("a.jpg")], method="none")

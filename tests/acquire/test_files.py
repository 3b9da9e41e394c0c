"""Folders of good, odd and hostile files: each file is taken, or refused by name with its reason."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from tasks.core.errors import LandloomError
from tests.acquire.rasters import hills, write
from tests.acquire.stage import acquire, params


def hgt(value: int = 500) -> bytes:
    return np.full((1201, 1201), value, ">i2").tobytes()


def zipped(path: Path, members: dict[str, bytes], **attributes: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in members.items():
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = attributes.get("mode", 0o644) << 16
            archive.writestr(info, body)
    return path


def lie_about_size(path: Path | str, declared: int) -> Path:
    """Change the unpacked size that a zip's two headers state."""
    path = Path(path)
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature)
        struct.pack_into("<I", data, at + offset, declared)
    path.write_bytes(data)
    return path


def test_a_mixed_folder(tmp_path):
    folder = tmp_path / "in"
    write(folder / "good.tif", hills())
    write(folder / "deep/er/utm.tif", hills(), crs="EPSG:32632", transform=Affine(30, 0, 5e5, 0, -30, 5e6))
    write(folder / "envi.bil", hills(), driver="ENVI")
    (folder / "N46E008.hgt").write_bytes(hgt())
    zipped(folder / "N46E009.hgt.zip", {"N46E009.hgt": hgt(700)})
    (folder / "grid.asc").write_text("ncols 3\nnrows 2\nxllcorner 8\nyllcorner 46\ncellsize 0.1\n1 2 3\n4 5 6\n")
    (folder / "grid.prj").write_text(rasterio.crs.CRS.from_epsg(4326).to_wkt(version="WKT1_ESRI"))
    (folder / "code.asc").write_text("ncols 3\nnrows 2\nxllcorner 8\nyllcorner 46\ncellsize 0.1\n1 2 3\n4 -999 6\n")
    (folder / "README.md").write_text("about these files")
    (folder / "lonely.hdr").write_text("a header of nothing")
    (folder / ".hidden").write_text("not looked at")
    outside = write(tmp_path / "outside.tif", hills())
    (folder / "link.tif").symlink_to(outside)
    (folder / "dead.tif").symlink_to(tmp_path / "nowhere")
    (folder / "out").symlink_to(tmp_path)
    (folder / "within.tif").symlink_to(folder / "good.tif")
    os.mkfifo(folder / "pipe.tif")

    ledger = acquire(tmp_path, params("files", paths=["in"], overrides={"code.asc": {"crs": "EPSG:4326"}}))
    taken = {"N46E008.hgt", "N46E009.hgt.zip", "deep/er/utm.tif", "envi.bil", "good.tif", "grid.asc", "within.tif"}
    refused = dict(ledger["refused"].dropna())
    assert set(ledger.index) - set(refused) == taken
    assert set(refused) == {
        *("README.md", "code.asc", "dead.tif", "link.tif", "lonely.hdr", "out", "pipe.tif"),
    }
    assert "leads out of the folder" in refused["link.tif"] and "leads out of the folder" in refused["out"]
    assert "leads nowhere" in refused["dead.tif"] and "no plain file" in refused["pipe.tif"]
    assert "-999" in refused["code.asc"]
    raw = tmp_path / "data/terrain/raw"
    on_disk = {path.relative_to(raw).as_posix() for path in raw.rglob("*") if path.is_file()}
    assert on_disk == taken | {"envi.hdr", "grid.prj", "ledger.parquet"}
    for key in taken:  # project can read the files that acquire checked
        with rasterio.open(raw / ledger.loc[key, "path"]) as dataset:
            assert dataset.read(1).max() > 0
    assert set(ledger["source"]) == {"files"} and ledger["url"].isna().all() and not ledger["procedural"].any()


def test_hostile_zips(tmp_path):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "N10E010.hgt").write_bytes(hgt())
    for cell in ("N10E011", "N10E012"):
        zipped(folder / f"{cell}.hgt.zip", {f"{cell}.hgt": bytes(150 << 20)})
    lie_about_size(folder / "N10E012.hgt.zip", 2884802)
    zipped(folder / "N10E013.hgt.zip", {"../N10E013.hgt": hgt()})
    zipped(folder / "N10E014.hgt.zip", {"N10E014.hgt": b"/etc/passwd"}, mode=0o120777)
    zipped(folder / "N10E015.hgt.zip", {"N10E015.hgt": hgt(), "N10E016.hgt": hgt()})
    (folder / "N10E016.hgt.zip").write_bytes(b"PK\x03\x04 no zip")
    lie_about_size(zipped(folder / "N10E017.hgt.zip", {"N10E017.hgt": hgt() + b"more"}), 2884802)
    zipped(folder / "rasters.zip", {"a.tif": b""})
    refused = dict(acquire(tmp_path, params("files", paths=["in"]))["refused"].dropna())
    assert "says it unpacks to 157286400 bytes" in refused["N10E011.hgt.zip"]
    assert "though it says 2884802" in refused["N10E012.hgt.zip"]
    assert "would leave the folder" in refused["N10E013.hgt.zip"]
    assert "is a link" in refused["N10E014.hgt.zip"]
    assert "2 .hgt files" in refused["N10E015.hgt.zip"]
    assert "damaged" in refused["N10E016.hgt.zip"]
    assert "though it says 2884802" in refused["N10E017.hgt.zip"]
    assert "unpack it" in refused["rasters.zip"]
    assert len(refused) == 8


def test_every_raster_refused_is_one_clear_error_and_nothing_is_left(tmp_path):
    write(tmp_path / "in/a.tif", hills(), crs=None)
    with pytest.raises(LandloomError, match=r"every one of 1 rasters was refused; most often: no CRS"):
        acquire(tmp_path, params("files", paths=["in"]))
    assert not list((tmp_path / "data").rglob("*.tif")) and not (tmp_path / "data/terrain/raw").exists()


def test_paths_globs_and_names(tmp_path):
    write(tmp_path / "a/n.tif", hills())
    write(tmp_path / "b/n.tif", hills())
    write(tmp_path / "b/m.tif", hills())
    assert set(acquire(tmp_path, params("files", paths=["a", "b/*.tif"])).index) == {"a/n.tif", "b/n.tif", "m.tif"}
    assert set(acquire(tmp_path, params("files", paths=["b", "b/m.tif"])).index) == {"m.tif", "n.tif"}
    with pytest.raises(LandloomError, match="there is no c"):
        acquire(tmp_path, params("files", paths=["c"]))
    (tmp_path / "empty" / ".hidden").mkdir(parents=True)
    with pytest.raises(LandloomError, match=r"^source\.paths: empty holds no file"):
        acquire(tmp_path, params("files", paths=["empty"]))
    with pytest.raises(LandloomError, match="nothing matches"):
        acquire(tmp_path, params("files", paths=["b/*.hgt"]))
    with pytest.raises(LandloomError, match="'x.tif' matches no file"):
        acquire(tmp_path, params("files", paths=["b"], overrides={"x.tif": {"nodata": 0.0}}))
    outside = params("files", [100, 10, 101, 11], paths=["b"])
    with pytest.raises(LandloomError, match="most often: outside the area"):
        acquire(tmp_path, outside)


def test_the_same_files_give_the_same_bytes(tmp_path):
    write(tmp_path / "in/a.tif", hills())
    write(tmp_path / "in/b.tif", hills(), crs=None)
    shutil.copytree(tmp_path / "in", tmp_path / "again/in")
    for root in (tmp_path, tmp_path / "again"):
        acquire(root, params("files", paths=["in"]))
    one, two = ((root / "data/terrain/raw/ledger.parquet").read_bytes() for root in (tmp_path, tmp_path / "again"))
    assert one == two


def test_the_original_is_copied_and_not_linked(tmp_path):
    path = write(tmp_path / "in/a.tif", hills())
    acquire(tmp_path, params("files", paths=["in"]))
    assert path.stat().st_nlink == 1


def test_a_map_of_heights_in_grey_steps_gets_its_place_and_its_scale(tmp_path):
    grey = (hills(90, 180, 0, 3000) // 20).astype(np.uint8)
    write(tmp_path / "maps/earth.png", grey, driver="PNG", crs=None, transform=None)
    plain = {"crs": "EPSG:4326", "bounds": [-180, -90, 180, 90]}
    with pytest.raises(LandloomError, match="scale"):
        acquire(tmp_path, params("files", paths=["maps"], overrides={"*.png": plain}))
    ledger = acquire(tmp_path, params("files", paths=["maps"], overrides={"*.png": {**plain, "scale": 20.0}}))
    assert ledger["refused"].isna().all()
    with rasterio.open(tmp_path / "data/terrain/raw/earth.png") as found:
        assert found.scales == (20.0,) and tuple(found.bounds) == (-180, -90, 180, 90)
    assert (tmp_path / "maps/earth.png.aux.xml").exists() is False  # nothing is written into the folder of the original


def test_scaled_heights_that_are_none_are_told(tmp_path):
    write(tmp_path / "maps/a.tif", hills())
    with pytest.raises(LandloomError, match="no height on Earth"):
        acquire(tmp_path, params("files", paths=["maps"], overrides={"*": {"scale": 100.0}}))


def test_an_override_holds_for_the_first_raster_that_a_process_opens(tmp_path):
    """This process has opened rasters before, so a new one looks at the file."""
    for name, override in {"a": {"scale": 10.0}, "b": {"bounds": (7.0, 45.0, 8.0, 46.0)}}.items():
        write(tmp_path / f"{name}.tif", hills().astype("uint8"))
        code = (
            "import sys; from pathlib import Path; from tasks.acquire.common.georeference import write_georeference\n"
            f"write_georeference(Path(sys.argv[1]), {override})"
        )
        run = subprocess.run([sys.executable, "-c", code, tmp_path / f"{name}.tif"], capture_output=True, text=True)
        assert (run.returncode, run.stderr) == (0, "")
    with rasterio.open(tmp_path / "a.tif") as scaled, rasterio.open(tmp_path / "b.tif") as placed:
        assert scaled.scales == (10.0,) and scaled.bounds.left == 8.0
        assert tuple(placed.bounds) == (7.0, 45.0, 8.0, 46.0)

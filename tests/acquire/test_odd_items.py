"""One odd file never ends the run: it is refused by name with the true reason, or taken, and the rest goes on."""

from __future__ import annotations

import errno
import os
import zipfile
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio

from tasks.acquire.common.area import Area
from tasks.acquire.common.source import Candidate
from tasks.acquire.run import take
from tests.acquire.rasters import hills, write
from tests.acquire.stage import acquire, params


def looked_at(folder: Path, **more) -> pd.DataFrame:
    """The ledger of a folder that holds one good raster beside what a test put there."""
    write(folder / "in" / "good.tif", hills())
    ledger = acquire(folder, params("files", paths=["in"], **more))
    assert pd.isna(ledger.loc["good.tif", "refused"])
    return ledger


@pytest.mark.parametrize("kind", ["complex_int16", "complex64", "complex128", "int8", "uint64"])
@pytest.mark.parametrize("layers", [["height"], ["height", "color"]], ids="-".join)
def test_types_of_samples(tmp_path, kind, layers):
    complex_ = kind.startswith("complex")
    ground = hills().astype("complex64" if kind == "complex_int16" else kind)
    write(tmp_path / "in" / "odd.tif", ground, dtype=kind)
    write(tmp_path / "in" / "odd3.tif", np.stack([ground] * 3), dtype=kind)
    refused = looked_at(tmp_path, layers=layers)["refused"]
    assert pd.isna(refused["odd.tif"]) == (kind == "uint64"), refused["odd.tif"]
    assert not pd.isna(refused["odd3.tif"])
    if complex_:
        assert "complex numbers" in refused["odd.tif"]
    assert "cannot be handled" not in "".join(refused.dropna()), refused


NAMES = [b"caf\xe9.tif", b"a\nb.tif", b"tab\t.tif", 'ein Käse & "mehr" $HOME.tif'.encode(), b"-rf.tif"]


def test_names_of_files(tmp_path):
    (tmp_path / "in").mkdir()
    body = write(tmp_path / "one.tif", hills()).read_bytes()
    for name in NAMES:
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path / "in"), name))).write_bytes(body)
    folder = Path(os.fsdecode(os.path.join(os.fsencode(tmp_path / "in"), b"f\xfc")))
    folder.mkdir()
    (folder / "good.tif").write_bytes(body)
    ledger = looked_at(tmp_path)
    refused = dict(ledger["refused"].dropna())
    assert set(refused) == {r"caf\udce9.tif", r"a\nb.tif", r"tab\t.tif", r"f\udcfc/good.tif"}
    assert all("rename it" in reason for reason in refused.values())
    assert {"-rf.tif", 'ein Käse & "mehr" $HOME.tif'} <= set(ledger.index)


def test_companions_travel_and_missing_ones_are_told(tmp_path):
    for name in ("spill", "alone"):
        write(tmp_path / "in" / f"{name}.img", hills().astype("float32"), driver="HFA", USE_SPILL="YES")
    (tmp_path / "in" / "alone.ige").unlink()
    for driver, suffix, world in (("PNG", ".png", ".pngw"), ("GTiff", ".tif", ".tiffw")):
        write(tmp_path / "in" / f"world{suffix}", hills().astype("uint16"), driver=driver, crs=None, transform=None)
        (tmp_path / "in" / f"world{world}").write_text("0.001\n0\n0\n-0.001\n8\n47\n")
    ledger = looked_at(tmp_path, overrides={"world.*": {"crs": "EPSG:4326"}})
    refused = dict(ledger["refused"].dropna())
    assert "read to its end" in refused["alone.img"] and "spill.img" not in refused
    with rasterio.open(tmp_path / "data/terrain/raw/spill.img") as raster:
        assert (raster.read(1) == hills()).all()
    assert set(ledger.index) == {"good.tif", "alone.img", "spill.img", "world.png", "world.tif"}


def hgt(value: int) -> bytes:
    return np.full((1201, 1201), value, ">i2").tobytes()


def test_zips_as_they_are_published(tmp_path):
    (tmp_path / "in").mkdir()
    cases = {
        "N46E010.SRTMGL3.hgt.zip": {"N46E010.SRTMGL3.hgt": hgt(810)},
        "N46E011.hgt.zip": {"N46E011/N46E011.hgt": hgt(811), "N46E011/readme.txt": b"terms"},
        "S01W002.hgt.zip": {"__MACOSX/._S01W002.hgt": b"x", "S01W002.hgt": hgt(812), "._S01W002.hgt": b"y"},
        "n46e012.hgt.zip": {"N46E012.HGT": hgt(813)},
        "N46E013.hgt.zip": {"N46E014.hgt": hgt(814)},
        "srtm_38_03.hgt.zip": {"deep/N46E015.hgt": hgt(815)},
        "N46E016.hgt.zip": {"N46E016.txt": b"no cell"},
    }
    for name, members in cases.items():
        with zipfile.ZipFile(tmp_path / "in" / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, body in members.items():
                archive.writestr(member, body)
    ledger = looked_at(tmp_path)
    refused = dict(ledger["refused"].dropna())
    assert set(refused) == {"N46E013.hgt.zip", "srtm_38_03.hgt.zip", "N46E016.hgt.zip"}, refused
    assert "is of another cell than its name" in refused["N46E013.hgt.zip"]
    assert "does not begin with its cell" in refused["srtm_38_03.hgt.zip"]
    assert "0 .hgt files" in refused["N46E016.hgt.zip"]
    for number, name in enumerate(list(cases)[:4]):
        with rasterio.open(tmp_path / "data/terrain/raw" / name) as raster:
            assert (raster.read(1) == 810 + number).all()
    assert ledger.loc["S01W002.hgt.zip", "south"] == pytest.approx(-1, abs=0.001)


@pytest.mark.parametrize("name", ["a.grb2", "a.xyz", "a.vrt", "a.gpkg"])
def test_formats_that_are_not_taken_are_named(tmp_path, name):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_bytes(b"0 0 1\n1 0 2\n0 1 3\n1 1 4\n")
    assert "which is not taken; convert it to GeoTIFF" in looked_at(tmp_path)["refused"][name]


def failing(folder: Path, error: Exception):
    raise error


def test_an_exception_that_nobody_foresaw_refuses_its_raster(tmp_path):
    (tmp_path / "raw").mkdir()
    candidate = Candidate("k", "k.tif", "test", "CC0-1.0", "nobody", partial(failing, error=KeyError("nodata")))
    look = partial(take, raw=tmp_path / "raw", area=Area.read(None, tmp_path), max_pixels=10**6)
    for error in (KeyError("nodata"), TypeError("no such type"), OSError(errno.ENAMETOOLONG, "File name too long")):
        row = look(replace(candidate, deliver=partial(failing, error=error)))
        assert row.refused.startswith(f"it cannot be handled: {type(error).__name__}: ") and row.path is None
    for number in (errno.ENOSPC, errno.EMFILE):
        with pytest.raises(OSError):
            look(replace(candidate, deliver=partial(failing, error=OSError(number, "the machine's"))))
    for error in (MemoryError(), PermissionError(errno.EACCES, "denied", str(tmp_path / "raw" / "k.tif"))):
        with pytest.raises(type(error)):
            look(replace(candidate, deliver=partial(failing, error=error)))
    assert not list((tmp_path / "raw").iterdir())

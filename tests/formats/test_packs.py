"""Packs: constant bytes, members that GDAL opens inside the pack, and no partial pack."""

from __future__ import annotations

import errno
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.formats.tables import packs
from tasks.formats.tables.packs import exists, gdal_path, member, pack_of, packed
from tasks.formats.tables.scenes import write_layer

GRID = ("EPSG:3857", Affine(30, 0, 0, 0, -30, 0))
HEIGHTS = np.arange(5 * 64 * 64, dtype=np.float32).reshape(5, 64, 64)


def write(folder, order=range(5)) -> None:
    with packed(folder, "pack-007") as place:
        for number in order:
            write_layer(place / f"s{number}.height.tif", HEIGHTS[number], *GRID)


@pytest.mark.parametrize("name", ["plain", "with space", "maps.zip", "br{ac}es"])
def test_gdal_opens_a_member_inside_the_pack(tmp_path, name):
    folder = tmp_path / name
    folder.mkdir()
    write(folder)
    assert [path.name for path in folder.iterdir()] == ["pack-007.zip"]
    for number in range(5):
        path = member("pack-007", f"s{number}.height.tif")
        assert exists(folder, path)
        with rasterio.open(gdal_path(folder, path)) as source:
            assert (source.read(1) == HEIGHTS[number]).all() and source.crs.to_epsg() == 3857
    assert not exists(folder, member("pack-007", "s5.height.tif")) and not exists(folder, "s1.height.tif")
    with ZipFile(folder / "pack-007.zip") as archive:  # any tool's zip
        assert archive.testzip() is None and {info.compress_type for info in archive.infolist()} == {ZIP_STORED}


def test_the_order_of_writing_does_not_change_the_bytes(tmp_path):
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    write(tmp_path / "a")
    write(tmp_path / "b", order=(3, 0, 4, 2, 1))
    assert dvc_md5(tmp_path / "a") == dvc_md5(tmp_path / "b")


def test_an_empty_pack_and_an_error_leave_no_file(tmp_path):
    with packed(tmp_path, "pack-000"):
        pass
    with pytest.raises(ZeroDivisionError), packed(tmp_path, "pack-001") as place:
        (place / "a.tif").write_bytes(b"a")
        1 // 0  # noqa: B018
    assert not list(tmp_path.iterdir())
    with packed(tmp_path, None) as place:
        (place / "a.tif").write_bytes(b"a")
    assert exists(tmp_path, "a.tif")


def test_a_full_disk_is_reported_and_leaves_no_file(tmp_path, monkeypatch):
    class Full(ZipFile):
        def writestr(self, *given) -> None:
            super().writestr(*given)
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(packs, "ZipFile", Full)
    (tmp_path / "scenes").mkdir()
    with pytest.raises(LandloomError, match=r"scenes/pack-007.zip: could not be written \(.*No space"):
        write(tmp_path / "scenes")
    assert not list((tmp_path / "scenes").iterdir())


@given(st.one_of(st.none(), st.from_regex(r"\Apack-[0-9]{3}\Z")), st.from_regex(r"\A[A-Za-z0-9-]+\.tif\Z"))
def test_a_path_contains_the_name_of_its_pack(pack, name):
    assert pack_of(f"scenes/{member(pack, name)}") == pack

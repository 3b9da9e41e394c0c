"""Rasters by address from a real server on loopback: files, members of zips, and errors."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from tasks.core.errors import LandloomError
from tests.acquire.rasters import hills, write
from tests.acquire.server import file_route, serving
from tests.acquire.stage import acquire, params

WORLD = [-180.0, -90.0, 180.0, 90.0]


def entry(url: str, member: str | None = None, layer: str = "height", **override: Any) -> dict[str, Any]:
    return {
        "url": url,
        "member": member,
        "layer": layer,
        "licence": "CC0-1.0",
        "attribution": "somebody",
        "override": override,
    }


def zipped(**members: bytes) -> bytes:
    body = io.BytesIO()
    with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), content)
    return body.getvalue()


def picture(folder: Path) -> Path:
    """A colour picture of the whole Earth that does not say where it is."""
    rgb = np.zeros((3, 90, 180), np.uint8)
    rgb[0, :45] = 200
    return write(folder / "earth.png", rgb, driver="PNG", crs=None, transform=None)


def test_a_member_is_found_in_the_folder_that_a_release_puts_it_into(tmp_path):
    raster, world = write(tmp_path / "a.tif", hills()).read_bytes(), b"1"
    members = {"REL/a.tif": raster, "REL/a.tfw": world, "__MACOSX/REL/a.tif": b"shadow", "REL/b.tif": raster}
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with serving() as server:
        server.routes["/a.zip"] = file_route(stream.getvalue())
        ledger = acquire(tmp_path, params("urls", rasters=[entry(f"{server.url}/a.zip", "a.tif")]))
    assert ledger["refused"].isna().all()
    assert sorted(path.name for path in (tmp_path / "data/terrain/raw").glob("a.*")) == ["a.tfw", "a.tif"]


def test_a_file_and_a_member_of_a_zip(tmp_path):
    ground = write(tmp_path / "ground.tif", hills())
    body = zipped(deep__earth_dot_png=picture(tmp_path).read_bytes(), deep__note_dot_txt=b"hello")
    with serving() as server:
        server.routes["/ground.tif"] = file_route(ground.read_bytes())
        server.routes["/earth.zip"] = file_route(body)
        rasters = [
            entry(f"{server.url}/ground.tif"),
            entry(f"{server.url}/earth.zip", "deep/earth.png", "color", crs="EPSG:4326", bounds=WORLD),
        ]
        ledger = acquire(tmp_path, params("urls", rasters=rasters))
        asked = len(server.seen)
        again = acquire(tmp_path, params("urls", rasters=rasters))
    assert ledger["refused"].isna().all() and list(ledger.index) == ["earth.png", "ground.tif"]
    assert ledger.equals(again)
    assert len(server.seen) == asked  # fetched once
    assert ledger.loc["earth.png", "url"].endswith("/earth.zip")
    assert tuple(ledger.loc["earth.png", ["west", "south", "east", "north"]]) == tuple(WORLD)
    raw = tmp_path / "data/terrain/raw"
    assert sorted(path.name for path in raw.iterdir()) == [
        "earth.png",
        "earth.png.aux.xml",
        "ground.tif",
        "ledger.parquet",
    ]
    with rasterio.open(raw / "earth.png") as found:
        assert tuple(found.bounds) == tuple(WORLD)
        assert found.read(1)[0, 0] == 200  # row 0 is the north


def test_sidecars_come_out_of_the_zip_too(tmp_path):
    write(tmp_path / "plain.tif", hills(), crs=None, transform=None)
    body = zipped(plain_dot_tif=(tmp_path / "plain.tif").read_bytes(), plain_dot_tfw=b"0.5\n0\n0\n-0.5\n8.25\n46.75\n")
    with serving() as server:
        server.routes["/p.zip"] = file_route(body)
        ledger = acquire(tmp_path, params("urls", rasters=[entry(f"{server.url}/p.zip", "plain.tif", crs="EPSG:4326")]))
    assert ledger["refused"].isna().all()
    assert ledger.loc["plain.tif", "west"] == 8.0 and ledger.loc["plain.tif", "north"] == 47.0


@pytest.mark.parametrize(
    ("body", "member", "told"),
    [
        (zipped(a_dot_tif=b"x"), "b.tif", r"no member 'b.tif'; it has a.tif"),
        (zipped(a_dot_tif=b"x" * 999)[:-30], "a.tif", "damaged or unreadable zip"),
        (zipped(a_dot_tif=b"x"), "a.tif", "not a raster"),
        (b"no zip at all", "a.tif", "damaged or unreadable zip"),
    ],
    ids=["another member", "cut off", "no raster", "no zip"],  # zips hold the time: two workers' names would differ
)
def test_bad_archives_are_refused_by_name(tmp_path, body, member, told):
    with serving() as server:
        server.routes["/a.zip"] = file_route(body)
        with pytest.raises(LandloomError, match=told):
            acquire(tmp_path, params("urls", rasters=[entry(f"{server.url}/a.zip", member)]))
    assert not (tmp_path / "data/terrain/raw").exists()


def test_a_zip_that_unpacks_without_end(tmp_path):
    with serving() as server:
        server.routes["/a.zip"] = file_route(zipped(a_dot_tif=bytes(3 << 20)))
        with pytest.raises(LandloomError, match="unpacks to more than"):
            acquire(tmp_path, params("urls", rasters=[entry(f"{server.url}/a.zip", "a.tif")], max_file_mb=2))


def test_two_rasters_of_one_name(tmp_path):
    rasters = [entry("http://127.0.0.1:9/a/x.tif"), entry("http://127.0.0.1:9/b/x.tif")]
    with pytest.raises(LandloomError, match="b/x.tif|a/x.tif"):
        acquire(tmp_path, params("urls", rasters=rasters))


def test_an_empty_list_is_told():
    with pytest.raises(ValueError, match="at least 1 item"):
        params("urls", rasters=[])

"""Rasters read in parts from servers that are honest, that give no parts, that change a file, and that block."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.windows import Window

from tasks.acquire.common import ranges as module
from tasks.acquire.common.ranges import Ranges
from tasks.acquire.common.source import Absent, Refusal, Unreadable
from tasks.core.errors import LandloomError
from tests.acquire.downloads import http, status
from tests.acquire.rasters import write
from tests.acquire.server import file_route, in_turn

PIXELS = np.random.default_rng(7).integers(0, 10_000, (256, 256), np.uint16)


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch):
    monkeypatch.setattr(module, "PART", 8192)


@pytest.fixture
def body(tmp_path):
    return write(tmp_path / "a.tif", PIXELS, driver="COG", blocksize=128).read_bytes()


def window(folder, url, at=(0, 0, 64, 64), **options):
    with Ranges(folder / "ranges", http(folder, **options), 1 << 24).opened(url) as raster:
        return raster.read(1, window=Window(*at))


def test_a_window_costs_its_own_parts_and_they_come_once(tmp_path, server, body):
    server.routes["/a.tif"] = file_route(body)
    url = f"{server.url}/a.tif"
    assert (window(tmp_path, url) == PIXELS[:64, :64]).all()
    first = len(server.seen)
    assert sum(int(seen[3]["Range"].split("-")[1]) for seen in server.seen) > 0 and first < 8
    assert (window(tmp_path, url, (32, 32, 64, 64)) == PIXELS[32:96, 32:96]).all()
    assert len(server.seen) == first, "the same blocks again"
    assert (window(tmp_path, url, (0, 0, 256, 256)) == PIXELS).all()
    asked = [seen[3]["Range"] for seen in server.seen]
    assert len(asked) == len(set(asked)) and all(seen[3].get("If-Range") for seen in server.seen[1:])


def test_a_server_that_gives_no_parts(tmp_path, server, body):
    server.routes["/a.tif"] = lambda handler: handler.answer(200, body)
    assert (window(tmp_path, f"{server.url}/a.tif") == PIXELS[:64, :64]).all()
    assert len(server.seen) == 1


def test_a_file_that_changes_is_never_mixed(tmp_path, server, body):
    other = write(tmp_path / "b.tif", PIXELS[::-1].copy(), driver="COG", blocksize=128).read_bytes()
    server.routes["/a.tif"] = in_turn(file_route(body), file_route(other))
    with pytest.raises(Unreadable, match="changed while it was read"):
        window(tmp_path, f"{server.url}/a.tif", (0, 0, 256, 256))
    assert (window(tmp_path, f"{server.url}/a.tif", (0, 0, 256, 256)) == PIXELS[::-1]).all()


def test_broken_answers_are_asked_for_again(tmp_path, server, body):
    def cut(handler):
        handler.cut(206, body[:100], 8192, Content_Range=f"bytes 0-8191/{len(body)}")

    def elsewhere(handler):
        handler.answer(206, body[5:8197], Content_Range=f"bytes 5-8196/{len(body)}")

    server.routes["/a.tif"] = in_turn(cut, status(503), elsewhere, file_route(body))
    assert (window(tmp_path, f"{server.url}/a.tif", (0, 0, 256, 256)) == PIXELS).all()


def test_what_is_no_raster_says_why_through_gdal(tmp_path, server):
    url = f"{server.url}/a.tif"
    with pytest.raises(Absent, match="answers 404"):
        window(tmp_path, url)
    server.routes["/a.tif"] = lambda handler: handler.answer(200, b"<html><title>Sign in</title></html>")
    with pytest.raises(Refusal, match="a web page with the title “Sign in”"):
        window(tmp_path, url)
    server.routes["/a.tif"] = lambda handler: handler.answer(200, b"II*\0" + bytes(100))
    with pytest.raises(Unreadable, match="no GeoTIFF that can be read"):
        window(tmp_path / "b", url)
    server.routes["/a.tif"] = status(500)
    with pytest.raises(LandloomError, match="gave up"):
        window(tmp_path / "c", url, retries=1)

"""Rasters read in parts from servers that are honest, that give no parts, that change a file, and that block."""

from __future__ import annotations

import json

import numpy as np
import pytest
from rasterio.windows import Window

from tasks.acquire.common import parts as module
from tasks.acquire.common.blocks import Denied
from tasks.acquire.common.ranges import Ranges
from tasks.acquire.common.source import Absent, Refusal, Unreadable
from tasks.core.errors import LandloomError
from tests.acquire.downloads import get, http, status
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


def _cut_off(data, note):
    data.write_bytes(data.read_bytes()[:9000])


def _alter(data, note):
    body = bytearray(data.read_bytes())
    body[100_000] ^= 1
    data.write_bytes(body)


def _lose(data, note):
    data.unlink()


def _shorten(data, note):
    record = json.loads(note.read_text())
    record["whole"]["total"] -= 30_000
    note.write_text(json.dumps(record))


def _claim(data, note):
    """A record that says of a part that it is there, and of which nothing came."""
    record = json.loads(note.read_text())
    record["parts"] = {str(number): record["parts"]["0"] for number in range(40)}
    note.write_text(json.dumps(record))


def _earlier_form(data, note):
    note.write_text(json.dumps({"validator": None, "total": 40_000, "parts": [0, 1, 2, 3, 4]}))


@pytest.mark.parametrize("harm", [_cut_off, _alter, _lose, _shorten, _claim, _earlier_form])
def test_what_was_harmed_on_the_disk_is_fetched_again(harm, tmp_path, server, body):
    server.routes["/a.tif"] = file_route(body)
    url = f"{server.url}/a.tif"
    assert (window(tmp_path, url, (0, 0, 256, 256)) == PIXELS).all()
    before = len(server.seen)
    assert (window(tmp_path, url, (0, 0, 256, 256)) == PIXELS).all()
    assert len(server.seen) == before, "what is whole is not fetched again"
    (data,) = tmp_path.glob("ranges/*/*.ranges")
    harm(data, data.with_suffix(".ranges.json"))
    assert (window(tmp_path, url, (0, 0, 256, 256)) == PIXELS).all()
    assert len(server.seen) > before


def test_one_altered_part_costs_one_request(tmp_path, server, body):
    server.routes["/a.tif"] = file_route(body)
    url = f"{server.url}/a.tif"
    window(tmp_path, url, (0, 0, 256, 256))
    (data,) = tmp_path.glob("ranges/*/*.ranges")
    _alter(data, None)
    server.seen.clear()
    assert (window(tmp_path, url, (0, 0, 256, 256)) == PIXELS).all()
    assert [seen[3]["Range"] for seen in server.seen] == ["bytes=98304-106495"]


def test_a_refresh_asks_once_and_takes_the_new_file(tmp_path, server, body, monkeypatch):
    other = write(tmp_path / "b.tif", PIXELS[::-1].copy(), driver="COG", blocksize=128).read_bytes()
    server.routes["/a.tif"] = file_route(body)
    url = f"{server.url}/a.tif"
    window(tmp_path, url, (0, 0, 256, 256))
    server.seen.clear()
    monkeypatch.setenv("LANDLOOM_REFRESH", "1")
    assert (window(tmp_path, url, (0, 0, 256, 256)) == PIXELS).all()
    assert len(server.seen) == 1 and server.seen[0][3]["If-None-Match"]
    server.routes["/a.tif"] = file_route(other)
    assert (window(tmp_path, url, (0, 0, 256, 256)) == PIXELS[::-1]).all()
    server.routes["/a.tif"] = lambda handler: setattr(handler, "close_connection", True)
    assert (window(tmp_path, url, (0, 0, 256, 256)) == PIXELS[::-1]).all(), "without an answer the kept parts stay"


@pytest.mark.parametrize("code, error", [(400, Refusal), (403, Denied), (410, Absent)])
def test_a_part_and_a_whole_file_are_turned_down_alike(code, error, tmp_path, server):
    server.routes["/a.tif"] = status(code)
    with pytest.raises(error, match=f"answers {code}"):
        window(tmp_path, f"{server.url}/a.tif")
    with pytest.raises(error, match=f"answers {code}"):
        get(tmp_path, f"{server.url}/a.tif")


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

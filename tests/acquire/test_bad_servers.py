"""Servers that throttle, fail, lie, redirect or stall: the download waits, refuses or stops, and says why."""

from __future__ import annotations

import base64
import hashlib
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tasks.acquire.common.download import Expected
from tasks.acquire.common.source import Refusal
from tasks.core.errors import LandloomError
from tests.acquire.downloads import BODY, ETAG, get, left_behind, status
from tests.acquire.server import Handler, file_route, in_turn


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_throttled(tmp_path, server, form):
    wait = "1" if form == "seconds" else format_datetime(datetime.now(UTC) + timedelta(seconds=2), usegmt=True)
    server.routes["/a.tif"] = in_turn(status(429, Retry_After=wait), file_route(BODY))
    assert get(tmp_path, f"{server.url}/a.tif") == BODY
    assert server.seen[1][0] - server.seen[0][0] >= 0.9


def test_a_wait_longer_than_our_patience_is_told(tmp_path, server):
    server.routes["/a.tif"] = status(429, Retry_After="86400")
    with pytest.raises(LandloomError, match="asks to wait 86400 s"):
        get(tmp_path, f"{server.url}/a.tif")
    assert len(server.seen) == 1


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(tmp_path, server, code):
    server.routes["/a.tif"] = in_turn(status(code), status(code), file_route(BODY))
    assert get(tmp_path, f"{server.url}/a.tif") == BODY
    assert len(server.seen) == 3


@pytest.mark.parametrize("code", [404, 410])
def test_what_is_not_there_is_refused_at_once(tmp_path, server, code):
    server.routes["/a.tif"] = status(code)
    with pytest.raises(Refusal, match=f"answers {code}"):
        get(tmp_path, f"{server.url}/a.tif")
    assert len(server.seen) == 1


def test_no_access_stops_the_run(tmp_path, server):
    server.routes["/a.tif"] = status(403)
    with pytest.raises(LandloomError, match="answers 403") as told:
        get(tmp_path, f"{server.url}/a.tif?sig=secret&v=2")
    assert "secret" not in str(told.value) and "v=2" in str(told.value)


def test_announcing_more_than_there_is(tmp_path, server):
    server.routes["/a.tif"] = lambda handler: handler.cut(200, BODY, len(BODY) + 1000, ETag=ETAG)
    with pytest.raises(LandloomError, match="gave up"):
        get(tmp_path, f"{server.url}/a.tif", retries=2)
    assert ".bytes" not in left_behind(tmp_path)


def test_announcing_less_than_there_is(tmp_path, server):
    server.routes["/a.tif"] = lambda handler: handler.cut(200, BODY, len(BODY) // 2, ETag=ETAG)
    with pytest.raises(LandloomError, match=f"although the catalogue says {len(BODY)}"):
        get(tmp_path, f"{server.url}/a.tif", Expected(bytes=len(BODY)), retries=1)
    assert ".bytes" not in left_behind(tmp_path)


def test_other_bytes_than_stated(tmp_path, server):
    server.routes["/a.tif"] = file_route(BODY)
    with pytest.raises(LandloomError, match="SHA-256"):
        get(tmp_path, f"{server.url}/a.tif", Expected(sha256="0" * 64), retries=1)
    wrong = base64.b64encode(hashlib.md5(b"").digest()).decode()
    server.routes["/b.tif"] = in_turn(file_route(BODY, ETAG, Content_MD5=wrong), file_route(BODY, ETAG))
    assert get(tmp_path, f"{server.url}/b.tif") == BODY


@pytest.mark.parametrize("announced", [True, False])
def test_a_file_without_end_is_refused(tmp_path, server, announced):
    def endless(handler: Handler) -> None:
        handler.send_response(200)
        if announced:
            handler.send_header("Content-Length", str(1 << 40))
        else:
            handler.send_header("Connection", "close")
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(BODY)
        except OSError:
            handler.close_connection = True

    server.routes["/a.tif"] = endless
    with pytest.raises(Refusal, match="max_file_mb"):
        get(tmp_path, f"{server.url}/a.tif", max_bytes=1 << 22)
    assert not {".bytes", ".part"} & set(left_behind(tmp_path))


def test_packed_bytes_are_refused(tmp_path, server):
    server.routes["/a.tif"] = lambda handler: handler.answer(200, BODY, Content_Encoding="gzip")
    with pytest.raises(Refusal, match="packs it"):
        get(tmp_path, f"{server.url}/a.tif")


def test_redirects(tmp_path, server):
    server.routes["/a"] = status(302, Location="/b")
    server.routes["/b"] = status(307, Location=f"{server.url}/c.tif")
    server.routes["/c.tif"] = file_route(BODY)
    assert get(tmp_path, f"{server.url}/a") == BODY
    server.routes["/loop"] = status(301, Location="/loop")
    with pytest.raises(Refusal, match="more than 5 redirects"):
        get(tmp_path, f"{server.url}/loop")
    server.routes["/odd"] = status(302, Location="http://[")
    with pytest.raises(Refusal, match="which is no address"):
        get(tmp_path, f"{server.url}/odd")
    for target in ("file:///etc/passwd", "ftp://example.org/a", "gopher://x"):
        server.routes["/out"] = status(302, Location=target)
        with pytest.raises(Refusal, match="which is not followed"):
            get(tmp_path, f"{server.url}/out")


def test_silence(tmp_path, server):
    server.routes["/a.tif"] = lambda handler: time.sleep(1.0)
    with pytest.raises(LandloomError, match="no answer in time"):
        get(tmp_path, f"{server.url}/a.tif", timeout_s=0.2, retries=1)


def test_a_trickle_does_not_go_on_for_ever(tmp_path, server):
    def trickle(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        try:
            for at in range(0, len(BODY), 262_144):
                handler.wfile.write(BODY[at : at + 262_144])
                time.sleep(0.4)
        except OSError:
            handler.close_connection = True

    server.routes["/a.tif"] = trickle
    with pytest.raises(LandloomError, match="too slowly"):
        get(tmp_path, f"{server.url}/a.tif", give_up_s=0.5)

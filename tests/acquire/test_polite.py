"""Hosts that want no request get none, and nothing that they send instead of a file is kept."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from tasks.acquire.common.source import Refusal
from tasks.acquire.common.stray import stray, torn
from tasks.core.errors import LandloomError
from tests.acquire.downloads import ANY, downloads, get, http, left_behind, status
from tests.acquire.published import drawn
from tests.acquire.server import file_route, in_turn

PAGE = b"<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head></html>"


def test_a_wait_beyond_patience_is_remembered(tmp_path, server):
    server.routes["/a.tif"] = status(429, Retry_After=formatdate(time.time() + 7200, usegmt=True))
    for match in ("asks to wait 7[12]", "asked to wait, for 7[12].* s more"):
        with pytest.raises(LandloomError, match=match):
            get(tmp_path, f"{server.url}/a.tif")
    assert len(server.seen) == 1, "the second run asks nothing"


def test_one_page_is_a_dead_link_and_the_second_is_a_block(tmp_path, server):
    for name in ("a", "b", "c", "d"):
        server.routes[f"/{name}.jpg"] = lambda handler: handler.answer(200, PAGE, Content_Type="text/html")
    server.routes["/good.jpg"] = file_route(drawn(1))
    cache = downloads(tmp_path)

    def ask(name: str) -> None:
        cache.deliver(f"{server.url}/{name}.jpg", tmp_path / name, ANY)

    with pytest.raises(Refusal, match="sends a web page with the title “Just a moment...” where a file is due"):
        ask("a")
    ask("good")
    with pytest.raises(Refusal):
        ask("b")
    for name in ("c", "d"):
        with pytest.raises(LandloomError, match="opens again after a while"):
            ask(name)
    assert server.count("/d.jpg") == 0
    assert left_behind(tmp_path) == [".bytes", ".json"]


def test_a_short_length_is_no_whole_picture(tmp_path, server):
    body = drawn(2)
    short = lambda handler: handler.cut(200, body[:900], 900, ETag='"x"')  # noqa: E731
    server.routes["/a.jpg"] = in_turn(short, short, file_route(body))
    assert get(tmp_path, f"{server.url}/a.jpg") == body
    server.routes["/b.jpg"] = short
    assert get(tmp_path, f"{server.url}/b.jpg") == body[:900], "what comes three times alike is the publisher's own"
    assert server.count("/b.jpg") == 3


def test_documents_are_cached_and_checked(tmp_path, server):
    half = lambda handler: handler.cut(200, b'{"a": [1, ', 10)  # noqa: E731
    server.routes["/info.json"] = in_turn(half, lambda handler: handler.answer(200, b'{"a": [1, 2]}'))
    cache = downloads(tmp_path)
    assert [cache.document(f"{server.url}/info.json") for _ in range(2)] == [{"a": [1, 2]}] * 2
    assert len(server.seen) == 2
    busy = in_turn(lambda handler: handler.json({"error": "lag"}), half, lambda handler: handler.json({"fine": True}))
    server.routes["/api"] = busy
    assert http(tmp_path).json(f"{server.url}/api", busy=lambda answer: answer.get("error")) == {"fine": True}


@pytest.mark.parametrize(
    ("head", "kind", "told"),
    [
        (PAGE, "", "a web page with the title “Just a moment...”"),
        (b"\xef\xbb\xbf  <html><body>Log in", "image/jpeg", "a web page"),
        (b"<div>captcha</div>", "text/html; charset=utf-8", "a web page"),
        (b'<?xml version="1.0"?><Error><Code>SlowDown</Code></Error>', "application/xml", "an XML document (<?xml"),
        (b'{"error": {"code": 498, "message": "Invalid token."}}', "application/json", 'a JSON document ({"error"'),
        (drawn(1)[:300], "image/jpeg", None),
        (b'{"\x00\x01raw heights', "application/octet-stream", None),
        (b"ncols 4\nnrows 4", "text/plain", None),
        (b"<\x00\x12\x00\x13", "", None),
    ],
)
def test_what_comes_instead_of_a_file(head, kind, told):
    found = stray(head, kind)
    assert (found or "").startswith(told or "") and bool(found) == bool(told)
    if told and "JSON" in told:
        assert stray(head, kind, "json") is None


def test_end_marks(tmp_path):
    whole = {"a.jpg": drawn(1), "b.gif": b"GIF89a....;", "c.webp": b"RIFF\x08\0\0\0WEBPVP8 "}
    whole["d.zip"] = b"PK\3\4..PK\5\6.."
    for name, body in whole.items():
        path = tmp_path / name
        path.write_bytes(body)
        assert torn(path) is None, name
        path.write_bytes(body[: len(body) - 3] if name != "d.zip" else body[:6])
        assert "before the end mark" in (torn(path) or "")
    (tmp_path / "film.jpg").write_bytes(drawn(1) + bytes(9000))
    assert torn(tmp_path / "film.jpg") is None, "a telephone's film behind the picture"
    (tmp_path / "e").write_bytes(b"anything")
    assert torn(tmp_path / "e") is None

"""Openverse's search on loopback: pages, licences, attribution, limits, and a token that stays with its host."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pandas as pd
import pytest

from tasks.acquire.sources.openverse.source import TOKEN
from tasks.core.errors import LandloomError
from tests.acquire.published import photographs
from tests.acquire.server import Handler, Server, file_route, serving
from tests.acquire.stage import acquire, params

FAST = {"requests_per_second": 100.0, "retries": 2, "timeout_s": 5.0}


class Openverse:
    """The search for images of API v1. Pictures lie on another host."""

    def __init__(self, server: Server, pictures: Server, count: int):
        self.server, self.pictures, self.queries = server, pictures, list[dict[str, str]]()
        self.tired = 0  # answers 429 before the next real one
        self.results = [self._result(number, body) for number, body in enumerate(photographs(count))]
        server.routes["/v1/images/"] = self._search

    def _result(self, number: int, body: bytes) -> dict[str, Any]:
        self.pictures.routes[f"/photo{number}"] = file_route(body)
        code, version = (("cc0", "1.0"), ("by", "2.0"), ("pdm", "1.0"))[number % 3]
        page = f"https://photos.example.org/{number}"
        result = {"id": f"0000-{number:04}", "title": f"Mountain {number}", "creator": f"Person {number}"}
        result |= {"url": f"{self.pictures.url}/photo{number}", "license": code, "license_version": version}
        result |= {"filetype": "jpg", "foreign_landing_url": page, "source": "flickr", "mature": False}
        result["attribution"] = f'"Mountain {number}" by Person {number} is licensed under {code.upper()} {version}.'
        return result

    def _search(self, handler: Handler) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(handler.path).query).items()}
        self.queries.append(query | {"token": handler.headers.get("Authorization", "")})
        if int(query["page_size"]) > 20:
            handler.answer(401, b'{"detail": "page_size must be between 1 & 20 for unauthenticated requests."}')
        elif self.tired:
            self.tired -= 1
            handler.answer(429, b'{"detail": "Request was throttled. Expected available in 1 second."}', Retry_After=1)
        else:
            page, size = int(query["page"]), int(query["page_size"])
            fitting = [one for one in self.results if one["license"] in query["license"].split(",")]
            found = fitting[(page - 1) * size : page * size]
            pages = -(-len(fitting) // size)
            handler.json({"result_count": len(fitting), "page_count": pages, "page_size": size, "results": found})


def fetch(root: Path, openverse: Openverse, **block: Any) -> pd.DataFrame:
    given = {"url": f"{openverse.server.url}/v1/images/", "query": "mountain", **FAST, **block}
    return acquire(root, params("openverse", **given))


def test_a_search_over_several_pages(tmp_path, server, monkeypatch):
    monkeypatch.setenv(TOKEN, "s3cret")
    with serving() as pictures:
        openverse = Openverse(server, pictures, 45)
        openverse.tired = 1
        given = {"licences": ["cc0", "by"], "categories": ["photograph"], "sources": ["flickr"], "limit": 25}
        ledger = fetch(tmp_path, openverse, **given)
        assert len(ledger) == 25 and ledger["refused"].isna().all() and (ledger["partition"] == "open").all()
        assert [query["page"] for query in openverse.queries] == ["1", "1", "2"]
        asked = openverse.queries[0]
        assert (asked["license"], asked["category"], asked["source"]) == ("cc0,by", "photograph", "flickr")
        row = ledger.loc["openverse-0000-0001"]
        assert row["licence"] == "CC BY 2.0" and row["path"].endswith(".jpg")
        assert row["attribution"].startswith('"Mountain 1" by Person 1 is licensed under BY 2.0.')
        assert row["attribution"].endswith("https://photos.example.org/1")
        assert all(query["token"] == "Bearer s3cret" for query in openverse.queries)
        assert not any("Authorization" in seen[3] for seen in pictures.seen), "the token is for Openverse alone"
        assert server.seen[1][0] - server.seen[0][0] >= 0.9
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"s3cret" in path.read_bytes()]


def test_a_redirect_to_another_host_gets_no_token(tmp_path, server, monkeypatch):
    monkeypatch.setenv(TOKEN, "s3cret")
    with serving() as pictures:
        openverse = Openverse(server, pictures, 3)
        pictures.routes["/v1/images/"] = server.routes["/v1/images/"]
        server.routes["/v1/images/"] = lambda handler: handler.answer(
            302, b"", Location=f"{pictures.url}{handler.path}"
        )
        fetch(tmp_path, openverse)
        assert openverse.queries[0]["token"] == ""


def test_one_host_of_many_that_blocks_refuses_its_own_pictures(tmp_path, server):
    with serving() as pictures, serving() as blocking:
        openverse = Openverse(server, pictures, 6)
        for number in (0, 1, 2):
            openverse.results[number]["url"] = f"{blocking.url}/photo{number}"
            blocking.routes[f"/photo{number}"] = lambda handler: handler.answer(403, b"<html>no</html>")
        openverse.results[3]["url"] = "ftp://x"
        openverse.results[4]["url"] = "http://127.0.0.1:9/nobody.jpg"
        ledger = fetch(tmp_path, openverse, connections=1, retries=0)
        assert ledger["refused"].str.contains("its host turned us away").sum() == 3
        assert len(blocking.seen) == 1
        assert "no address" in ledger.loc["openverse-0000-0003", "refused"]
        assert "its host stays away: http://127.0.0.1:9/" in ledger.loc["openverse-0000-0004", "refused"]
        assert ledger["refused"].isna().sum() == 1


def test_a_block_page_of_openverse_stops_the_run(tmp_path, server):
    openverse = Openverse(server, server, 2)
    server.routes["/v1/images/"] = lambda handler: handler.answer(200, b"<!doctype html><title>Just a moment</title>")
    with pytest.raises(LandloomError, match="sends a web page with the title “Just a moment” where JSON is due"):
        fetch(tmp_path, openverse)

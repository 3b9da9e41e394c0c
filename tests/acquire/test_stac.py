"""A small STAC API on loopback, honest and hostile."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import planetary_computer.sas
import planetary_computer.settings
import pytest
import rasterio
from affine import Affine

from tasks.acquire.common.degree_cells import cell_corner
from tasks.core.errors import LandloomError
from tests.acquire.rasters import hills, write
from tests.acquire.server import Handler, Server, file_route, in_turn, serving
from tests.acquire.stage import acquire, params

PX = 120
HALF = 0.5 / PX  # as published cells do, these stick out to the west and to the north by half a pixel
CONFORMS = ["https://api.stacspec.org/v1.0.0/core", "https://api.stacspec.org/v1.0.0/item-search"]
CONFORMS += ["https://api.stacspec.org/v1.0.0/collections", "https://api.stacspec.org/v1.0.0/ogcapi-features"]


class Catalogue:
    """A STAC API with one collection, of 1° cells."""

    def __init__(self, server: Server, folder: Path, collection: str = "cop-dem-glo-30"):
        self.server, self.url, self.folder, self.collection = server, f"{server.url}/v1", folder, collection
        self.items: list[dict[str, Any]] = []
        self.page = 2  # few, so that paging happens
        self.extent = [-180, -90, 180, 90]
        links = [
            {"rel": "search", "type": "application/geo+json", "href": f"{self.url}/search", "method": method}
            for method in ("GET", "POST")
        ]
        links += [{"rel": rel, "href": self.url, "type": "application/json"} for rel in ("root", "self")]
        links += [{"rel": "data", "href": f"{self.url}/collections", "type": "application/json"}]
        root = {"type": "Catalog", "stac_version": "1.0.0", "id": "loopback", "description": "a test", "links": links}
        server.routes["/v1"] = lambda handler: handler.json({**root, "conformsTo": CONFORMS})
        server.routes["/v1/"] = server.routes["/v1"]
        server.routes[f"/v1/collections/{collection}"] = self._describe
        server.routes["/v1/search"] = self._search

    def add(self, cell: str, array: np.ndarray | None = None, **changes: Any) -> dict[str, Any]:
        """Publish one cell as a COG; `changes` replace parts of the item."""
        south, west = cell_corner(cell)
        name = f"DEM_{cell}"
        path = self.folder / f"{name}.tif"
        transform = Affine(1 / PX, 0, west - HALF, 0, -1 / PX, south + 1 + HALF)
        ground = hills(PX, PX, low=5.0, high=800.0) if array is None else array
        write(path, ground, transform=transform, driver="COG")
        self.server.routes[f"/files/{path.name}"] = file_route(path.read_bytes())
        item = {
            "type": "Feature",
            "stac_version": "1.0.0",
            "id": name,
            "collection": self.collection,
            "bbox": [west - HALF, south + HALF, west + 1 - HALF, south + 1 + HALF],
            "geometry": None,
            "properties": {"datetime": "2021-04-22T00:00:00Z", "proj:shape": [PX, PX]},
            "links": [],
            "assets": {"data": {"href": f"{self.server.url}/files/{path.name}", "type": "image/tiff"}},
        } | changes
        self.items.append(item)
        return item

    def asset(self, cell: str, href: str, **changes: Any) -> None:
        """Publish a cell whose asset points elsewhere."""
        self.add(cell, **changes)["assets"]["data"]["href"] = href

    def downloads(self) -> int:
        return sum(seen[2].startswith("/files/") for seen in self.server.seen)

    def _describe(self, handler: Handler) -> None:
        extent = {"spatial": {"bbox": [self.extent]}, "temporal": {"interval": [[None, None]]}}
        handler.json(
            {
                "type": "Collection",
                "stac_version": "1.0.0",
                "id": self.collection,
                "description": "cells",
                "license": "CC-BY-4.0",
                "providers": [{"name": "The Cell Office"}],
                "extent": extent,
                "links": [],
            }
        )

    def _search(self, handler: Handler) -> None:
        asked = json.loads(handler.body)
        west, south, east, north = asked["bbox"]
        start = asked.get("token", 0)
        found = [
            item
            for item in self.items
            if item["bbox"][0] < east and item["bbox"][2] > west and item["bbox"][1] < north and item["bbox"][3] > south
        ]
        links = []
        if start + self.page < len(found):
            body = {**asked, "token": start + self.page}
            links = [{"rel": "next", "method": "POST", "href": f"{self.url}/search", "body": body}]
        handler.json({"type": "FeatureCollection", "features": found[start : start + self.page], "links": links})


@pytest.fixture
def catalogue(tmp_path) -> Iterator[Catalogue]:
    with serving() as server:
        yield Catalogue(server, tmp_path / "published")


def fetch(root: Path, catalogue: Catalogue, area: Any, **changes: Any):
    fast = {"requests_per_second": 100.0, "retries": 2, "timeout_s": 5.0}
    block = {"url": catalogue.url, "collection": catalogue.collection, **fast, **changes}
    return acquire(root, params("stac", area, **block))


def test_cells_come_once_and_sea_where_there_is_none(tmp_path, catalogue):
    for cell in ("N46E008", "N46E009", "N45E008", "N10E100"):
        catalogue.add(cell)
    area = ["N46E008", "N46E009", "N46E010", "N46E012"]
    ledger = fetch(tmp_path, catalogue, area)
    # N45E008 only touches the area, and N46E012 lies in open ocean: beside no cell that is published.
    assert list(ledger.index) == ["DEM_N46E008", "DEM_N46E009", "sea_N46E010"]
    assert ledger["refused"].isna().all() and not ledger["procedural"].any()
    assert catalogue.downloads() == 2
    land = ledger.loc["DEM_N46E008"]
    assert land["url"] == f"{catalogue.server.url}/files/DEM_N46E008.tif" and land["etag"]
    assert "Copernicus" in land["licence"] and "Airbus" in land["attribution"]
    assert "sea at 0 m" in ledger.loc["sea_N46E010", "attribution"]

    raw = tmp_path / "data/terrain/raw"
    with rasterio.open(raw / "sea_N46E010.tif") as sea, rasterio.open(raw / "DEM_N46E009.tif") as neighbour:
        assert not sea.read(1).any() and sea.shape == neighbour.shape
        assert sea.bounds.left == pytest.approx(neighbour.bounds.right)
        assert (sea.bounds.top, sea.bounds.bottom) == pytest.approx((neighbour.bounds.top, neighbour.bounds.bottom))

    first = (raw / "ledger.parquet").read_bytes()
    fetch(tmp_path, catalogue, area)
    assert catalogue.downloads() == 2, "a second run downloads nothing"
    assert (raw / "ledger.parquet").read_bytes() == first


def test_a_missing_cell_stays_missing_where_it_is_not_known_to_be_sea(tmp_path, catalogue):
    catalogue.add("N46E008")
    assert list(fetch(tmp_path, catalogue, [8, 46, 10, 47], missing_is_sea=False).index) == ["DEM_N46E008"]


def test_land_that_a_collection_leaves_out_is_a_gap_and_no_sea(tmp_path, catalogue):
    catalogue.add("N40E042")
    ledger = fetch(tmp_path, catalogue, ["N40E042", "N40E043"])
    assert "leaves this land out" in ledger.loc["gap_N40E043", "refused"]


def test_beyond_a_collections_reach_is_a_gap_and_no_sea(tmp_path):
    with serving() as server:
        catalogue = Catalogue(server, tmp_path / "published", "nasadem")
        catalogue.extent = [-180, -56, 180, 61]
        catalogue.add("N60E008")
        ledger = fetch(tmp_path, catalogue, ["N60E008", "N61E008", "N59E008"])
    assert "does not reach here" in ledger.loc["gap_N61E008", "refused"]
    assert pd.isna(ledger.loc["sea_N59E008", "refused"])
    assert ledger.loc["DEM_N60E008", "licence"] == "public domain (NASA)"


def test_terms_of_an_unknown_collection_are_the_catalogues(tmp_path):
    with serving() as server:
        catalogue = Catalogue(server, tmp_path / "published", "other")
        catalogue.add("N46E008")
        row = fetch(tmp_path, catalogue, ["N46E008"]).loc["DEM_N46E008"]
    assert (row["licence"], row["attribution"]) == ("CC-BY-4.0", "The Cell Office")


def test_across_180_degrees(tmp_path, catalogue):
    catalogue.add("S17E179")
    catalogue.add("S17W180")
    ledger = fetch(tmp_path, catalogue, [179.2, -16.8, -179.2, -16.2])
    assert list(ledger.index) == ["DEM_S17E179", "DEM_S17W180"]
    west = ledger.loc["DEM_S17W180"]
    assert west["west"] > west["east"]  # half a pixel of it lies beyond 180°


def test_hostile_items_are_refused_by_name(tmp_path, catalogue):
    catalogue.add("N46E008")
    secret = write(tmp_path / "secret.tif", hills())
    outside = {
        "N46E009": f"file://{secret}",
        "N46E010": str(secret),
        "N46E011": "s3://bucket/a.tif",
        "N46E012": "../../../../etc/passwd",
        "N46E013": f"{catalogue.server.url}/files/%2e%2e/secret.tif",
        "N46E014": f"/vsicurl/{catalogue.server.url}/files/DEM_N46E008.tif",
        "N46E015": "..\\..\\secret.tif",
    }
    for cell, href in outside.items():
        catalogue.asset(cell, href)
    catalogue.add("N46E016", id="../../evil")
    catalogue.add("N46E017", assets={"thumbnail": {"href": "x"}})
    catalogue.server.routes["/out"] = lambda handler: handler.answer(302, b"", Location=f"file://{secret}")
    catalogue.asset("N46E019", f"{catalogue.server.url}/out")
    catalogue.asset("N46E020", f"{catalogue.server.url}/files/gone.tif")
    catalogue.add("N46E021", np.full((PX, PX), -9999, np.int16))
    catalogue.server.routes["/files/login.tif"] = lambda handler: handler.answer(200, b"<html>log in</html>")
    catalogue.asset("N46E022", f"{catalogue.server.url}/files/login.tif")

    ledger = fetch(tmp_path, catalogue, [8, 46, 23, 47], missing_is_sea=False)
    assert list(ledger.index[ledger["refused"].isna()]) == ["DEM_N46E008"]
    refused = dict(ledger["refused"].dropna())
    for cell in ("N46E009", "N46E010", "N46E011", "N46E014", "N46E015"):
        assert "not http or https" in refused[f"DEM_{cell}"]
    for cell in ("N46E012", "N46E013"):
        assert "leaves its folder" in refused[f"DEM_{cell}"]
    assert "no plain file name" in refused["../../evil"]
    assert "no asset 'data'; it has thumbnail" in refused["DEM_N46E017"]
    assert "redirects to file:" in refused["DEM_N46E019"]
    assert "answers 404" in refused["DEM_N46E020"]
    assert "-9999" in refused["DEM_N46E021"]
    assert "read to its end" in refused["DEM_N46E022"]
    raw = tmp_path / "data/terrain/raw"
    assert sorted(path.name for path in raw.iterdir()) == ["DEM_N46E008.tif", "ledger.parquet"]
    assert not list(tmp_path.rglob("evil*"))

    # Bad bytes are not kept: the next run asks for them again, and only for them.
    before = catalogue.downloads()
    fetch(tmp_path, catalogue, [8, 46, 23, 47], missing_is_sea=False)
    asked = [seen[2] for seen in catalogue.server.seen if seen[2].startswith("/files/")][before:]
    assert sorted(asked) == ["/files/gone.tif", "/files/login.tif"]


def test_relative_hrefs_are_read_from_the_item(tmp_path, catalogue):
    catalogue.asset(
        "N46E008", "DEM_N46E008.tif", links=[{"rel": "self", "href": f"{catalogue.server.url}/files/item.json"}]
    )
    assert pd.isna(fetch(tmp_path, catalogue, ["N46E008"]).loc["DEM_N46E008", "refused"])


def test_stated_length_and_hash_are_held_against_the_bytes(tmp_path, catalogue):
    catalogue.add("N46E008")["assets"]["data"]["file:size"] = 10
    with pytest.raises(LandloomError, match="although the catalogue says 10"):
        fetch(tmp_path, catalogue, ["N46E008"])
    assert not (tmp_path / "data/terrain/raw").exists()


def test_a_void_code_that_only_the_catalogue_states(tmp_path, catalogue):
    array = hills(PX, PX)
    array[:10] = -32768
    catalogue.add("N46E008", array)["assets"]["data"]["raster:bands"] = [{"nodata": -32768}]
    assert fetch(tmp_path, catalogue, ["N46E008"]).loc["DEM_N46E008", "nodata"] == -32768


def test_throttled_searches_are_repeated(tmp_path, catalogue):
    catalogue.add("N46E008")
    honest = catalogue.server.routes["/v1/search"]
    busy = lambda handler: handler.answer(429, b"slow down", Retry_After="1")  # noqa: E731
    catalogue.server.routes["/v1/search"] = in_turn(busy, honest)
    assert len(fetch(tmp_path, catalogue, ["N46E008"])) == 1


def test_what_is_no_catalogue(tmp_path, catalogue):
    with pytest.raises(LandloomError, match="has no item in the area"):
        fetch(tmp_path, catalogue, ["N46E008"])
    with pytest.raises(LandloomError, match="answers 404"):
        fetch(tmp_path, catalogue, ["N46E008"], collection="nothing")
    catalogue.server.routes["/v1"] = lambda handler: handler.answer(200, b"<html>")
    with pytest.raises(LandloomError, match="not a usable STAC API"):
        fetch(tmp_path, catalogue, ["N46E008"])


def test_links_to_local_files_are_not_followed(tmp_path, catalogue):
    catalogue.add("N46E008")
    (tmp_path / "page.json").write_text(json.dumps({"features": [{"id": "x"}], "links": []}))
    page = {"type": "FeatureCollection", "features": catalogue.items}
    for href in (f"{tmp_path}/page.json", f"file://{tmp_path}/page.json"):
        links = [{"rel": "next", "href": href, "method": "GET"}]
        catalogue.server.routes["/v1/search"] = lambda handler, links=links: handler.json({**page, "links": links})
        with pytest.raises(LandloomError, match="not on the web"):
            fetch(tmp_path, catalogue, ["N46E008"])


def test_paging_in_circles_ends(tmp_path, catalogue, monkeypatch):
    monkeypatch.setattr("tasks.acquire.sources.stac.source.MAX_PAGES", 5)
    catalogue.add("N46E008")
    page = {"type": "FeatureCollection", "features": catalogue.items}
    links = [{"rel": "next", "href": f"{catalogue.url}/search", "method": "GET"}]
    catalogue.server.routes["/v1/search"] = lambda handler: handler.json({**page, "links": links})
    with pytest.raises(LandloomError, match="more than 5 pages"):
        fetch(tmp_path, catalogue, ["N46E008"])


class Azure:
    """Blob storage that wants a token, and the service that gives one."""

    def __init__(self, catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch):
        self.server, self.lives, self.valid, self.given = catalogue.server, timedelta(hours=1), "", 0
        monkeypatch.setattr(planetary_computer.sas, "BLOB_STORAGE_DOMAIN", f"127.0.0.1:{self.server.port}")
        settings = planetary_computer.settings.Settings(sas_url=f"{self.server.url}/token", subscription_key=None)
        monkeypatch.setattr(planetary_computer.settings.Settings, "get", lambda: settings)
        self.server.routes["/token/127/files"] = self._token
        for path in [path for path in self.server.routes if path.startswith("/files/")]:
            self.server.routes[path] = self._guarded(self.server.routes[path])

    def _token(self, handler: Handler) -> None:
        self.given += 1
        self.valid = f"sig=secret{self.given}"
        expiry = (datetime.now(UTC) + self.lives).strftime("%Y-%m-%dT%H:%M:%SZ")
        handler.json({"msft:expiry": expiry, "token": self.valid})

    def _guarded(self, route: Any) -> Any:
        return lambda handler: route(handler) if handler.path.endswith(f"?{self.valid}") else handler.answer(403, b"")


def test_one_token_serves_a_container_and_is_written_nowhere(tmp_path, catalogue, monkeypatch):
    for cell in ("N46E008", "N46E009", "N46E010"):
        catalogue.add(cell)
    azure = Azure(catalogue, monkeypatch)
    ledger = fetch(tmp_path, catalogue, [8, 46, 11, 47], sign="planetary-computer")
    assert azure.given == 1 and ledger["refused"].isna().all()
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert ledger["url"].str.endswith(".tif").all()


def test_a_token_turned_down_is_renewed(tmp_path, catalogue, monkeypatch):
    catalogue.add("N46E008")
    catalogue.add("N46E009")
    azure = Azure(catalogue, monkeypatch)
    guarded = catalogue.server.routes["/files/DEM_N46E008.tif"]

    def expire_then(handler: Handler) -> None:
        azure.valid = "expired early" if azure.given == 1 else azure.valid
        guarded(handler)

    catalogue.server.routes["/files/DEM_N46E008.tif"] = expire_then
    ledger = fetch(tmp_path, catalogue, [8, 46, 10, 47], sign="planetary-computer", connections=1)
    assert azure.given == 2 and ledger["refused"].isna().all()


def test_a_token_near_its_end_is_not_used(tmp_path, catalogue, monkeypatch):
    catalogue.add("N46E008")
    catalogue.add("N46E009")
    azure = Azure(catalogue, monkeypatch)
    azure.lives = timedelta(seconds=30)
    fetch(tmp_path, catalogue, [8, 46, 10, 47], sign="planetary-computer", connections=1)
    assert azure.given == 2


def test_no_access_stops_the_run_and_leaves_nothing(tmp_path, catalogue, monkeypatch):
    catalogue.add("N46E008")
    Azure(catalogue, monkeypatch)
    started = time.monotonic()
    with pytest.raises(LandloomError, match="answers 403"):
        fetch(tmp_path, catalogue, ["N46E008"])
    assert time.monotonic() - started < 10 and not (tmp_path / "data/terrain/raw").exists()

"""A small STAC API on loopback, honest and hostile."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import rasterio

from tasks.core.errors import LandloomError
from tests.acquire.catalogue import PX, Catalogue, fetch
from tests.acquire.rasters import hills, write
from tests.acquire.server import in_turn, serving


def test_cells_come_once_and_sea_where_there_is_none(tmp_path, catalogue):
    for cell in ("N46E008", "N46E009", "N45E008", "N10E100"):
        catalogue.add(cell)
    area = ["N46E008", "N46E009", "N46E010", "N46E012"]
    ledger = fetch(tmp_path, catalogue, area)
    # N45E008 only touches the area. N46E012 is open ocean: no published cell is next to it.
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


@pytest.mark.parametrize(
    "box",
    [[-180, -90, 180, 90], [-180, 45, 180, 48], [9.0, 45.0, 12.0, 47.0], [8.5, 45.5, 190.0, 90.0]],
    ids=["globe", "belt", "sheet", "past 180"],
)
def test_no_sea_lies_where_the_box_of_an_item_may_have_land(tmp_path, catalogue, box):
    catalogue.add("N46E008")
    catalogue.add("N46E009", bbox=box)
    ledger = fetch(tmp_path, catalogue, ["N46E008", "N46E009", "N46E010"])
    assert not [key for key in ledger.index if key.startswith("sea_")]
    assert "the box of DEM_N46E009 reaches here" in ledger.loc["gap_N46E009", "refused"]


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
    assert west["west"] > west["east"]  # half a pixel of it is beyond 180°


def test_hostile_items_are_refused_by_name(tmp_path, catalogue):
    catalogue.add("N46E008")
    secret = write(tmp_path / "secret.tif", hills())
    outside = {
        "N46E009": f"file://{secret}",
        "N46E010": str(secret),
        "N46E011": "ftp://example.org/a.tif",
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
    assert "a web page where a file is due" in refused["DEM_N46E022"]
    raw = tmp_path / "data/terrain/raw"
    assert sorted(path.name for path in raw.iterdir()) == ["DEM_N46E008.tif", "ledger.parquet"]
    assert not list(tmp_path.rglob("evil*"))

    # Bad bytes are not kept: the next run requests only them again.
    before = catalogue.downloads()
    fetch(tmp_path, catalogue, [8, 46, 23, 47], missing_is_sea=False)
    asked = [seen[2] for seen in catalogue.server.seen if seen[2].startswith("/files/")][before:]
    assert sorted(asked) == ["/files/gone.tif", "/files/login.tif"]


def test_assets_in_a_bucket_come_over_https(tmp_path, catalogue):
    """As in public catalogues: the address of the bucket, and an item whose reader pays beside it."""
    item = catalogue.add("N46E008")
    path = f"DEM_N46E008/{item['id']}.tif"
    catalogue.server.routes[f"/cells/{path}"] = catalogue.server.routes[f"/files/{item['id']}.tif"]
    item["assets"]["data"]["href"] = f"s3://cells/{path}"
    catalogue.asset("N46E009", "s3://paid/x.tif", properties={"storage:requester_pays": True})
    ledger = fetch(tmp_path, catalogue, ["N46E008", "N46E009"], s3_endpoint=catalogue.server.url)
    assert ledger.loc["DEM_N46E008", "url"] == f"{catalogue.server.url}/cells/{path}"
    assert pd.isna(ledger.loc["DEM_N46E008", "refused"])
    assert "whose reader pays (s3://paid)" in ledger.loc["DEM_N46E009", "refused"]


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
    monkeypatch.setattr("tasks.acquire.common.stac.catalogue.MAX_PAGES", 5)
    catalogue.add("N46E008")
    page = {"type": "FeatureCollection", "features": catalogue.items}
    links = [{"rel": "next", "href": f"{catalogue.url}/search", "method": "GET"}]
    catalogue.server.routes["/v1/search"] = lambda handler: handler.json({**page, "links": links})
    with pytest.raises(LandloomError, match="more than 5 pages"):
        fetch(tmp_path, catalogue, ["N46E008"])

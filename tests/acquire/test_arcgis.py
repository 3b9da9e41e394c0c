"""Services of an ArcGIS server on loopback: the right ground in the right place, few requests, no block page kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.warp import transform

from tasks.acquire.common.area import Area
from tasks.acquire.params import Params
from tasks.acquire.sources.arcgis.answers import read_picture
from tasks.acquire.sources.arcgis.blank import is_blank
from tasks.acquire.sources.arcgis.grid import Grid, latitude_of
from tasks.acquire.sources.arcgis.service import read_service
from tasks.acquire.sources.arcgis.terms import accepted_terms
from tasks.core.errors import LandloomError
from tests.acquire.arcgis import WORLD, Service, encoded, fault, fetch, land, not_yet_available, photograph, tiling
from tests.acquire.server import in_turn
from tests.acquire.stage import params

PLACE = [0.002, 0.012, 0.020, 0.020]  # two tiles of 256 pixels beside each other at level 15
SMALL = {"level": 15, "item_px": 512}


def rasters(root):
    return sorted((root / "data/terrain/raw").glob("*.tif"))


def ground_is_right(path, ground=land, off=1):
    """Every pixel shows the ground at its own place."""
    with rasterio.open(path) as raster:
        cols, rows = np.meshgrid(np.arange(raster.width) + 0.5, np.arange(raster.height) + 0.5)
        x, y = raster.transform @ (cols, rows)
        known = raster.dataset_mask() > 0
        wanted, found = ground(x, y)[..., :3], np.moveaxis(raster.read(), 0, -1)
        return known, bool((np.abs(wanted.astype(int) - found)[known] <= off).all())


def test_tiles_lie_where_they_belong_and_come_once(tmp_path, server):
    service = Service(server)
    ledger = fetch(tmp_path, service, PLACE, **SMALL)
    assert ledger["layer"].tolist() == ["color"] and ledger["refused"].isna().all()
    assert ledger["attribution"].tolist() == ["USDA, USGS The National Map: Orthoimagery."]
    (path,) = rasters(tmp_path)
    known, right = ground_is_right(path)
    assert right and known.all()
    with rasterio.open(path) as raster:
        assert raster.crs.to_epsg() == 3857 and raster.tags()["LEVEL"] == "15"
        west, south = (value[0] for value in transform("EPSG:4326", raster.crs, [PLACE[0]], [PLACE[1]]))
        assert raster.bounds.left <= west and raster.bounds.bottom <= south
    first, body = service.asked(), path.read_bytes()
    assert len(first) == 2 and all(address.endswith("?blankTile=false") for address in first)
    fetch(tmp_path, service, PLACE, **SMALL)
    assert service.asked() == first and rasters(tmp_path)[0].read_bytes() == body
    fetch(tmp_path, service, [0.002, 0.012, 0.043, 0.020], **SMALL)  # a larger area: only what is new
    assert len(service.asked()) == len(set(service.asked())) > len(first)


def test_exports_keep_to_the_size_that_the_service_allows(tmp_path, server):
    sea = lambda x, y: np.where((x < 1500)[..., None], land(x, y), 0).astype(np.uint8)  # noqa: E731
    service = Service(server, ground=sea, maxImageWidth=300, maxImageHeight=256)
    ledger = fetch(tmp_path, service, PLACE, operation="export", **SMALL)
    assert len(ledger) == 1 and len(service.asked("export")) == 2
    known, right = ground_is_right(rasters(tmp_path)[0], sea)
    assert right and 0.1 < known.mean() < 0.9, "what the service leaves transparent is masked"


def test_an_image_service_is_asked_on_its_own_pixels(tmp_path, server):
    facts = {
        "pixelSizeX": 2.0,
        "pixelSizeY": 2.0,
        "pixelType": "U8",
        "bandCount": 4,
        "spatialReference": {"wkid": 26914},
    }
    utm = {"xmin": 499_001.0, "ymin": 0.0, "xmax": 505_001.0, "ymax": 4003.0}
    service = Service(server, "ImageServer", fullExtent=utm, **facts)
    ledger = fetch(tmp_path, service, [-99.0, 0.01, -98.999, 0.012], gsd=1.0, item_px=256)
    (asked,) = set(service.asked("exportImage"))
    assert "bandIds=0%2C1%2C2" in asked and "adjustAspectRatio=false" in asked and len(ledger) == 1
    with rasterio.open(rasters(tmp_path)[0]) as raster:
        assert raster.crs.to_epsg() == 26914
        assert raster.res == (2.0, 2.0), "no finer than the service's own pixels"
        assert raster.transform.c % 2 == 1 and raster.transform.f % 2 == 1, "in the phase of its extent"
    assert ground_is_right(rasters(tmp_path)[0])[1]


@pytest.mark.parametrize("old", [False, True], ids=["404", "a placeholder with status 200"])
def test_what_the_cache_lacks_is_masked(tmp_path, server, old):
    service = Service(server)
    service.placeholder = old
    service.missing = {(15, 16382, 16385)}
    fetch(tmp_path, service, PLACE, **SMALL)
    known, right = ground_is_right(rasters(tmp_path)[0])
    assert right and known.mean() == 0.5
    with pytest.raises(LandloomError, match=r"no pictures here at level 23.*a coarser level may have some"):
        service.facts["tileInfo"]["lods"] = service.facts["tileInfo"]["lods"][:23]  # what the cache really has
        described = Service.__dict__["_describe"]
        server.routes[service.path] = lambda handler: described(liar(service), handler)
        fetch(tmp_path, service, [0.0020, 0.0120, 0.0021, 0.0121], level=23, item_px=256)


def liar(service):
    """The same service, which claims every level without limit."""
    lie = object.__new__(Service)
    lie.__dict__ = {**service.__dict__, "facts": {**service.facts, "tileInfo": tiling(), "maxScale": 0}}
    return lie


def test_a_block_page_stops_the_run_and_is_not_kept(tmp_path, server):
    service = Service(server)
    page = b"<!DOCTYPE html><html><body>Please verify that you are a human</body></html>"
    server.routes[f"{service.path}/*"] = lambda handler: handler.answer(200, page, Content_Type="text/html")
    with pytest.raises(LandloomError, match="sends a web page where a file is due; nothing of it was stored"):
        fetch(tmp_path, service, [0.0, 0.0, 0.1, 0.1], connections=2, **SMALL)
    assert len(service.asked()) <= 3, "nothing is asked for after the second page"
    assert not (tmp_path / "data/terrain/raw").exists()
    assert not any(b"human" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_errors_in_json_are_waited_for_or_refused(tmp_path, server):
    service = Service(server)
    honest = server.routes[f"{service.path}/*"]
    busy = lambda handler: fault(handler, 503, "Wait time exceeded")  # noqa: E731
    slow = lambda handler: handler.answer(429, b"", Retry_After="1")  # noqa: E731
    server.routes[f"{service.path}/*"] = in_turn(busy, slow, honest)
    assert fetch(tmp_path / "a", service, PLACE, connections=1, **SMALL)["refused"].isna().all()
    odd = f"{service.path}/tile/15/16382/16384"
    server.routes[f"{service.path}/*"] = honest
    for code, reason in ((400, "error 400: Failed"), (500, r"error 500: Failed, 3 times")):
        server.routes[odd] = lambda handler, code=code: fault(handler, code, "Failed")
        ledger = fetch(tmp_path / str(code), service, PLACE, level=15, item_px=256)
        assert ledger["refused"].notna().tolist() == [True, False]
        assert ledger["refused"].str.contains(reason).iloc[0]


def test_the_key_comes_from_the_environment_and_is_written_nowhere(tmp_path, server, monkeypatch, caplog):
    caplog.set_level("DEBUG")  # the root logger's, as a program around the stage may set it
    service = Service(server)
    service.token = "AAPK-secret/1"
    with pytest.raises(LandloomError, match=r"error 499: Token Required.*source.key"):
        fetch(tmp_path, service, PLACE, **SMALL)
    with pytest.raises(LandloomError, match=r"no \$ARCGIS_API_KEY"):
        fetch(tmp_path, service, PLACE, key="ARCGIS_API_KEY", **SMALL)
    monkeypatch.setenv("ARCGIS_API_KEY", "AAPK-secret/2")
    with pytest.raises(LandloomError, match="error 498") as told:
        fetch(tmp_path, service, PLACE, key="ARCGIS_API_KEY", **SMALL)
    assert "secret" not in str(told.value)
    monkeypatch.setenv("ARCGIS_API_KEY", service.token)
    ledger = fetch(tmp_path, service, PLACE, key="ARCGIS_API_KEY", **SMALL)
    assert ledger["refused"].isna().all() and "secret" not in caplog.text
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_terms_that_bind_are_accepted_by_a_person():
    esri = "https://services.arcgisonline.com/ArcGIS/rest/services/World_Imagery/MapServer"
    with pytest.raises(LandloomError, match=r"accept_terms: .*arcgis.com/home/termsofuse.*accept_terms: true"):
        accepted_terms(params("arcgis", PLACE, url=esri).source)
    assert "not for publication" in accepted_terms(params("arcgis", PLACE, url=esri, accept_terms=True).source)
    assert accepted_terms(params("arcgis", PLACE, url="https://x.org/MapServer", licence="CC0-1.0").source) == "CC0-1.0"
    default = Params.model_validate({"source": {"kind": "arcgis"}}).source
    assert "nationalmap.gov" in default.url and accepted_terms(default) == "public domain (USGS)"
    with pytest.raises(ValueError, match="url"):
        params("arcgis", PLACE, url="https://example.org/wms")


@pytest.mark.parametrize(
    ("change", "facts", "reason"),
    [
        ({"max_requests": 10}, {}, r"max_requests: .* requests at level 16, more than 10"),
        ({"level": 17}, {}, r"draws no level 17 at this scale; it has 0, 1, 2.*16$"),
        ({}, {"capabilities": "Query"}, "does no tiles; it can do Query"),
        ({"operation": "tiles"}, {"singleFusedMapCache": False}, "no cache of tiles"),
        ({}, {"fullExtent": {"xmin": 5e6, "ymin": 5e6, "xmax": 6e6, "ymax": 6e6}}, "no pictures in the area"),
        ({}, {"tileInfo": {**tiling(), "spatialReference": {"wkid": 1}}}, "spatial reference is not known"),
        ({}, {"tileInfo": {**tiling(), "lods": [{"level": "x"}]}}, "in another way than ArcGIS"),
    ],
)  # fmt: skip
def test_what_a_service_cannot_do_is_said_before_any_picture(tmp_path, server, change, facts, reason):
    service = Service(server)
    service.facts |= facts
    with pytest.raises(LandloomError, match=reason):
        fetch(tmp_path, service, [0.0, 0.0, 1.0, 1.0], **change)
    assert not service.asked()


def test_pixels_that_are_no_picture_need_a_function(server):
    extent = {"xmin": 0, "ymin": 0, "xmax": 1, "ymax": 1, "spatialReference": {"wkid": 4326}}
    pixels = {"pixelType": "U16", "bandCount": 8, "pixelSizeX": 30, "rasterFunctionInfos": [{"name": "NaturalColor"}]}
    facts = {"capabilities": "Image", "fullExtent": extent, **pixels}
    source = params("arcgis", PLACE, url="https://example.org/x/ImageServer").source
    with pytest.raises(LandloomError, match="8 bands of U16.*NaturalColor"):
        read_service(facts, source)
    assert read_service(facts, source.model_copy(update={"rendering": "NaturalColor"})).crs.is_geographic


@pytest.mark.parametrize(
    ("gsd", "latitude", "level"), [(2.5, 0, 16), (2.5, 40, 16), (2.5, 62, 15), (10, 0, 14), (0.1, 0, 16)]
)
def test_the_level_is_the_coarsest_that_is_fine_enough_on_the_ground(server, gsd, latitude, level):
    service = Service(server)
    source = params("arcgis", PLACE, url=service.url, gsd=gsd).source
    assert read_service(service.facts, source).level(source, latitude).number == level


FEET = {
    "fullExtent": {"xmin": 6.4e6, "ymin": 1.7e6, "xmax": 6.7e6, "ymax": 2e6, "spatialReference": {"latestWkid": 2229}},
    "pixelSizeX": 0.25,
}


@pytest.mark.parametrize(
    ("area", "facts", "given", "level", "cells"),
    [
        ([179.9, -17.0, -179.9, -16.9], {}, {"level": 12}, 12, {(2243, 0), (2244, 1), (2243, 4094), (2244, 4095)}),
        ([-180, -90, 180, 90], {}, {"level": 1}, 1, {(0, 0), (0, 1), (1, 0), (1, 1)}),
        ([-118.3, 34.0, -118.29, 34.01], FEET, {"gsd": 1.0}, None, set()),
    ],
    ids=["across 180°", "the whole Earth", "feet"],
)
def test_the_grid_of_requests(area, facts, given, level, cells):
    kind = "ImageServer" if facts else "MapServer"
    source = params("arcgis", area, url=f"https://example.org/arcgis/rest/services/x/{kind}", **given).source
    world = {"xmin": -WORLD, "ymin": -WORLD, "xmax": WORLD, "ymax": WORLD}
    service = read_service({"tileInfo": None if facts else tiling(), "fullExtent": world, **facts}, source)
    place = Area.read(area, Path())
    grid = Grid(service, service.level(source, latitude_of(service, place)))
    items = grid.items(place, 8, 1000)
    found = {cell for item in items for cell in item.cells}
    assert grid.level.number == level and (not cells or cells <= found) and len(found) < 10
    if facts:
        assert grid.level.resolution == pytest.approx(1 / 0.3048, rel=1e-4), "a metre in US survey feet"


def test_blanks_are_told_from_photographs():
    grey = encoded(not_yet_available(), "JPEG")
    assert is_blank(read_picture(grey, 256, 256))
    flat = np.full((64, 64, 4), (20, 30, 60, 255), np.uint8)
    assert is_blank(flat)
    noise = np.random.default_rng(1).integers(-2, 3, (64, 64, 1))
    assert not is_blank(np.concatenate([(120 + noise).repeat(3, 2), np.full((64, 64, 1), 255)], 2).astype(np.uint8))
    x, y = np.meshgrid(np.arange(64.0), np.arange(64.0))
    assert not is_blank(land(x * 5, y * 5)) and abs(WORLD) > 2e7


def test_real_photographs_are_no_blanks(realdata):
    seen = 0
    for path in [
        *sorted((realdata / "imagery/aerial_DERIVED").glob("*.tif")),
        *sorted((realdata / "imagery").glob("landsat*.tif")),
    ]:
        with rasterio.open(path) as raster:
            if raster.count < 3 or set(raster.dtypes) != {"uint8"}:
                continue
            rgb = np.moveaxis(raster.read([1, 2, 3]), 0, -1)
        for top, left in np.ndindex(rgb.shape[0] // 256, rgb.shape[1] // 256):
            tile = np.ascontiguousarray(rgb[top * 256 : top * 256 + 256, left * 256 : left * 256 + 256])
            assert not is_blank(read_picture(encoded(Image.fromarray(tile), "JPEG"), 256, 256)), (path.name, top, left)
            seen += 1
    assert seen


def test_a_real_photograph_comes_through_as_it_is(tmp_path, server, realdata):
    ground, box = photograph(realdata / "imagery/naip_nd_20180716.tif", resolution=5.0)
    service = Service(server, ground=ground)
    ledger = fetch(tmp_path, service, box, gsd=5.0, item_px=512)
    assert ledger["refused"].isna().all() and len(ledger) > 1
    for path in rasters(tmp_path):
        known, right = ground_is_right(path, ground, off=0)
        assert right and known.any()

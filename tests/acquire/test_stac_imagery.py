"""Scenes of satellites from a STAC API on loopback: true colours, clear ground, no more bytes than the area needs."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from rasterio.warp import transform_bounds

from tasks.acquire.common.source import Refusal
from tasks.acquire.sources.stac_imagery.composite import median
from tasks.acquire.sources.stac_imagery.params import Params
from tasks.acquire.sources.stac_imagery.products import PRODUCTS
from tasks.core.errors import LandloomError
from tests.acquire.azure import Azure
from tests.acquire.imagery import BOX, CLEAR, CLOUD, PX, Imagery, fetch, ground
from tests.acquire.server import file_route, in_turn, serving


@pytest.fixture
def catalogue(tmp_path):
    with serving() as server:
        yield Imagery(server, tmp_path / "published")


def read(root):
    """The only raster: levels (rows, cols, 3), mask, recipe, and the columns and rows of the scene that it shows."""
    (path,) = (root / "data/terrain/raw").glob("*.tif")
    with rasterio.open(path) as raster:
        left, top = (
            round(value) for value in ((raster.transform.c - 500_000) / 10, (5_100_000 - raster.transform.f) / 10)
        )
        place = np.s_[top : top + raster.height, left : left + raster.width]
        levels, mask = np.moveaxis(raster.read(), 0, -1), raster.dataset_mask() > 0
        return levels, mask, json.loads(raster.tags()["RECIPE"]), place


def natural(reflectance):
    """What the default stretch makes of red, green and blue."""
    share = (reflectance[:3] / 0.35).clip(0, 1)
    return np.moveaxis(255 * share ** (1 / 1.4), 0, -1)


def test_the_clearest_scene_in_its_true_colours(tmp_path, catalogue):
    clouds = np.full((PX // 2, PX // 2), CLEAR, np.uint8)
    clouds[20:40, 30:50] = CLOUD
    best = {"s2:processing_baseline": "05.09", "eo:cloud_cover": 2.0}
    catalogue.sentinel("S2B_new", ground(), clouds, **best)
    catalogue.sentinel("S2B_old", ground(1.0), **{**best, "s2:processing_baseline": "04.00"})  # the same acquisition
    catalogue.sentinel("S2B_late", ground(2.0), datetime="2023-09-02T10:00:00Z", **{"eo:cloud_cover": 0.0})
    catalogue.sentinel("S2B_dull", ground(2.0), datetime="2023-07-09T10:00:00Z", **{"eo:cloud_cover": 9.0})
    ledger = fetch(tmp_path, catalogue)
    assert list(ledger.index) == ["S2B_new"] and ledger["refused"].isna().all()
    row = ledger.loc["S2B_new"]
    assert row["attribution"] == "contains modified Copernicus Sentinel data 2023" and row["partition"] == "open"
    assert json.loads(row["facts"]) == {"date": "2023-07-01"}
    assert row["url"] == f"{catalogue.url}/collections/sentinel-2-c1-l2a/items/S2B_new"
    levels, mask, recipe, place = read(tmp_path)
    known = np.kron(clouds == CLEAR, np.ones((2, 2), bool))
    known[:4] = False
    assert (mask == known[place]).all() and 0.5 < mask.mean() < 0.98
    assert np.abs(levels - natural(ground())[place])[mask].max() <= 1 and not levels[~mask].any()
    assert recipe["items"] == ["S2B_new"] and recipe["scale_offset"] == [[[0.0001, -0.1]] * 3]
    assert recipe["stretch"] == {"kind": "fixed", "low": [0.0] * 3, "high": [0.35] * 3, "gamma": 1.4}
    asked, raw = catalogue.asked(), tmp_path / "data/terrain/raw"
    before = {path.name: path.read_bytes() for path in raw.iterdir()}
    fetch(tmp_path, catalogue)
    assert catalogue.asked() == asked and {path.name: path.read_bytes() for path in raw.iterdir()} == before


def test_each_way_to_state_the_offset_gives_the_same_colours(tmp_path, catalogue):
    ways = {
        "stated": {},
        "removed": {"offset": 0.0, "stated": -0.1, "earthsearch:boa_offset_applied": True},
        "baseline": {"stated": None, "s2:processing_baseline": "05.10"},
        "before": {"offset": 0.0, "stated": None, "s2:processing_baseline": "03.01"},
    }
    pictures = {}
    for name, way in ways.items():
        catalogue.items.clear()
        catalogue.sentinel(name, ground(), **way)
        fetch(tmp_path / name, catalogue)
        pictures[name] = read(tmp_path / name)[0]
    assert all((picture == pictures["stated"]).all() for picture in pictures.values())


def test_numbers_that_contradict_their_metadata_are_refused(tmp_path, catalogue):
    catalogue.sentinel("wrong", ground(), offset=0.0, stated=-0.1, **{"earthsearch:boa_offset_applied": False})
    catalogue.sentinel("right", ground(), **{"grid:code": "MGRS-32TNT"})
    ledger = fetch(tmp_path, catalogue)
    assert "do not have the offset that its metadata states" in ledger.loc["wrong", "refused"]
    assert ledger["refused"].isna().tolist() == [True, False]


def test_the_median_of_clear_views_has_no_holes(tmp_path, catalogue):
    for number, day in enumerate(("05", "12", "19", "26")):
        view, clouds = ground(), np.full((PX // 2, PX // 2), CLEAR, np.uint8)
        at = slice(20 * number, 20 * number + 20)
        clouds[at, at] = CLOUD
        view[:, 40 * number : 40 * number + 40, 40 * number : 40 * number + 40] = 0.8
        catalogue.sentinel(f"view{number}", view, clouds, datetime=f"2023-07-{day}T10:00:00Z")
    del catalogue.server.routes["/files/view3_red.tif"]
    ledger = fetch(tmp_path, catalogue, compose="median")
    assert list(ledger.index) == ["sentinel-2-c1-l2a_32TNS_2023-06-01_2023-08-31_median"]
    levels, mask, recipe, place = read(tmp_path)
    measured = np.arange(PX)[place[0]] >= 4
    assert mask[measured].all() and not mask[~measured].any()
    assert np.abs(levels - natural(ground())[place])[measured].max() <= 1
    assert recipe["items"] == ["view2", "view1", "view0"], "the latest first where they are equally clear"
    assert recipe["left_out"] == {"view3": "the server answers 404: it is not there"}


def test_landsat_and_its_own_scale_and_clouds(tmp_path):
    with serving() as server:
        catalogue = Imagery(server, tmp_path / "published", "landsat-c2-l2")
        qa = np.full((PX // 3, PX // 3), 21824, np.uint16)  # clear ground, as Landsat 8 codes it
        qa[10:20, 10:30] = 22280  # cloud of high confidence
        assets = {"qa_pixel": {"href": catalogue.file("qa", qa, 30.0)}}
        reflectance = ground()[:, 1::3, 1::3]
        for name, layer in zip(("red", "green", "blue"), reflectance, strict=False):
            stored = np.round((layer + 0.2) / 2.75e-5).astype(np.uint16)
            band = [{"scale": 2.75e-05, "offset": -0.2, "nodata": 0}]
            assets[name] = {"href": catalogue.file(name, stored, 30.0), "raster:bands": band}
        catalogue.scene("LC08", assets, platform="landsat-8", **{"landsat:wrs_path": "194", "landsat:wrs_row": "28"})
        catalogue.scene("LE07", assets, platform="landsat-7", **{"landsat:wrs_path": "195", "landsat:wrs_row": "28"})
        ledger = fetch(tmp_path, catalogue, product="landsat")
    assert list(ledger.index) == ["LC08"] and ledger.loc["LC08", "licence"] == "public domain (USGS)"
    (path,) = (tmp_path / "data/terrain/raw").glob("*.tif")
    with rasterio.open(path) as raster:
        left, top = round((raster.transform.c - 500_000) / 30), round((5_100_000 - raster.transform.f) / 30)
        place = np.s_[top : top + raster.height, left : left + raster.width]
        mask = raster.dataset_mask() > 0
        assert (mask == (qa == 21824)[place]).all() and not mask.all()
        assert np.abs(np.moveaxis(raster.read(), 0, -1) - natural(reflectance)[place])[mask].max() <= 1


def test_photographs_stay_as_they_are_and_only_the_area_is_read(tmp_path):
    with serving() as server:
        catalogue = Imagery(server, tmp_path / "published", "naip")
        photo = np.random.default_rng(5).integers(1, 255, (4, 1200, 1200), np.uint8)
        href = catalogue.file("photo", photo, 1.6, blocksize=256)
        catalogue.scene("nm_m_3510621_nw_13", {"image": {"href": href}}, datetime="2023-07-01T00:00:00Z")
        catalogue.items[0]["properties"].pop("eo:cloud_cover")
        small = [BOX[0], BOX[3] - 0.001, BOX[0] + 0.001, BOX[3]]
        ledger = fetch(tmp_path, catalogue, product="naip", look="infrared", area=small)
        spans = [seen[3]["Range"].removeprefix("bytes=") for seen in server.seen if seen[2].startswith("/files/")]
    assert ledger.loc["nm_m_3510621_nw_13", "licence"] == "public domain (USDA)"
    got = sum(int(span.split("-")[1]) - int(span.split("-")[0]) + 1 for span in spans)
    assert got < 0.5 * (tmp_path / "published/photo.tif").stat().st_size
    (path,) = (tmp_path / "data/terrain/raw").glob("*.tif")
    with rasterio.open(path) as raster:
        left, top = round((raster.transform.c - 500_000) / 1.6), round((5_100_000 - raster.transform.f) / 1.6)
        part = photo[:, top : top + raster.height, left : left + raster.width]
        assert (raster.read() == part[[3, 0, 1]]).all() and json.loads(raster.tags()["RECIPE"])["stretch"] is None


def test_a_stretch_from_the_regions_own_pixels_is_recorded(tmp_path, catalogue):
    catalogue.sentinel("one", ground())
    fetch(tmp_path, catalogue, stretch={"kind": "region", "percentiles": [0, 100]})
    levels, mask, recipe, place = read(tmp_path)
    shown = ground()[:3, *place][:, mask]
    assert np.allclose(recipe["stretch"]["low"], shown.min(axis=1), atol=2e-4)
    assert np.allclose(recipe["stretch"]["high"], shown.max(axis=1), atol=2e-4)
    assert levels[mask].min() == 0 and levels[mask].max() == 255


def test_scenes_that_are_not_there_or_not_clear_or_not_free(tmp_path, catalogue):
    catalogue.sentinel("dim", ground(), CLOUD, **{"eo:cloud_cover": 50.0})
    with pytest.raises(LandloomError, match=r"no scene in the area in 2023.*at most 20 % of cloud, and 1 with any"):
        fetch(tmp_path, catalogue)
    with pytest.raises(LandloomError, match="648 searches"):
        fetch(tmp_path, catalogue, area=None)
    with pytest.raises(LandloomError, match="only 0 % of it is clear, less than min_clear"):
        fetch(tmp_path, catalogue, max_cloud=60.0)
    assets = catalogue.items[0]["assets"]
    assets["red"] = {"href": "s3://paid/red.tif", "storage:requester_pays": True}
    with pytest.raises(LandloomError, match="whose reader pays"):
        fetch(tmp_path, catalogue, max_cloud=60.0)
    assets["red"] = {**assets["scl"], "raster:bands": [{"scale": 0.0001, "offset": -0.1}]}
    with pytest.raises(LandloomError, match="different grids"):
        fetch(tmp_path, catalogue, max_cloud=60.0)


def test_odd_items_are_refused_and_the_others_go_on(tmp_path, catalogue):
    catalogue.sentinel("good", ground())
    odd = {
        "assets": ["red"],
        "links": ["self", {}],
        "properties": {"datetime": "2023-07-02T00:00:00Z", "eo:cloud_cover": 1},
    }
    catalogue.items.append({**catalogue.items[0], "id": "odd", **odd})
    catalogue.items.append({**catalogue.items[0], "id": "../up", "properties": {**odd["properties"], "grid:code": 7}})
    ledger = fetch(tmp_path, catalogue)
    assert ledger["refused"].isna().to_dict() == {"../up": False, "good": True, "odd": False}
    assert "has no asset red or B04; it has none" in ledger.loc["odd", "refused"]


def test_a_busy_server_is_waited_for_while_gdal_reads(tmp_path, catalogue):
    catalogue.sentinel("one", ground())
    honest = catalogue.server.routes["/files/one_red.tif"]
    busy = lambda handler: handler.answer(429, b"", Retry_After="1")  # noqa: E731
    catalogue.server.routes["/files/one_red.tif"] = in_turn(busy, honest)
    assert fetch(tmp_path, catalogue)["refused"].isna().all()


def test_parts_of_signed_files(tmp_path, catalogue, monkeypatch):
    catalogue.sentinel("one", ground())
    azure = Azure(catalogue, monkeypatch)
    guarded = catalogue.server.routes["/files/one_blue.tif"]

    def expire_then(handler):
        azure.valid = "expired early" if azure.given == 1 else azure.valid
        guarded(handler)

    catalogue.server.routes["/files/one_blue.tif"] = expire_then
    assert fetch(tmp_path, catalogue, sign="planetary-computer")["refused"].isna().all() and azure.given == 2
    assert not any(b"secret" in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    azure.valid = "nothing"
    with pytest.raises(LandloomError, match="answers 403"):
        fetch(tmp_path / "unsigned", catalogue)


def test_a_real_photograph_in_both_looks(tmp_path, realdata):
    published = tmp_path / "published/photo.tif"
    published.parent.mkdir()
    rasterio.shutil.copy(realdata / "imagery/naip_nd_20180716.tif", published, driver="COG")
    with rasterio.open(published) as raster:
        photo, box = raster.read(), transform_bounds(raster.crs, "EPSG:4326", *raster.bounds)
    with serving() as server:
        catalogue = Imagery(server, published.parent, "naip")
        server.routes["/files/photo.tif"] = file_route(published.read_bytes())
        assets = {"image": {"href": f"{server.url}/files/photo.tif"}}
        catalogue.scene("nd_m_4709936_ne_14", assets, datetime="2023-07-16T00:00:00Z")["bbox"] = list(box)
        for look, bands in {"natural": [0, 1, 2], "infrared": [3, 0, 1]}.items():
            fetch(tmp_path / look, catalogue, product="naip", look=look, area=list(box))
            (path,) = (tmp_path / look / "data/terrain/raw").glob("*.tif")
            with rasterio.open(path) as raster:
                assert (raster.read() == photo[bands]).all()


BAND = {"raster:bands": [{"scale": 0.0001, "offset": -0.1}]}


@pytest.mark.parametrize(
    ("product", "facts", "asset", "expected"),
    [
        ("sentinel-2", {}, BAND, (0.0001, -0.1)),
        ("sentinel-2", {"earthsearch:boa_offset_applied": True}, BAND, (0.0001, 0.0)),
        ("sentinel-2", {"earthsearch:boa_offset_applied": False}, BAND, (0.0001, -0.1)),
        ("sentinel-2", {}, {"bands": [{"raster:scale": 0.0001, "raster:offset": 0}]}, (0.0001, 0.0)),
        ("sentinel-2", {}, {"raster:scale": 0.0001, "raster:offset": -0.1}, (0.0001, -0.1)),
        ("sentinel-2", {"s2:processing_baseline": "04.00"}, {}, (0.0001, -0.1)),
        ("sentinel-2", {"s2:processing_baseline": "02.14"}, {}, (0.0001, 0.0)),
        ("sentinel-2", {"processing:version": "05.11"}, {}, (0.0001, -0.1)),
        ("landsat", {}, {}, (2.75e-05, -0.2)),
        ("landsat", {}, {"raster:bands": [{"scale": 2.75e-05, "offset": -0.2}]}, (2.75e-05, -0.2)),
    ],
)
def test_scale_and_offset(product, facts, asset, expected):
    assert PRODUCTS[product].calibration({"properties": facts}, asset) == expected


def test_an_offset_that_nothing_states_is_never_guessed():
    with pytest.raises(Refusal, match="nothing says whether its numbers have the offset"):
        PRODUCTS["sentinel-2"].calibration({"properties": {}}, {})


def test_classes_of_clouds():
    assert PRODUCTS["sentinel-2"].clear(np.arange(12)).nonzero()[0].tolist() == [2, 4, 5, 6, 7, 11]
    codes = {1: False, 21824: True, 21952: True, 22280: False, 23888: False, 54596: False, 30048: True}
    assert PRODUCTS["landsat"].clear(np.array(list(codes), np.uint16)).tolist() == list(codes.values())


def test_the_median_leaves_out_what_is_not_known():
    stack = np.random.default_rng(3).random((5, 6, 7)).astype(np.float32)
    stack[np.random.default_rng(4).random(stack.shape) < 0.5] = np.nan
    stack[:, 0, 0], stack[:, 0, 1] = np.nan, 0.25
    with np.errstate(all="ignore"):
        expected = np.nanmedian(stack[:, 0, 1:], axis=0)
    assert np.isnan(median(stack)[0, 0]) and np.array_equal(median(stack)[0, 1:], expected, equal_nan=True)


def test_a_time_that_runs_backwards():
    with pytest.raises(ValueError, match="first day comes after the last"):
        Params(kind="stac_imagery", time="2023-08-31/2023-06-01")

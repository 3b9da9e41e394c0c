"""Unit, scale and offset that a STAC catalogue states of heights: honoured, or the raster is refused by name."""

from __future__ import annotations

import numpy as np
import pytest
import rasterio

from tasks.formats.heights.metres import scale_and_offset
from tests.acquire.catalogue import PX, fetch
from tests.acquire.rasters import hills, write
from tests.acquire.server import file_route

FEET = 0.3048
GROUND = hills(PX, PX, low=5.0, high=800.0)


def heights_of(root, cell):
    """Heights in metres as `project` reads them."""
    with rasterio.open(root / f"data/terrain/raw/DEM_{cell}.tif") as dataset:
        scale, offset = scale_and_offset(dataset)
        return dataset.read(1) * scale + offset


@pytest.mark.parametrize(
    "stored, said",
    [
        (GROUND / FEET, {"raster:bands": [{"unit": "foot"}]}),
        (GROUND * 10.0 + 500, {"raster:bands": [{"unit": "m", "scale": 0.1, "offset": -50}]}),
        (GROUND * 100.0, {"bands": [{"unit": "cm", "name": "height"}]}),
        (GROUND * 4.0, {"bands": [{"raster:scale": 0.25}]}),
    ],
    ids=["feet", "scale and offset", "bands of STAC 1.1", "prefix of STAC 1.1"],
)
@pytest.mark.parametrize("place", ["item", "collection"])
def test_unit_and_scale_that_the_catalogue_alone_states_are_honoured(stored, said, place, tmp_path, catalogue):
    asset = catalogue.add("N46E008", stored.astype(np.float32))["assets"]["data"]
    if place == "item":
        asset.update(said)
    else:
        catalogue.item_assets = {"data": {**said, "title": "heights", "href": "https://example.org/no"}}
    assert fetch(tmp_path, catalogue, ["N46E008"])["refused"].isna().all()
    assert np.abs(heights_of(tmp_path, "N46E008") - GROUND).max() < 1e-3


@pytest.mark.parametrize(
    "item, collection, step",
    [
        ({"bands": [{"unit": "m"}]}, {"raster:bands": [{"unit": "foot"}]}, 1.0),
        ({"raster:bands": [{"unit": "m"}]}, {"bands": [{"unit": "foot"}]}, 1.0),
        ({"bands": [{"raster:scale": 0.25}]}, {"raster:bands": [{"scale": 0.1, "unit": "m"}]}, 0.25),
        ({"raster:scale": 0.25}, {"raster:bands": [{"scale": 0.1, "unit": "m"}]}, 0.25),
        ({"bands": [{"name": "height"}]}, {"raster:bands": [{"unit": "foot"}]}, FEET),
    ],
    ids=["1.1 against 1.0", "1.0 against 1.1", "scale", "of the asset as a whole", "what the item does not state"],
)
def test_an_item_wins_over_its_collection_whichever_way_each_writes_its_bands(
    item, collection, step, tmp_path, catalogue
):
    catalogue.add("N46E008", (GROUND / step).astype(np.float32))["assets"]["data"].update(item)
    catalogue.item_assets = {"data": collection}
    assert fetch(tmp_path, catalogue, ["N46E008"])["refused"].isna().all()
    assert np.abs(heights_of(tmp_path, "N46E008") - GROUND).max() < 1e-3


@pytest.mark.parametrize(
    "said, reason",
    [
        ({"unit": "gpm"}, "the unit 'gpm' of its catalogue is not known"),
        ({"unit": "m"}, "what it says of its unit is contradictory"),
        (
            {"unit": "foot", "scale": 0.1},
            "its catalogue says scale 0.1 and offset 0, and the file scale 0.5 and offset 0",
        ),
        ({"scale": 1, "offset": 0}, "its catalogue says scale 1 and offset 0, and the file scale 0.5"),
        ({"unit": "foot", "scale": 0}, "its scale 0 and offset 0 give no heights"),
    ],
)
def test_a_catalogue_that_contradicts_the_file_refuses_the_raster(said, reason, tmp_path, catalogue):
    other = catalogue.add("N46E009")
    item = catalogue.add("N46E008")
    path = catalogue.folder / "DEM_N46E008.tif"
    write(path, GROUND, transform=rasterio.open(path).transform)
    with rasterio.open(path, "r+") as dataset:
        dataset.units, dataset.scales = ("ft",), (0.5,)
    catalogue.server.routes[f"/files/{path.name}"] = file_route(path.read_bytes())
    item["assets"]["data"]["raster:bands"] = [said]
    other["assets"]["data"]["raster:bands"] = [{"unit": "metre", "scale": 1.0, "offset": 0.0}]
    ledger = fetch(tmp_path, catalogue, ["N46E008", "N46E009"])
    assert reason in ledger.loc["DEM_N46E008", "refused"]
    assert not isinstance(ledger.loc["DEM_N46E009", "refused"], str)


def test_a_catalogue_that_says_what_the_file_says_counts_once(tmp_path, catalogue):
    item = catalogue.add("N46E008")
    path = catalogue.folder / "DEM_N46E008.tif"
    write(path, (GROUND / FEET * 2).astype(np.float32), transform=rasterio.open(path).transform)
    with rasterio.open(path, "r+") as dataset:
        dataset.units, dataset.scales = ("ft",), (0.5,)
    catalogue.server.routes[f"/files/{path.name}"] = file_route(path.read_bytes())
    item["assets"]["data"]["raster:bands"] = [{"unit": "foot", "scale": 0.5, "offset": 0}]
    fetch(tmp_path, catalogue, ["N46E008"])
    assert np.abs(heights_of(tmp_path, "N46E008") - GROUND).max() < 1e-3

"""The folder of real rasters: each raster is taken, or refused for the right reason. Skipped without the folder.

The folder grows. Assertions about single files name the files. Assertions about all files must hold for any raster:
each is in the ledger, and a raster taken as heights has heights.
"""

from __future__ import annotations

import numpy as np
import rasterio

from tasks.acquire.common.sidecars import SIDECARS
from tests.acquire.stage import acquire, params

NO_CRS = "no CRS"
REFUSED = {
    "gmt_BEDMAP_elevation.nc": [NO_CRS],
    "gmt_HawaiiTopoBathy_5m.nc": [NO_CRS],
    "gmt_Iceland_2m.nc": [NO_CRS],
    "gmt_colorado_30s.nc": [NO_CRS],
    "hugo_site_filled.asc": [NO_CRS, "2028 pixels hold -9999", "no void code is declared"],
    "srtmgl3_colorado.asc": [NO_CRS],
    "tidal_zSW3.asc": [NO_CRS],
    "us_25m.dem": [NO_CRS, "56198 pixels hold -999", "-9999 and never occurs"],
    "whitebox_DEM_localcs.tif": ["LOCAL_CS"],
}
KNOWN = {
    "gmt_BED*": {"crs": "EPSG:3031"},
    "gmt_[HIc]*": {"crs": "EPSG:4326"},
    "hugo*": {"crs": "EPSG:26913", "nodata": -9999.0},
    "srtmgl3*": {"crs": "EPSG:4326"},
    "us_25m.dem": {"crs": "EPSG:4326", "nodata": -999.0},
    "tidal*": {"crs": "EPSG:26910"},
    "whitebox*": {"crs": "EPSG:32618"},
}
TAKEN = {
    "Mandakini.bil",
    "N00E010.hgt",
    "N49E011.hgt.zip",
    "SainteHelens_usgs.dem",
    "gmt_Kilauea_utm.nc",
    "linz_maungawhau_2m_DERIVED.tif",
    "pysheds_texas.tif",
    "rmnp-dem.tif",
    "srtm3_N49W124.tif",
}
"""One file of each format, grid and kind of void code."""


def check_heights(root, ledger) -> None:
    """Heights in the ledger are between the deepest trench and the highest peak, so no void code is left."""
    for key, row in ledger[ledger["refused"].isna()].iterrows():
        with rasterio.open(root / "data/terrain/raw" / row["path"]) as dataset:
            height = dataset.read(1)
        void = np.zeros(height.shape, bool) if np.isnan(row["nodata"]) else height == row["nodata"]
        known = height[np.isfinite(height) & ~void]
        assert known.size and known.min() > -11_000 and known.max() < 8_900, key


def test_every_raster_is_accounted_for(tmp_path, realdata):
    folder = realdata / "dem"
    ledger = acquire(tmp_path, params("files", paths=[str(folder)]))
    refused = dict(ledger["refused"].dropna())
    for key, reasons in REFUSED.items():
        assert all(reason in refused[key] for reason in reasons), refused[key]
    assert not TAKEN & set(refused)
    assert set(ledger.index) == {path.name for path in folder.iterdir() if not path.name.endswith(SIDECARS)}
    assert (tmp_path / "data/terrain/raw/Mandakini.hdr").exists()
    check_heights(tmp_path, ledger)


def test_what_a_person_knows_lets_them_through(tmp_path, realdata):
    paths = [str(realdata / "dem" / name) for name in REFUSED]
    ledger = acquire(tmp_path, params("files", paths=paths, overrides=KNOWN))
    assert ledger["refused"].isna().all()
    assert ledger.loc["us_25m.dem", "nodata"] == -999
    hawaii = ledger.loc["gmt_HawaiiTopoBathy_5m.nc"]
    assert hawaii["west"] > 159 and hawaii["east"] < -139
    assert ledger.loc["gmt_BEDMAP_elevation.nc", "south"] == -90
    check_heights(tmp_path, ledger)


def test_half_an_override_is_not_enough(tmp_path, realdata):
    both = [str(realdata / "dem" / name) for name in ("us_25m.dem", "pysheds_texas.tif")]
    ledger = acquire(tmp_path, params("files", paths=both, overrides={"us*": {"crs": "EPSG:4326"}}))
    assert ledger.loc["us_25m.dem", "refused"].startswith("56198 pixels hold -999")


def test_pictures_photographs_and_tables_are_no_heights(tmp_path, realdata):
    folders = [str(realdata / name) for name in ("imagery", "photos", "maps", "vector", "global")]
    ledger = acquire(tmp_path, params("files", paths=folders))
    taken = set(ledger.index[ledger["refused"].isna()])
    assert taken >= {"ETOPO1_1deg.tif", "etopo20_metres_epsg4326_DERIVED.tif"}
    assert not [key for key in taken if key.lower().endswith((".jpg", ".jpeg", ".png", ".csv", ".geojson"))]
    check_heights(tmp_path, ledger)

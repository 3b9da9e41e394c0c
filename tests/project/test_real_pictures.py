"""Real imagery, maps and photographs from files to shards: each is taken, or refused by name with its reason.

A few files stand for the folders here; `python -m tests.benchmarks pictures` takes all of them.
"""

from __future__ import annotations

import numpy as np
import pytest

from tasks.formats.colors.read import read_srgb
from tasks.formats.shards.shardset import ShardSet
from tasks.formats.tables.scenes import read_scenes
from tasks.formats.tables.sources import read_sources
from tests.through import carry

TAKEN = (
    "imagery/RGB.byte.tif",
    "imagery/rmnp-red.tif",
    "imagery/aerial_DERIVED/neon_soap_031.jpg",
    "maps/gutenberg/hobbs_earth_001.jpg",
    "maps/gutenberg/natparks_009.jpg",
    "photos/distros_DERIVED/lomiri_sunset.jpg",
    "photos/gutenberg_DERIVED/canalps_012.jpg",
)
REFUSED = {
    "imagery/naip_nd_20090818.tif": "nothing says which are red, green and blue",
    "imagery/aerial_DERIVED.csv": "no picture that can be read",
}
SMALL = {"px": 64, "stride": 256, "quota": 400}


def test_pictures_reach_the_shards_or_are_refused_by_name(tmp_path, realdata):
    there = [name for name in TAKEN if (realdata / name).exists()]
    assert len(there) >= 6
    data = carry(
        tmp_path, [realdata / name for name in (*there, *REFUSED)],
        project={"method": "none", "scene_px": 1024}, select=SMALL, shard={"px": 64, "encoding": "png16"},
    )  # fmt: skip
    sources = read_sources(data / "sources.parquet").set_index("key")
    for name, reason in REFUSED.items():
        assert reason in sources.loc[name.rsplit("/", 1)[1], "refused"]
    taken = sources.drop([name.rsplit("/", 1)[1] for name in REFUSED])
    assert taken["refused"].isna().all() and len(taken) == len(there)
    shards = ShardSet(data / "shards", threads=1)
    scenes = read_scenes(data / "scenes.parquet")
    arrived = {key for keys in scenes.loc[shards.index["scene"].unique(), "sources"] for key in keys}
    assert arrived == set(taken.index)
    assert shards.batch(np.arange(4))["color"].std() > 5


def test_imagery_keeps_its_colours_on_the_ground(tmp_path, realdata):
    data = carry(
        tmp_path, [realdata / "imagery/naip_nd_20180716.tif"], {"*": {"bands": [1, 2, 3]}},
        project={"gsd": 10, "scene_px": 512}, select={"px": 64, "stride": 64, "quota": 50, "block_km": 1.0},
        shard={"px": 64, "encoding": "webp", "color_quality": 95},
    )  # fmt: skip
    tiles = ShardSet(data / "shards", threads=1)
    mean = tiles.batch(np.arange(len(tiles)))["color"].reshape(-1, 3).mean(axis=0)
    rgb, valid = read_srgb(data / "raw/naip_nd_20180716.tif")
    assert valid.all() and np.abs(mean - rgb.reshape(-1, 3).mean(axis=0)).max() < 4


@pytest.mark.parametrize("name", ["maps/os_1920_canewdon_essex.png", "photos/budgie_lake-sherburne.jpg"])
def test_a_reduced_picture_shows_the_same(realdata, name):
    rgb, _ = read_srgb(realdata / name, largest=600)
    assert min(rgb.shape[:2]) >= 270 and rgb.std() > 20

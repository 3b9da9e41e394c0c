"""The whole stage: complete reasons, the same bytes on every engine, photographs, and errors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.formats.tables.scenes import SceneReader, read_scenes
from tasks.formats.tables.tiles import IDENTITY, VERDICT, kept, read_heights, read_tiles
from tasks.select.columns import STATISTICS
from tasks.select.run import run
from tests.select.small import PARAMS, add_heights, add_photograph, fractal, stage, write_table


@pytest.fixture(scope="module")
def terrain(tmp_path_factory):
    """Mountains with voids, a plain, hills that two sources both have, and a sea; 8 km a side each."""
    root = tmp_path_factory.mktemp("select")
    folder = root / "data" / "terrain"
    mountains = fractal((160, 160), 2500, 1)
    mountains[40:44, 50:60] = np.nan
    hills = fractal((160, 160), 250, 2)
    coast = fractal((160, 160), 300, 4) - 150
    scenes = [
        add_heights(folder, "mountains", mountains, 46.0, 11.0),
        add_heights(folder, "plain", fractal((160, 160), 12, 3) + 40, 45.0, 10.0, region="N40E000"),
        add_heights(folder, "hills", hills, 48.0, 12.0),
        add_heights(folder, "hills_again", hills + np.float32(0.2), 48.0, 12.0),
        add_heights(folder, "coast", np.maximum(coast, 0), 44.0, 12.0),
    ]
    write_table(folder, scenes)
    return root


@pytest.fixture(scope="module")
def chosen(terrain):
    """The stage after its run on the scenes, and its table."""
    one = stage(terrain, rules=[*PARAMS["rules"], {"column": "sea_share", "max": 0.9}])
    run(one)
    return one, read_tiles(one.dir / "tiles.parquet")


def test_every_tile_is_accounted_for(chosen):
    one, tiles = chosen
    assert list(tiles.columns) == [*IDENTITY, *STATISTICS, "phash", "duplicate_of", *VERDICT, "geometry"]
    assert len(tiles) == 5 * 81 and tiles["key"].is_unique and tiles["key"].is_monotonic_increasing
    assert tiles["keep"].dtype == bool
    assert (tiles["reason"].isna() == tiles["keep"]).all() and (tiles["split"].notna() == tiles["keep"]).all()
    assert tiles["geometry"].is_valid.all() and tiles["block"].notna().all()
    metrics = one.figures
    dropped = sum(count for name, count in metrics.items() if name.startswith("dropped/"))
    assert metrics["tiles"] == len(tiles) == metrics["kept"] + dropped
    assert metrics["kept"] == metrics["train"] + metrics["val"] == PARAMS["quota"]
    json.dumps(metrics, allow_nan=False)


def test_what_is_dropped_and_why(chosen):
    _, tiles = chosen
    by_scene = tiles.groupby("scene")["reason"].agg(lambda reasons: set(reasons.dropna()))
    assert "void_share > 0" in by_scene["mountains"]
    assert by_scene["hills_again"] == {"near-duplicate"}, "the first in key order stays"
    again = tiles[tiles["reason"] == "near-duplicate"]
    expected = again["key"].str.replace("hills_again", "hills")
    assert (again["duplicate_of"] == expected)[again["scene"] == "hills_again"].all()
    assert again["duplicate_of"].isin(tiles["key"]).all() and tiles["duplicate_of"].notna().sum() == len(again)
    assert "relief < 2" in by_scene["coast"]
    plain = tiles[(tiles["scene"] == "plain") & ~tiles["reason"].isin(["straddles the split"])]
    assert plain["keep"].mean() > 0.3, "plains are chosen as mountains are"


def test_a_kept_tile_reads_back_as_it_was_measured(chosen):
    one, tiles = chosen
    chosen_tiles = kept(tiles)
    with SceneReader(one.dir, read_scenes(one.dir / "scenes.parquet")) as reader:
        for (key, heights), tile in zip(read_heights(reader, chosen_tiles, 32), chosen_tiles.itertuples(), strict=True):
            assert key == tile.key and heights.shape == (32, 32)
            assert np.ptp(heights) == pytest.approx(tile.relief, abs=1e-3) and not np.isnan(heights).any()


def test_the_same_bytes_on_every_engine_and_again(terrain, chosen):
    one, _ = chosen
    before = {name: dvc_md5(one.dir / name) for name in ("tiles.parquet", "pictures/select")}
    again = stage(terrain, "processes", rules=[*PARAMS["rules"], {"column": "sea_share", "max": 0.9}])
    run(again)
    assert {name: dvc_md5(one.dir / name) for name in before} == before
    assert again.figures == one.figures
    pictures = {path.stem for path in (one.dir / "pictures" / "select").iterdir()}
    assert pictures == {"kept", "dropped", "histograms", "map"}


def test_photographs(tmp_path):
    """Without place and heights, a picture is one block. Contrast drops blank tiles, and the hash drops copies."""
    folder, rng = tmp_path / "data" / "terrain", np.random.default_rng(0)
    rows = []
    for number in range(12):
        smooth = [fractal((40, 48), 255, 10 * number + band) for band in range(3)]
        color = np.concatenate([np.array(smooth), np.full((1, 40, 48), 255)]).astype(np.uint8)
        if number == 3:
            color[:3] = 250
        rows.append(add_photograph(folder, f"p{number:02}", color, region=f"folder{number % 2}"))
        if number == 5:
            noisy = np.clip(color[:3] + rng.normal(0, 1, color[:3].shape), 0, 255)
            copy = np.concatenate([noisy, color[3:]]).astype(np.uint8)
            rows.append(add_photograph(folder, "p05copy", copy, region="folder1"))
    write_table(folder, rows)
    one = stage(tmp_path, rules=[{"column": "color_std", "min": 6}], stride=32)
    run(one)
    tiles = read_tiles(one.dir / "tiles.parquet").set_index("scene")
    assert len(tiles) == 13 and tiles[["lat", "lon", "gsd", "relief"]].isna().all(axis=None)
    assert tiles.loc["p03", "reason"] == "color_std < 6"
    assert tiles.loc["p05copy", "reason"] == "near-duplicate"
    assert tiles["block"].tolist() == tiles.index.tolist()
    assert tiles["keep"].sum() == 11 and (tiles["split"] == "val").sum() == pytest.approx(0.25 * 11, abs=1)
    assert not (one.dir / "pictures" / "select" / "map.png").exists()


def test_parts_of_one_picture_stay_on_one_side(tmp_path):
    folder = tmp_path / "data" / "terrain"
    rows = []
    for number in range(10):
        color = np.array([fractal((96, 96), 255, 10 * number + band) for band in range(4)]).astype(np.uint8)
        color[3] = 255
        rows.append(add_photograph(folder, f"p{number}", color, sources=[f"book{number // 2}"]))
    write_table(folder, rows)
    one = stage(tmp_path, rules=[], quota=1000)
    run(one)
    tiles = read_tiles(one.dir / "tiles.parquet")
    assert (tiles[tiles["keep"]].groupby("block")["split"].nunique() == 1).all()
    assert set(tiles["split"].dropna()) == {"train", "val"} and set(tiles["block"]) == {f"book{k}" for k in range(5)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"px": 512, "stride": 512}, "none of 5 scenes is 512 pixels wide"),
        ({"rules": [{"column": "relief", "min": 9000}]}, "none of 405 tiles is kept: 405 for 'relief < 9000'"),
        ({"rules": [{"column": "color_std", "min": 6}]}, "color_std is unknown"),
        ({"block_km": 2.0}, "larger if tiles are larger than a block"),
    ],
)
def test_an_empty_choice_is_an_error_and_writes_nothing(terrain, tmp_path, changes, message):
    (tmp_path / "data").symlink_to(terrain / "data")
    before = dvc_md5(terrain / "data" / "terrain" / "tiles.parquet")
    with pytest.raises(LandloomError, match=message):
        run(stage(tmp_path, **changes))
    assert dvc_md5(terrain / "data" / "terrain" / "tiles.parquet") == before


def test_another_seed_is_another_choice(terrain, chosen):
    _, tiles = chosen
    other = stage(terrain, seed=21, rules=[*PARAMS["rules"], {"column": "sea_share", "max": 0.9}])
    run(other)
    again = read_tiles(other.dir / "tiles.parquet")
    assert (again[list(IDENTITY)] == tiles[list(IDENTITY)]).all(axis=None)
    assert (again["keep"] != tiles["keep"]).any()

"""The shard stage: shards have the scenes' values and the same bytes every time; a failed run writes nothing."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import rasterio
from rasterio.windows import Window

from tasks.core.errors import LandloomError
from tasks.formats.shards.shardset import ShardSet, verify
from tasks.formats.tables.classes import NO_CLASS
from tasks.formats.tables.tiles import shrink
from tasks.shard.tile_pixels import shrink_color, shrink_labels
from tests.shard.small import SIDE, grow, shard


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture
def data(tmp_path) -> Path:
    return tmp_path / "data" / "toy"


def test_shards_hold_what_the_scenes_hold(data):
    shards = ShardSet(shard(grow(data, layers=("height", "color"), classes=3)))
    assert verify(shards.folder) == len(shards) == 127
    rows = np.arange(len(shards))
    tiles = shards.batch(rows)
    for row in shards.index.iloc[::17].itertuples():
        window = Window(row.col, row.row, 32, 32)
        for layer, file in (
            ("height", "scenes/{}.height.tif"),
            ("color", "scenes/{}.color.tif"),
            ("label", "labels/{}.tif"),
        ):
            with rasterio.open(data / file.format(row.scene)) as source:
                pixels = source.read(window=window)
            assert np.array_equal(tiles[layer][row.Index], pixels.transpose(1, 2, 0) if layer == "color" else pixels[0])


def test_the_index_says_all_there_is_to_know(data):
    index = ShardSet(shard(grow(data))).index
    tiles = gpd.read_parquet(data / "tiles.parquet").query("keep").set_index("key")
    captions = pd.read_parquet(data / "captions.parquet").set_index("key")["text"]
    assert sorted(index["key"]) == sorted(tiles.index)
    joined = tiles.loc[index["key"]].reset_index()
    for column in ("split", "scene", "row", "col", "relief", "block", "procedural"):
        assert index[column].tolist() == joined[column].tolist()
    assert index["caption"].tolist() == captions.loc[index["key"]].tolist()
    assert [key for _, rows in index.groupby("split") for key in rows["key"]] == index["key"].tolist()
    assert all(rows["key"].is_monotonic_increasing for _, rows in index.groupby("split"))


@pytest.mark.parametrize("encoding", ["raw", "png16"])
def test_the_same_bytes_whoever_writes_them(data, encoding):
    grow(data, layers=("height", "color"), classes=3)
    first = content(shard(data, encoding=encoding))
    assert content(shard(data, encoding=encoding)) == first
    assert content(shard(data, workers=2, encoding=encoding)) == first


def test_larger_windows_are_averaged_and_the_gsd_says_so(data):
    shards = ShardSet(shard(grow(data, layers=("height", "color"), classes=3, px=64), px=16))
    assert shards.card["gsd"] == 360.0
    row = shards.index.iloc[5]
    window = Window(row.col, row.row, 64, 64)
    tile = shards.batch(np.array([5]))
    with rasterio.open(data / f"scenes/{row.scene}.height.tif") as source:
        assert np.array_equal(tile["height"][0], shrink(source.read(1, window=window), 16))
    with rasterio.open(data / f"scenes/{row.scene}.color.tif") as source:
        assert np.array_equal(tile["color"][0], shrink(source.read(window=window), 16).transpose(1, 2, 0))


def test_photographs_fit(data):
    shards = ShardSet(shard(grow(data, layers=("color",), photographs=True, captions=False)))
    assert shards.batch(np.arange(3))["color"].shape == (3, 32, 32, 3)
    assert shards.card["gsd"] is None and shards.card["heights"] is None
    assert not shards.spec.caption
    assert shards.index["caption"].isna().all()
    assert "no ground sampling distance" in (shards.folder / "card.md").read_text()
    with pytest.raises(LandloomError, match="no height"):
        shards.heights(np.arange(3))


def test_the_card_counts_right(data):
    folder = shard(grow(data, classes=3, relief=1234.0))
    card = json.loads((folder / "card.json").read_text())
    shards = ShardSet(folder)
    train = shards.heights(shards.rows("train")).astype(np.float64)
    relief = np.ptp(train, axis=(1, 2))
    assert card["counts"] == {"train": 95, "val": 32} and card["px"] == 32 and card["gsd"] == 90.0
    heights = card["heights"]
    assert (heights["min"], heights["max"]) == (train.min(), train.max())
    assert heights["mean"] == pytest.approx(train.mean(), abs=1e-5)
    assert heights["std"] == pytest.approx(train.std(), abs=1e-5)
    assert heights["relief"]["p50"] == pytest.approx(np.median(relief), abs=1e-5)
    assert card["splits"] == {"blocks": {"train": 2, "val": 2}, "regions": {"train": 1, "val": 1}, "shared_blocks": 0}
    assert card["procedural_share"] == pytest.approx(64 / 127, abs=1e-6)
    assert card["bytes"]["shards"] == sum(path.stat().st_size for path in folder.glob("*.tfrecord"))
    assert sum(row["share"] for row in card["classes"]) == pytest.approx(1, abs=1e-5)
    assert [(row["licence"], row["attribution"], row["tiles"]) for row in card["sources"]] == [
        ("Licence 0", "© Owner 0", 63),
        ("Licence 1", "© Owner 1", 64),  # without the third raster, which was acquired but has no scene
    ]
    page = (folder / "card.md").read_text()
    for words in ("95 to train on, 32 held out", "50.4% of the tiles are procedural", "© Owner 1", "Terrain 0, ridges"):
        assert words in page
    assert "raster2" not in page


def test_the_numpy_lines_of_the_card_are_true(data, monkeypatch):
    folder = shard(grow(data, layers=("height", "color")))
    blocks = (folder / "card.md").read_text().split("```python\n")
    code = next(block.split("```")[0] for block in blocks if block.startswith("import numpy"))
    monkeypatch.chdir(folder)
    names: dict = {}
    exec(code, names)
    shards = ShardSet(folder)
    assert np.array_equal(names["tiles"], shards.heights(shards.rows("train")[: len(names["tiles"])]))


def test_voids_are_kept_and_counted(data):
    grow(data)
    with rasterio.open(data / "scenes/scene0.height.tif", "r+", IGNORE_COG_LAYOUT_BREAK="YES") as target:
        heights = target.read(1)
        heights[:16, :32] = np.nan
        target.write(heights, 1)
    for encoding in ("raw", "png16"):
        shards = ShardSet(shard(data, encoding=encoding))
        assert np.isnan(shards.heights(np.array([0])))[0].mean() == 0.5
        assert shards.card["heights"]["void_share"] == pytest.approx(16 * 32 / (95 * 32 * 32), abs=1e-6)


def test_colour_is_black_where_any_of_it_is_void():
    rgba = np.full((4, 4, 4), 200, np.uint8)
    rgba[3, 0, 0] = 0
    assert shrink_color(rgba, 2).tolist() == [[[0] * 3, [200] * 3], [[200] * 3, [200] * 3]]


def test_labels_shrink_to_the_most_frequent_class():
    labels = np.array([[1, 1, 2, 3], [2, 1, 3, 2], [255, 255, 255, 0], [255, 4, 0, 255]], np.uint8)
    assert shrink_labels(labels, 2).tolist() == [[1, 2], [NO_CLASS, 0]]
    assert shrink_labels(labels, 4) is labels


def cut_tiles(data: Path, change) -> None:
    tiles = gpd.read_parquet(data / "tiles.parquet")
    change(tiles)
    tiles.to_parquet(data / "tiles.parquet")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda tiles: tiles.__setitem__("keep", False), "no tile was kept"),
        (lambda tiles: tiles.loc.__setitem__((5, "split"), None), r"kept tile scene0/00000_00160 is in no split"),
        (lambda tiles: tiles.loc.__setitem__((5, "px"), 33), r"shard.px: 32 does not divide the 33 px of tile"),
        (lambda tiles: tiles.loc.__setitem__((5, "col"), SIDE - 9), r"its window leaves the height of scene scene0"),
    ],
)
def test_a_tile_table_that_cannot_be_stored_is_refused(data, change, reason):
    grow(data)
    cut_tiles(data, change)
    with pytest.raises(LandloomError, match=reason):
        shard(data)
    assert [path.name for path in data.iterdir() if "shards" in path.name] == []


def test_scenes_of_two_kinds_are_refused(data):
    grow(data)
    scenes = gpd.read_parquet(data / "scenes.parquet")
    scenes.loc[1, "color"] = "scenes/scene1.color.tif"
    scenes.to_parquet(data / "scenes.parquet")
    with pytest.raises(LandloomError, match="scene scene0 has no color layer, scene scene1 has one"):
        shard(data)


@pytest.mark.parametrize("name", ["scenes/scene1.height.tif", "labels/scene1.tif"])
def test_a_broken_raster_is_named_and_the_old_shards_stay(data, name):
    grow(data, classes=2)
    before = content(shard(data))
    (data / name).write_bytes((data / name).read_bytes()[:900])
    with pytest.raises(LandloomError, match="scene1"):
        shard(data)
    assert content(data / "shards") == before
    assert [path.name for path in data.iterdir() if "part" in path.name] == []


FULL = """
import sys
from pathlib import Path
from tests.shard.small import shard
from tasks.core.errors import LandloomError
try:
    shard(Path(sys.argv[1]), workers=int(sys.argv[2]), encoding=sys.argv[3])
except LandloomError as error:
    sys.exit(f"one error: {error}")
"""


@pytest.mark.parametrize(("workers", "encoding"), [(1, "raw"), (2, "raw"), (1, "png16")])
def test_a_write_that_fails_leaves_nothing(data, workers, encoding):
    """Limit files to 50 kB, which fails in the same place and way as a full disk."""
    grow(data)
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))  # noqa: E731
    arguments = [sys.executable, "-c", FULL, str(data), str(workers), encoding]
    done = subprocess.run(arguments, capture_output=True, text=True, preexec_fn=limit)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.strip().startswith(f"one error: {data}: the shards cannot be written: File too large")
    assert [path.name for path in data.iterdir() if "shards" in path.name] == []


def test_a_full_disk(data, tmp_path):
    """A file system with 100 kB of free space, where the kernel allows the mount."""
    grow(data)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = (
        f"mount -t tmpfs -o size=2m tmpfs {disk} && mkdir -p {disk}/data && cp -r {data} {disk}/data/toy && "
        f"(dd if=/dev/zero of={disk}/ballast bs=1k 2>/dev/null; truncate -s -100k {disk}/ballast; "
        f"{sys.executable} -c '{FULL}' {disk}/data/toy 1 $0; status=$?; ls -A {disk}/data/toy; exit $status)"
    )
    for encoding, reason in (("png16", "cannot be written: No space left on device"), ("raw", "GB are free")):
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", script, encoding], capture_output=True, text=True, env=os.environ
        )
        if "unshare" in done.stderr or "mount" in done.stderr:
            pytest.skip("this kernel mounts no file systems for us")
        assert done.returncode == 1 and done.stderr.startswith("one error: ") and reason in done.stderr
        assert "shards" not in done.stdout

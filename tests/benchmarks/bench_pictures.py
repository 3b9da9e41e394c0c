"""Pictures from files to shards: every file of a folder is taken or refused, and what their tiles of 512² take.

The files are those of `../shared/realdata/{imagery,maps,photos}`. Without that folder the benchmark draws pictures.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from tasks.formats.shards.example import parse
from tasks.formats.shards.loader import Loader
from tasks.formats.shards.shardset import ShardSet
from tasks.formats.shards.tfrecord import unframe
from tasks.formats.tables.scenes import read_scenes
from tasks.formats.tables.sources import read_sources
from tasks.formats.tables.tiles import read_tiles
from tests.conftest import REALDATA
from tests.shard.small import terrain
from tests.through import carry

FOLDERS = ("imagery", "maps", "photos")
OVERRIDES = {"imagery": {"naip_nd_*": {"bands": [1, 2, 3]}, "landsat_*": {"bands": [1, 2, 3]}}}
"""Bands of pictures that name none: red, green and blue of NAIP, and the short-wave infrared composite of Landsat."""
GROUND = {
    "project": {"gsd": 5, "scene_px": 1024},
    "select": {"px": 128, "stride": 128, "quota": 100_000, "block_km": 1.5},
    "shard": {"px": 128, "encoding": "png16"},
}
"""Imagery with a place on Earth, at the 5 m of NAIP; coarser files are refused by name."""
PX, SMALL_PX = 512, 256
ROUNDS = 5
TOY = {"FOLDERS": ("drawn",), "ROUNDS": 1, "PX": 128, "SMALL_PX": 64}


def run() -> list[tuple[str, str, str]]:
    """Rows (what, measured, bar)."""
    rows, sets = [], []
    with tempfile.TemporaryDirectory() as name, redirect_stdout(sys.stderr):
        for folder in FOLDERS if REALDATA.is_dir() or TOY["FOLDERS"] == FOLDERS else TOY["FOLDERS"]:
            root = Path(name) / folder
            data = carry(root, [_files(folder, root)], OVERRIDES.get(folder), **_blocks(SMALL_PX, "png16"))
            rows.append((f"{folder}: files to shards, method none, tiles of {SMALL_PX}²", _accounted(data), "all"))
            sets.append(data)
            if folder == "imagery":
                data = carry(root / "ground", [_files(folder, root)], OVERRIDES[folder], **GROUND)
                rows.append(("imagery: files to shards on the ground, 5 m, tiles of 128²", _accounted(data), "all"))
        for encoding in ("png16", "webp"):
            rows += _shards(sets, encoding)
    return rows


def _files(folder: str, root: Path) -> Path:
    """The folder of real files, or one of drawn pictures."""
    if (REALDATA / folder).is_dir():
        return REALDATA / folder
    made = root / "drawn"
    made.mkdir(parents=True)
    rng = np.random.default_rng(1)
    for number in range(4):
        picture = np.stack([terrain(rng, 255.0, 2 * PX) for _ in range(3)], axis=-1)
        Image.fromarray(picture.astype(np.uint8)).save(made / f"{number}.jpg", quality=92)
    return made


def _blocks(px: int, encoding: str) -> dict[str, dict[str, object]]:
    return {
        "project": {"method": "none", "scene_px": 1024},
        "select": {"px": px, "stride": px, "quota": 100_000},
        "shard": {"px": px, "encoding": encoding},
    }


def _accounted(data: Path) -> str:
    """What became of the files; a file without a tile is none of the others."""
    sources, scenes, tiles = (
        read(data / f"{name}.parquet")
        for read, name in ((read_sources, "sources"), (read_scenes, "scenes"), (read_tiles, "tiles"))
    )
    taken = sources[sources["refused"].isna()]
    cut = scenes.loc[tiles["scene"].unique(), "sources"]
    without = set(taken["key"]) - {key for keys in cut for key in keys}
    refused = f"{len(sources) - len(taken)} refused by name"
    kept = f"{int(tiles['keep'].sum()):,} of {len(tiles):,} tiles kept"
    return f"{len(sources)} files: {len(taken)} taken, {refused}, {len(without)} without a tile; {kept}"


def _shards(sets: list[Path], encoding: str) -> list[tuple[str, str, str]]:
    """Size and speed of tiles of 512² of all sets together."""
    made = []
    for data in sets:
        carry(data.parent.parent, [], stages=("select", "shard"), **_blocks(PX, encoding))
        made.append(ShardSet(data / "shards", threads=1))
    tiles = sum(len(shards) for shards in made)
    stored = sum(shards.card["bytes"]["shards"] for shards in made)
    payload = sum(shards.card["bytes"]["payload"] for shards in made)
    pyramid = sum(3 * 4**level for level in range(2, PX.bit_length()))  # 4², 8² … of raw RGB, before any header
    alone, ours = (np.array(times) for times in zip(*(_times(made) for _ in range(ROUNDS)), strict=True))
    arithmetic = f"3 × (4² + … + {PX}²) = {pyramid:,} bytes a tile against {stored / tiles:,.0f}"
    speed = f"{np.median(alone / ours):.2f}× ({tiles / np.median(ours):,.0f} tiles a second of one processor)"
    what = f"RGB tiles of {PX}² as {encoding.removesuffix('16')}"
    return [
        (f"{what}: shard bytes per byte of payload, {tiles:,} tiles", f"{stored / payload:.4f}", "≤ 1.02"),
        (
            f"{what}: a pyramid of raw RGB as in published TFRecord tools, over shard bytes",
            f"{pyramid * tiles / stored:.1f}× ({arithmetic})",
            "≥ 20×" if encoding == "webp" else "",
        ),
        (f"{what}: reading against decoding alone", speed, "≥ 0.9×"),
    ]


def _times(made: list[ShardSet]) -> tuple[float, float]:
    """Processor seconds, of all threads, of decoding the pictures alone and of the loader's batches."""
    alone = ours = 0.0
    for shards in made:
        rows = shards.rows("train")[:200]
        images = [np.frombuffer(bytes(parse(unframe(shards.record(row)))["color"][0]), np.uint8) for row in rows]

        def decode(images: list[np.ndarray] = images) -> None:
            for image in images:
                cv2.imdecode(image, cv2.IMREAD_COLOR_RGB)

        alone += _spent(decode)
        ours += _spent(_reading(shards, len(rows)))
    return alone, ours


def _spent(work: Callable[[], None]) -> float:
    started = time.process_time()
    work()
    return time.process_time() - started


def _reading(shards: ShardSet, count: int) -> Callable[[], None]:
    def read() -> None:
        seen = 0
        for batch in Loader(shards, "train", 8, seed=0, drop_last=False):
            seen += len(batch["color"])
            if seen >= count:
                return

    return read

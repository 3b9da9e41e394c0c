"""Labels of 1,500 crops of a real globe: which classes come out, how they repeat, how fast and in how much memory.

The maps are those in `shared/realdata/global`; the crops lie evenly over
the sphere, each on an equal-area grid of its own.
"""

from __future__ import annotations

import hashlib
import json
import resource
import shutil
import sys
import tempfile
import time
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import cv2
import geopandas as gpd
import numpy as np
import rasterio
from affine import Affine
from PIL import Image
from pyproj import Transformer
from shapely.geometry import Point
from sklearn.metrics import adjusted_rand_score

from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute, validate
from tasks.core.stage import Stage
from tasks.formats.tables.labels import MapReader
from tasks.formats.tables.scenes import SceneReader, read_scenes, write_layer, write_scenes
from tasks.formats.tables.tiles import read_tiles, write_tiles
from tasks.label.classifier import read_classifier
from tasks.label.paint import classify
from tasks.label.params import Params
from tasks.label.run import run as label
from tasks.label.smooth import class_map, strength
from tasks.label.views import Views
from tests.benchmarks.fresh import child_output
from tests.conftest import REALDATA

CROPS, PX, GSD = 1500, 256, 10_000.0
MOST_WATER = 0.9  # a crop shows land
SEEDS = (1, 2)
WANTED = ("sea", "ice", "desert", "forest")
SECTION: dict[str, Any] = {
    "method": {"name": "cluster", "sample": {"pixels": 8000, "slope_deg": [0.05, 0.2, 0.6]}},
}

GLOBE = REALDATA / "global"
TOY = {
    "CROPS": 20,
    "PX": 48,
    "GSD": 50_000.0,
    "SECTION": {
        "method": {
            "name": "cluster",
            "sample": {"pixels": 600, "per_tile": 100, "slope_deg": [0.05, 0.2]},
            "embedding": {"epochs": 20, "dimensions": 2},
            "choice": {"candidates": [3, 4], "replicates": 2, "least_stability": 0.0},
        }
    },
}


def run() -> list[tuple[str, str, str]]:
    """Fit from two seeds, label all again with the first classifier, and hold it against the bars."""
    if not GLOBE.is_dir():
        return [("label", "not measured: no global maps beside this checkout", "")]
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):  # stdout is for the table
        root = Path(folder)
        data = root / "data" / "atlas"
        water = crops(data, CROPS)
        maps, cards, kept = [], [], []
        for seed in SEEDS:
            label(_stage(root, seed, SECTION, 2))
            maps.append(_labels(data))
            cards.append(json.loads((data / "labels" / "card.json").read_text()))
            kept.append(shutil.copy(data / "labels" / "classifier.json", root / f"{seed}.json"))
        rows = [_classes(cards, maps, water), _agreement(maps), _water(cards[0], maps[0], water)]
        section = _pinned(root, Path(kept[0]))
        started, worked = time.perf_counter(), _processor()
        label(_stage(root, SEEDS[0], section, 2))
        text = f"{time.perf_counter() - started:.0f} s ({_processor() - worked:.0f} s of processor, both together)"
        rows.append((f"label {CROPS:,} tiles of {PX}² after fitting, 2 processes", text, "≤ 180 s"))
        rows += [_tile(data, Path(kept[0])), _memory(root)]
    return rows


def _processor() -> float:
    """Seconds of processor this process and all its ended children have had."""
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def crops(data: Path, count: int) -> np.ndarray:
    """Write scenes of one tile each; which of their pixels are water, bool (count, PX, PX)."""
    rng = np.random.default_rng(1)
    maps = _globe()
    rows, tiles, water = [], [], []
    while len(rows) < count:
        lat, lon = float(np.degrees(np.arcsin(rng.uniform(-1, 1)))), float(rng.uniform(-180, 180))
        crs = f"+proj=laea +lat_0={lat:.4f} +lon_0={lon:.4f} +datum=WGS84 +units=m"
        grid = Affine(GSD, 0, -GSD * PX / 2, 0, -GSD, GSD * PX / 2)
        down, across = np.mgrid[0:PX, 0:PX] + 0.5
        place = Transformer.from_crs(crs, 4326, always_xy=True).transform(*(grid * (across, down)))
        wet = _sample(maps["water"], *place)[0] > 127
        if wet.mean() > MOST_WATER:
            continue
        color, height = _sample(maps["color"], *place), _sample(maps["height"], *place)[0]
        mask = np.full((1, PX, PX), 255, np.uint8)
        name = f"c{len(rows):04}"
        paths = {layer: f"scenes/{name}.{layer}.tif" for layer in ("height", "color")}
        write_layer(data / paths["height"], height, crs, grid)
        write_layer(
            data / paths["color"], np.concatenate([np.rint(color).clip(0, 255).astype(np.uint8), mask]), crs, grid
        )
        region = f"{int(lat // 10)} {int(lon // 10)}"
        shared = {
            "scene": name,
            "gsd": GSD,
            "region": region,
            "procedural": False,
            "geometry": Point(lon, lat).buffer(0.1),
        }
        rows.append(
            shared | paths | {"cols": PX, "rows": PX, "crs": crs, "transform": list(grid)[:6], "void_share": 0.0}
            | {"filled_share": 0.0, "sources": ["globe"]}
        )  # fmt: skip
        tiles.append(
            shared | {"key": f"{name}/00000_00000", "row": 0, "col": 0, "px": PX, "lat": lat, "lon": lon, "keep": True}
            | {"reason": None, "block": name, "split": "train"}
        )  # fmt: skip
        water.append(wet)
    write_scenes(gpd.GeoDataFrame(rows, geometry="geometry", crs=4326), data / "scenes.parquet")
    write_tiles(gpd.GeoDataFrame(tiles, geometry="geometry", crs=4326), data / "tiles.parquet")
    return np.stack(water)


def _globe() -> dict[str, np.ndarray]:
    """Plate carrée maps, float32 (bands, H, W), each with a column of the other side of 180° at both ends."""
    folder = GLOBE
    with rasterio.open(folder / "etopo20_metres_epsg4326_DERIVED.tif") as source:
        height = source.read(1)
    images = {
        "color": np.asarray(Image.open(folder / "webglearth_color_4k.jpg").convert("RGB")).transpose(2, 0, 1),
        "water": np.asarray(Image.open(folder / "webglearth_water_4k.png").convert("L"))[None],
        "height": height[None],
    }
    return {
        name: np.concatenate([image[..., -1:], image, image[..., :1]], axis=-1).astype(np.float32)
        for name, image in images.items()
    }


def _sample(image: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Bilinear, float32 (bands, H, W)."""
    cell = 360 / (image.shape[-1] - 2)
    across, down = ((lon + 180) / cell + 0.5).astype(np.float32), ((90 - lat) / cell - 0.5).astype(np.float32)
    return np.stack(
        [cv2.remap(band, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for band in image]
    )


def _stage(root: Path, seed: int, section: dict[str, Any], workers: int) -> Stage[Params]:
    params = validate(Params, section, "datasets.atlas.label")
    compute = Compute(engine="processes" if workers > 1 else "serial", workers=workers)
    return Stage(StageEntry("label", "atlas", (), (), ()), params, seed, compute, Run(), root)


def _pinned(root: Path, path: Path) -> dict[str, Any]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    pinned = {"path": str(path.relative_to(root)), "sha256": digest}
    return {"method": {"name": "classifier", **pinned}}


def _labels(data: Path) -> np.ndarray:
    with MapReader(data / "labels", read_scenes(data / "scenes.parquet")) as maps:
        return np.stack([maps.read(tile) for tile in read_tiles(data / "tiles.parquet").itertuples()])


def _classes(cards: list[dict], maps: list[np.ndarray], water: np.ndarray) -> tuple[str, str, str]:
    """Names of the classes, and the number that the evidence chose."""
    names = [[one["name"] for one in card["classes"]] for card in cards]
    own = all(set(WANTED) <= set(each) for each in names)
    text = "; ".join(f"k {card['k']}: {', '.join(each)}" for card, each in zip(cards, names, strict=True))
    return (
        f"classes of {CROPS:,} crops, from {len(SEEDS)} seeds",
        text,
        f"{', '.join(WANTED)}: {'yes' if own else 'NO'}",
    )


def _agreement(maps: list[np.ndarray]) -> tuple[str, str, str]:
    every = slice(None, None, 37)  # neighbours say the same
    index = adjusted_rand_score(*(each.ravel()[every] for each in maps))
    return "adjusted Rand index of all labels between two seeds", f"{index:.3f}", "≥ 0.8"


def _water(card: dict, labels: np.ndarray, water: np.ndarray) -> tuple[str, str, str]:
    number = next((one["id"] for one in card["classes"] if one["name"] == "sea"), None)
    if number is None:
        return "class sea against the water mask, IoU", "no class is named sea", "≥ 0.85"
    found = labels == number
    return "class sea against the water mask, IoU", f"{(found & water).sum() / (found | water).sum():.3f}", "≥ 0.85"


def _tile(data: Path, path: Path) -> tuple[str, str, str]:
    """Processor time of a 512² tile on one core: read, features, classifier, smoothing; best of five."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    classifier = read_classifier(path)
    scenes = read_scenes(data / "scenes.parquet").iloc[:1].copy()
    name = scenes.index[0]
    with SceneReader(data, scenes) as reader:
        color, height = reader.color(name), reader.height(name)
    big = data.parent / "one"
    for layer, array in (("height", height), ("color", color)):
        array = np.ascontiguousarray(np.tile(array, (2, 2) if layer == "height" else (1, 2, 2)))
        write_layer(big / scenes[layer].iloc[0], array, scenes["crs"].iloc[0], Affine(*scenes["transform"].iloc[0]))
    scenes["rows"] = scenes["cols"] = 2 * PX
    smoothing = validate(Params, SECTION, "label").method.smoothing
    best = np.inf
    for _ in range(5):
        started = time.process_time()
        with SceneReader(big, scenes) as reader:
            views = Views(reader, scenes, classifier.layers, classifier.features)
            class_map(*classify(views, classifier, name, 2 * PX, 2 * PX), strength(smoothing, 0.5))
        best = min(best, time.process_time() - started)
    cv2.setNumThreads(threads)
    return f"label one tile of {2 * PX}², processor time", f"{best:.2f} s", "< 0.5 s"


def _memory(root: Path) -> tuple[str, str, str]:
    """Peak memory of the stage over a tenth of the tiles and over all, each in a fresh process."""
    peaks = []
    for count in (CROPS // 10, CROPS):
        peaks.append(int(child_output("label", str(root), str(count)).split()[-1]) / 1024)
    text = f"{peaks[0]:.0f} and {peaks[1]:.0f} MiB ({peaks[1] / peaks[0]:.2f}×)"
    return f"label, peak memory with {CROPS // 10} and {CROPS:,} tiles of {PX}²", text, "flat: ≤ 1.1×"


def child(root: str, number: str) -> None:
    """Label the first crops with the kept classifier, and print this process's peak memory in KiB."""
    place, count = Path(root), int(number)
    few = Path(tempfile.mkdtemp(dir=place))
    target = few / "data" / "atlas"
    target.mkdir(parents=True)
    (target / "scenes").symlink_to(place / "data" / "atlas" / "scenes")
    shutil.copy(place / f"{SEEDS[0]}.json", few)
    write_scenes(
        read_scenes(place / "data/atlas/scenes.parquet").iloc[:count].reset_index(drop=True), target / "scenes.parquet"
    )
    write_tiles(read_tiles(place / "data/atlas/tiles.parquet").iloc[:count], target / "tiles.parquet")
    label(_stage(few, SEEDS[0], _pinned(few, few / f"{SEEDS[0]}.json"), 1))
    # Not ru_maxrss: a child process starts with the peak of the process that started it.
    print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line))

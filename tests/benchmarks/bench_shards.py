"""Shards: their size against the payload, and how fast ready batches come out of them.

The other libraries are no part of Landloom's environment: they are installed on first use into
`.landloom/bench`, or found where LANDLOOM_BENCH_SITE says; a row says so where they cannot be had.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path

import cv2
import numpy as np

from tasks.core.settings import ROOT
from tasks.formats.shards.example import parse
from tasks.formats.shards.loader import Loader
from tasks.formats.shards.shardset import ShardSet
from tasks.formats.shards.tfrecord import unframe
from tests.shard.small import grow, shard

OTHERS = ("webdataset", "litdata", "files")
# Without their dependencies, most of which the environment has: torch must not be installed twice.
PACKAGES = [
    "webdataset==1.0.2", "braceexpand", "litdata==0.2.76", "lightning-utilities", "boto3", "botocore", "jmespath",
    "s3transfer", "tifffile", "obstore",
]  # fmt: skip
ROUNDS = 3
SMALL = {"scenes": 4, "side": 2048}
LARGE = {"scenes": 2, "side": 3072}
TOY = {"ROUNDS": 1, "OTHERS": ("files",), "SMALL": {"scenes": 1, "side": 1024}, "LARGE": {"scenes": 1, "side": 2048}}


def run() -> list[tuple[str, str, str]]:
    """Rows (what, measured, bar)."""
    # What the stage says must not stand between the rows of the table.
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        return [*_small_tiles(Path(folder) / "small"), *_large_tiles(Path(folder) / "large")]


def _small_tiles(folder: Path) -> list[tuple[str, str, str]]:
    """64² float32 heights: 4,095 tiles with captions."""
    shards = ShardSet(shard(grow(folder / "data" / "toy", px=64, **SMALL), px=64, tiles_per_shard=512))
    size = shards.card["bytes"]
    rows = [("shard bytes per byte of payload, 64² raw", f"{size['ratio']:.4f}", "≤ 1.02")]
    tiles = folder / "tiles.npy"
    np.save(tiles, shards.heights(shards.rows("train")))
    site, reason = (None, "") if OTHERS == ("files",) else _site()
    folders = {"landloom": shards.folder}
    for name in OTHERS:
        if name == "files" or site:
            folders[name] = folder / name
            _readers("write", name, folders[name], tiles, site)
    rates: dict[str, list[float]] = {name: [] for name in folders}
    for _ in range(ROUNDS):  # in turns, so that a busy minute of the machine hits all alike
        for name, place in folders.items():
            rates[name].append(float(_readers("read", name, place, tiles, site).split("rate ")[1]))
    median = {name: float(np.median(values)) for name, values in rates.items()}
    best = max(OTHERS, key=lambda name: median.get(name, 0))
    told = ", ".join(f"{name} {rate:,.0f}" for name, rate in median.items())
    if reason:
        told += f"; WebDataset and LitData left out: {reason}"
    what = "ready shuffled batches of 64 tiles of 64², one process, tiles a second against the best other"
    return [*rows, (what, f"{median['landloom'] / median[best]:.1f}× ({told})", "≥ 5×")]


def _large_tiles(folder: Path) -> list[tuple[str, str, str]]:
    """512² heights as PNG: the loader's metres against nothing but decoding the same bytes, equal threads."""
    made = shard(grow(folder / "data" / "toy", px=512, **LARGE), px=512, encoding="png16")
    threads = min(8, os.cpu_count() or 1)
    shards = ShardSet(made, threads)
    images = [
        np.frombuffer(bytes(parse(unframe(shards.record(row)))["height"][0]), np.uint8) for row in shards.rows("train")
    ]
    loader = Loader(shards, "train", 8, seed=0, drop_last=False)
    with ThreadPoolExecutor(threads) as pool:

        def decode() -> None:
            for _ in pool.map(lambda image: cv2.imdecode(image, cv2.IMREAD_UNCHANGED), images):
                pass

        def read() -> None:
            for _ in loader:
                pass

        decode(), read()
        alone, ours = zip(*((seconds(decode), seconds(read)) for _ in range(9)), strict=True)
    ratio = float(np.median(np.array(alone) / np.array(ours)))
    figures = f"{ratio:.2f}× ({len(images) / np.median(ours):,.0f} tiles a second on {threads} threads)"
    size = shards.card["bytes"]["ratio"]
    return [
        ("shard bytes per byte of payload, 512² png16", f"{size:.4f}", "≤ 1.02"),
        ("reading 512² png16 tiles as metres against decoding alone", figures, "≥ 0.9×"),
    ]


def seconds(work: Callable[[], None]) -> float:
    """Wall-clock seconds of one call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _site() -> tuple[Path | None, str]:
    """The folder that has the other libraries, or why there is none."""
    site = Path(os.environ.get("LANDLOOM_BENCH_SITE", ROOT / ".landloom" / "bench"))
    if not (site / "litdata").is_dir():
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), *PACKAGES]
        done = subprocess.run(install, capture_output=True, text=True)
        if done.returncode:
            return None, (done.stderr.strip().splitlines() or ["pip failed"])[-1]
    return site, ""


def _readers(verb: str, name: str, folder: Path, tiles: Path, site: Path | None) -> str:
    """One library at work in its own process; a private home keeps its caches out of ours."""
    environment = {**os.environ, "HOME": str(tiles.parent), "OMP_NUM_THREADS": "1", "DO_NOT_TRACK": "1"}
    if site:
        environment["PYTHONPATH"] = str(site)
    command = [sys.executable, "-m", "tests.benchmarks.readers", verb, name, str(folder), str(tiles)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr.strip()[-2000:]}")
    return done.stdout

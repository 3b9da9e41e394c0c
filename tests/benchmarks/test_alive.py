"""Every benchmark runs, at its toy size and with its figures unread: what breaks it shows here, not months later."""

from __future__ import annotations

import importlib
import io
import signal
import subprocess
import sys
import time
from contextlib import redirect_stdout
from pathlib import Path

import cv2
import numpy as np
import psutil
import pytest
import rasterio

import models
from tasks.core.settings import ROOT
from tests.analytic.method import FOLDER as ANALYTIC
from tests.analytic.method import write_model
from tests.benchmarks import __main__ as benchmarks
from tests.benchmarks import fresh
from tests.generate.explore.toys import dreamer
from tests.generate.toys import sampler
from tests.generate.world.toys import worded_model
from tests.models.consistency.worded import PX
from tests.shard.small import grow, shard

NAMES = sorted(path.stem.removeprefix("bench_") for path in Path(benchmarks.__file__).parent.glob("bench_*.py"))


@pytest.mark.parametrize("name", NAMES)
def test_a_benchmark_runs(name, tmp_path, monkeypatch):
    module = importlib.import_module(f"tests.benchmarks.bench_{name}")
    if name == "words":  # its model follows words by formulas
        monkeypatch.setattr(models, "__path__", [*models.__path__, ANALYTIC])
    for constant, value in {**module.TOY, **_inputs(name, tmp_path)}.items():
        assert hasattr(module, constant), constant
        monkeypatch.setattr(module, constant, value)
    if hasattr(module, "child_output"):  # importing everything again would take most of the time
        monkeypatch.setattr(module, "child_output", _in_this_process)
    monkeypatch.setenv("LANDLOOM_BENCH_SECONDS", "0.1")
    rows = module.run()
    assert rows and all(len(row) == 3 and all(isinstance(cell, str) for cell in row) for row in rows)
    left_out = [row for row in rows if "not measured" in row[1] and "gdalwarp" not in row[1]]
    assert not left_out, left_out


def test_a_part_runs_in_a_fresh_process():
    assert float(fresh.child_output("arithmetic", "native", "project", "0.02")) > 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_benchmark_that_is_cut_off_leaves_no_process_behind(number, tmp_path):
    command = [sys.executable, "-c", CUT_OFF, str(tmp_path / "pid")]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().endswith("\n"):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(number)
    assert process.wait(20) != 0
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))


CUT_OFF = """
import subprocess, sys, time
from tests.benchmarks.fresh import nothing_left
with nothing_left():  # a server in a session of its own, whose parent has ended
    script = f"setsid sleep 300 & echo $! > {sys.argv[1]}.new; mv {sys.argv[1]}.new {sys.argv[1]}"
    subprocess.run(["sh", "-c", script], check=True)
    time.sleep(300)
"""


def _in_this_process(name: str, *arguments: str, environment: dict[str, str] | None = None) -> str:
    printed = io.StringIO()
    with redirect_stdout(printed):
        importlib.import_module(f"tests.benchmarks.bench_{name}").child(*arguments)
    return printed.getvalue()


def _inputs(name: str, folder: Path) -> dict[str, Path]:
    """Small data in place of a demo's or of real maps."""
    if name == "flipped_route":
        return {"SHARDS": shard(grow(folder / "data" / "atlas", ("height", "color"), 4, 64, classes=7), px=64)}
    if name == "words":
        data = grow(folder / "data" / "terrain")
        write_model(data / "model", 32)
        shard(data)
        return {"DATA": data}
    if name in ("rounding", "sampling", "unseen_words"):
        data = grow(folder / "data" / "terrain", px=PX)
        shard(data, px=PX)
        return {"DATA": data} | ({"MODEL": worded_model(folder / "model")} if name == "sampling" else {})
    if name == "mosaic":
        return {"MODEL": dreamer(folder) / "model"}
    if name == "world":
        return {"MODEL": worded_model(folder / "model")}
    if name == "pretrained":
        return {"MODEL": sampler(folder) / "model"}
    return {"GLOBE": _globe(folder)} if name == "label" else {}


def _globe(folder: Path) -> Path:
    """Maps of a globe of noise, as `shared/realdata/global` holds them: half of it water."""
    noise = np.random.default_rng(3).standard_normal((90, 180)).astype(np.float32)
    height = 40_000 * cv2.GaussianBlur(noise, (0, 0), 5)
    cv2.imwrite(str(folder / "webglearth_water_4k.png"), np.where(height < 0, 255, 0).astype(np.uint8))
    color = np.stack([height < 0, height > 1000, height > 3000], axis=-1) * np.uint8(200)
    cv2.imwrite(str(folder / "webglearth_color_4k.jpg"), color)
    path = folder / "etopo20_metres_epsg4326_DERIVED.tif"
    with rasterio.open(path, "w", "GTiff", 180, 90, 1, "EPSG:4326", dtype="float32") as target:
        target.write(height, 1)
    return folder

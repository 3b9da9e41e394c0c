"""Worlds: are there seams, is a window the same from everywhere, and what do time and memory come to?

`LANDLOOM_WORLD_MODEL` names the folder of the model; without it, that of the repository, else that of the demo.
"""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any

import numpy as np

from models.core.artifact import load_model
from tasks.core.settings import ROOT
from tasks.generate.world.files import Part, write_heights
from tasks.generate.world.ground import World
from tests.benchmarks.fresh import child_output

PLACES = (os.environ.get("LANDLOOM_WORLD_MODEL", ""), "models/pretrained/terrain", "data/terrain/model")
MODEL = next((ROOT / place for place in PLACES if place and (ROOT / place / "config.json").is_file()), ROOT / "none")
TEXTS = ("", "High mountains with steep slopes.", "Hills with ridges and valleys.", "A flat plain.")
WORLDS = 50
SPAN = 4  # windows' steps of a world in which the gradient is measured
SIDES = (1024, 4096)
TOY = {"WORLDS": 2, "SIDES": (32, 48)}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    if not (MODEL / "config.json").is_file():
        return [("worlds", f"not measured: {MODEL} has no model", "")]
    model = load_model(MODEL)
    if getattr(model, "windows", None) is None:
        return [("worlds", f"not measured: {MODEL} takes no coarse heights", "")]
    seam, phases = _seams(model)
    rows = [
        (f"gradient across borders of windows over that elsewhere, {WORLDS} worlds", f"{seam:.3f}", "0.95 to 1.05"),
        (
            "gradient at each place between two borders over the mean of all places",
            f"{phases.min():.3f} to {phases.max():.3f}",
            "",
        ),
        ("pixels that differ between a world read from four corners", f"{_different(model)}", "0"),
    ]
    for side in SIDES:
        wall, cpu, memory, size = child_output("world", str(MODEL), str(side)).split()
        spent, held = f"{float(wall):.0f} s, {float(cpu):.0f} s of processors", f"{float(memory):.0f} MB"
        told = f"{spent}, {held}; file {float(size):.0f} MB"
        rows.append((f"a world of {side}² as a COG", told, "≤ 600 s, ≤ 2000 MB" if side == 4096 else ""))
    return rows


def _seams(model: Any) -> tuple[float, np.ndarray]:
    """Root mean square gradient across rows and columns where windows begin, over that elsewhere; and by place."""
    step, quarter = model.windows.px // 2, model.windows.px // 4
    powers = np.zeros((2, step))
    for seed in range(WORLDS):
        text = TEXTS[seed % len(TEXTS)] if model.words is not None else ""
        world = World(model, seed, text)
        shift = quarter // world.factor * world.factor
        first = model.windows.across * step + shift
        ground = world.read(first - 1, first - 1, SPAN * step + 1, SPAN * step + 1).astype(np.float64)
        for axis in (0, 1):
            change = np.square(np.diff(ground, axis=axis)).mean(axis=1 - axis).reshape(SPAN, step).mean(axis=0)
            powers[axis] += change / max(change.mean(), 1e-12)  # each world counts the same
    by_place = powers.mean(axis=0) / WORLDS
    return float(np.sqrt(by_place[0] / by_place[1:].mean())), np.sqrt(by_place / by_place.mean())


def _different(model: Any) -> int:
    """Pixels of which the bits depend on where reading begins."""
    side = SPAN * model.windows.px // 2
    half = side // 2
    whole = World(model, 3).read(0, 0, side, side)
    found = 0
    for row, col in ((0, 0), (0, half), (half, 0), (half, half)):
        world = World(model, 3)
        for top, left in ((row, col), (half - row, half - col)):
            part = world.read(top, left, half, half)
            found += int((part != whole[top : top + half, left : left + half]).sum())
    return found


def child(folder: str, side: str) -> None:
    """Print seconds, seconds of processors, MB of memory at most, and MB of the file of one world."""
    model, begun, spent = load_model(Path(folder)), time.perf_counter(), time.process_time()
    path = Path(os.environ.get("TMPDIR", "/tmp")) / f"world-{os.getpid()}.tif"
    try:
        write_heights(path, World(model, 7), Part(0, 0, int(side), int(side)), model.gsd, {}, lambda share: None)
        size = path.stat().st_size / 1e6
    finally:
        path.unlink(missing_ok=True)
    wall, cpu = time.perf_counter() - begun, time.process_time() - spent
    print(wall, cpu, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3, size)

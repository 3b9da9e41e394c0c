"""What the fixed arithmetic costs: stages and training steps with it, as a ratio to the processor's own choice.

Each figure comes from a process of its own, since the libraries choose when they load; the two kinds alternate.
"Native" is the code that the libraries choose themselves, AVX-512 where the processor has it; the numbers of threads
are the same. The figures are seconds of processor, of all threads, so that other work on the machine does not count.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import median

from tasks.core import arithmetic
from tests.benchmarks.fresh import child_output

ROUNDS, REPEATS = 3, 2
SIZE = 1.0
KINDS = ("native", "fixed")
TOY = {"ROUNDS": 1, "REPEATS": 1, "SIZE": 0.02, "KINDS": ("fixed",)}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table: speed with the fixed arithmetic over speed without."""
    if not arithmetic.supported():
        return [("fixed arithmetic", "this processor has no x86-64-v3", "")]
    rows = []
    for name, work in WORK.items():
        seconds: dict[str, list[float]] = {"native": [], "fixed": []}
        for _ in range(ROUNDS):
            for kind in KINDS:
                seconds[kind].append(float(child_output("arithmetic", kind, name, str(SIZE)).split()[-1]))
        native, fixed = (median(seconds[kind] or seconds[KINDS[0]]) for kind in ("native", "fixed"))
        told = f"{native / fixed:.2f}× ({fixed:.2f} against {native:.2f} s)"
        rows.append((f"speed with fixed arithmetic: {work.__doc__.splitlines()[0].rstrip('.').lower()}", told, ""))
    return rows


def child(kind: str, name: str, size: str) -> None:
    """Print the seconds of one piece of work; `native` must come before numpy and torch load."""
    if kind == "native":
        arithmetic.release()
    with tempfile.TemporaryDirectory() as folder:
        work = WORK[name](Path(folder), float(size))
        print(min(work() for _ in range(REPEATS)))


def _timed(function: Callable[[], object]) -> Callable[[], float]:
    def seconds() -> float:
        started = time.process_time()
        function()
        return time.process_time() - started

    return seconds


def _select(root: Path, size: float) -> Callable[[], float]:
    """Selection, windows of 64² from scenes of 512²."""
    from tasks.formats.tables.scenes import read_scenes
    from tests.benchmarks.bench_select import RULES, _choose, _spot
    from tests.select.small import add_heights, fractal, stage, write_table

    folder, scenes_made = root / "data" / "terrain", max(4, int(24 * size))
    heights = fractal((512, 512), 200, 1)
    places = [_spot(k, scenes_made) for k in range(scenes_made)]
    write_table(folder, [add_heights(folder, f"s{k:02}", heights + k, *place) for k, place in enumerate(places)])
    one = stage(root, px=64, stride=32, rules=RULES, quota=1000, block_km=100)
    scenes = read_scenes(folder / "scenes.parquet")
    _choose(one, scenes)  # compiles
    return _timed(lambda: _choose(one, scenes))


def _project(root: Path, size: float) -> Callable[[], float]:
    """Projection of a cell of 1″ to 90 m."""
    from tasks.project.make import render
    from tests.benchmarks.bench_project import CELL, batch_of

    batch, _ = batch_of(root, max(300, int(CELL * size)), 90.0 if size >= 1 else 900.0)
    return _timed(lambda: render(batch))


def _label(root: Path, size: float) -> Callable[[], float]:
    """Features, UMAP and classes of `label`, fitted on 64 scenes of 96²."""
    from tasks.label.run import run as label
    from tests.label.small import grow, stage

    grow(root / "data" / "atlas", scenes=max(4, int(64 * size)))
    sizes = {"sample__pixels": max(300, int(3000 * size)), "embedding__epochs": max(20, int(200 * size))}
    changes = {f"method__{name}": value for name, value in sizes.items()}
    label(stage(root, **changes))  # compiles
    return _timed(lambda: label(stage(root, **changes)))


def _train(dataset: str, root: Path, size: float) -> Callable[[], float]:
    from tasks.core.settings import read, rooms
    from tasks.train.run import run as train
    from tests.shard.small import grow, shard
    from tests.train.stand import copy, stage

    sections = rooms(read()["datasets"], dataset)
    px, section = sections["shard"].px, sections["train"].model_dump()
    layers, classes = (("height", "color"), 7) if dataset == "atlas" else (("height",), 0)
    made = root / "made"
    shard(grow(made / "data" / "small", layers, scenes=4, px=px, classes=classes), px=px)
    steps = max(2, int(16 * size))
    section |= {"steps": steps, "warmup": 1, "log_every": steps, "checkpoint_every": steps, "picture_every": steps}
    repeats = count()

    def seconds() -> float:  # in a folder of its own: a training that is done already would only be read again
        there = copy(made, root / f"run{next(repeats)}")
        return _timed(lambda: train(stage(there, **section)))()

    return seconds


def _consistency(root: Path, size: float) -> Callable[[], float]:
    """Training of 16 steps with `consistency`, as the dataset `terrain` has it."""
    return _train("terrain", root, size)


def _terrain_gan(root: Path, size: float) -> Callable[[], float]:
    """Training of 16 steps with `terrain_gan`, as the dataset `atlas` has it."""
    return _train("atlas", root, size)


WORK: dict[str, Callable[[Path, float], Callable[[], float]]] = {
    "select": _select,
    "project": _project,
    "label": _label,
    "consistency": _consistency,
    "terrain_gan": _terrain_gan,
}
"""Pieces of work: each makes its inputs in a folder, warms up, and returns what measures it once, in seconds."""

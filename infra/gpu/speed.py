"""Steps a second with and without each speed-up, the share of time spent waiting for data, and memory.

A switch is kept if it makes training at least `GAIN` times as fast. The training uses the switches kept at the end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from infra.gpu.device import fresh, peak_gib
from infra.gpu.work import Job, Note, told
from models.core.artifact import build_method
from models.core.checkpoint import Checkpoints
from models.core.loop import train
from models.core.record import method as record_of
from tasks.formats.shards.shardset import ShardSet
from tasks.train.feed import Feed
from tasks.train.params import Params
from tasks.train.training_tiles import Tiles

GAIN = 1.02
WINDOW_S = 1.0  # intended length of a window of steps, in seconds
WINDOWS = 4  # windows in each half of the steps; the first of each half is a warm-up
SWITCHES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("TF32", {"speed": {"tf32": True}}),
    ("bf16", {"precision": "bf16"}),
    ("channels last", {"speed": {"channels_last": True}}),
    ("fused optimiser", {"speed": {"fused_optimizer": True}}),
    ("1 batch ahead", {"speed": {"ahead": 1}}),
    ("16 batches ahead", {"speed": {"ahead": 16}}),
    ("4 readers", {"speed": {"readers": 4}}),
    ("memory not pinned", {"speed": {"pinned": False}}),
)
LAST: tuple[tuple[str, dict[str, Any]], ...] = (
    ("compiled kernels", {"speed": {"compile": "kernels"}}),
    ("compiled graphs", {"speed": {"compile": "graphs"}}),
)
"""These come last, because compiling takes minutes; only on a GPU."""
BATCHES = (2.0, 4.0, 0.5)


def run(job: Job, note: Note) -> None:
    """Measure one change at a time. Each improvement also gives a row `best`."""
    with told(note, "as params.yaml has it"):
        note({"name": "as params.yaml has it", **Measured(job, job.plain).row(1)})
    search = Search(job, note)
    search.tried("fp32", {})
    feed_alone(job, note)
    failed = [(name, change) for name, change in SWITCHES if not search.tried(name, change)]
    for name, change in failed if search.rescued else []:  # what had no room in memory may have some now
        search.tried(f"{name}, again", change)
    for factor in BATCHES:
        search.shown(max(1, round(job.train["batch"] * factor)))
    for name, change in LAST if torch.cuda.is_available() else ():
        search.tried(name, change)


class Search:
    """The best settings so far.

    Attributes:
        rescued: settings without which nothing could be measured were found.
    """

    def __init__(self, job: Job, note: Note):
        self._job, self._note = job, note
        self._best: dict[str, Any] = job.train | {"precision": "fp32"}
        self._fastest, self._window, self.rescued = 0.0, 1, False

    def tried(self, name: str, change: Mapping[str, Any]) -> bool:
        """Measure the best settings with a change, and keep it if it pays; False where it could not be measured."""
        if not self._has_time(name, 1.0):
            return True
        values, first = changed(self._best, change), not self._fastest
        with told(self._note, name):
            row = Measured(self._job, values).row(self._window)
            if first and not self._job.toy:
                self._window = max(2, min(100, round(row["steps_per_second"] * WINDOW_S)))
                row = Measured(self._job, values).row(self._window)
            gain = {} if first else {"against_best": row["steps_per_second"] / self._fastest}
            if gain and gain["against_best"] >= GAIN:  # the machine may have become faster since the best was measured
                again = Measured(self._job, self._best).row(self._window)["steps_per_second"]
                gain = {"against_best": row["steps_per_second"] / max(self._fastest, again)}
            kept = first or gain["against_best"] >= GAIN
            self._note({"name": name, **row, **gain, "kept": kept})
            if kept:
                self.rescued |= first and bool(change)
                self._best, self._fastest = values, row["steps_per_second"]
                self._note({"name": "best", "changes": values, "steps_per_second": self._fastest})
            return True
        return False

    def shown(self, batch: int) -> None:
        """Measure the best settings with another batch, which is never kept."""
        name, factor = f"batch {batch}", batch / self._best["batch"]
        if self._has_time(name, factor):
            with told(self._note, name):
                self._note({"name": name, **Measured(self._job, self._best | {"batch": batch}).row(self._window)})

    def _has_time(self, name: str, factor: float) -> bool:
        enough = self._job.left > (3 * WINDOWS * self._window * factor / self._fastest if self._fastest else 0)
        if not enough:
            self._note({"name": name, "problem": "left out: the time is over"})
        return enough


def changed(values: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` with a change; mappings are merged."""
    out = dict(values)
    for name, value in change.items():
        out[name] = changed(out.get(name) or {}, value) if isinstance(value, Mapping) else value
    return out


class Measured:
    """A training of a few steps on the shards of the dataset."""

    def __init__(self, job: Job, values: Mapping[str, Any]):
        self._job, self._values = job, dict(values)

    def row(self, window: int) -> dict[str, Any]:
        """Return steps and tiles a second, the share of waiting, and peak memory, from windows of `window` steps."""
        windows = 2 if self._job.toy else WINDOWS
        every = {"log_every": window, "checkpoint_every": 10**9, "picture_every": 10**9}
        params = Params(**self._values | every | {"steps": 2 * windows * window, "warmup": 1})
        began = time.perf_counter()
        accelerator = fresh(params.precision, params.threads, params.batch, params.speed)
        record = record_of(params.method.name)
        shards = ShardSet(Path(self._job.root, "data", self._job.dataset, "shards"))
        tiles = Tiles(shards, record, params.method)
        config = {"method": params.method.model_dump(mode="json"), "px": shards.px, "gsd": shards.card["gsd"]}
        config |= {"classes": tiles.classes, "encoding": tiles.encoding.to_dict()}
        config |= {"training": {"batch": params.batch}}
        torch.manual_seed(0)
        method = build_method(config, params.lr)
        record.load(method, Path(self._job.root))
        speeds, waits, feeds = [], [], []

        def open_feed(position: Any) -> Feed:
            pin = params.speed.pinned and accelerator.device.type == "cuda"
            start = {"seed": 0, "epoch": 0, "samples": 0}
            feeds.append(tiles.feed(params.batch, start, 0, 1, params.augment, params.speed, pin))
            return feeds[-1]

        def log(done: int, row: dict[str, float]) -> None:
            speeds.append(row["steps_per_second"])
            waits.append(row["waiting_share"])

        try:
            with tempfile.TemporaryDirectory() as folder:
                train(method, params, open_feed, accelerator, Checkpoints(Path(folder)), 0, log, lambda *_: None)
        finally:
            for opened in feeds:
                opened.close()
        warm = [number for number in range(len(speeds)) if number % windows]
        steps = 1 / fmean(1 / speeds[number] for number in warm)
        return {
            "steps_per_second": steps,
            "tiles_per_second": steps * params.batch,
            "waiting_share": fmean(waits[number] for number in warm),
            "peak_gib": peak_gib(),
            "seconds": time.perf_counter() - began,
        }


def feed_alone(job: Job, note: Note) -> None:
    """Measure how many tiles a second the loader delivers without training."""
    with told(note, "data alone"):
        params = Params(**job.train)
        shards = ShardSet(Path(job.root, "data", job.dataset, "shards"))
        tiles = Tiles(shards, record_of(params.method.name), params.method)
        feed = tiles.feed(
            params.batch, {"seed": 0, "epoch": 0, "samples": 0}, 0, 1, params.augment, params.speed, False
        )
        try:
            count, began = 0, time.perf_counter()
            while time.perf_counter() - began < (0.2 if job.toy else 2.0):
                next(feed)
                count += 1
            note({"name": "data alone", "tiles_per_second": count * params.batch / (time.perf_counter() - began)})
        finally:
            feed.close()

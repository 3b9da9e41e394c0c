"""Nine observations about the collapse of small GANs, repeated with `dcgan` on pictures of 25 kinds; and the watch.

The observations are those of a published experiment with 479 photographs of mountains at 160 pixels: larger batches
need more memory (1), smaller ones make pictures change more from epoch to epoch (2); the latent's size does not change
the time (3) but the memory (5), and a large one reduces collapse (4) and a small one hastens it (7); few batches an
epoch hasten it (6); a discriminator that pauses every other epoch delays it (8); a higher resolution hastens it (9).
"""

from __future__ import annotations

import math
import time
from statistics import fmean
from typing import Any

import numpy as np
import torch

from models.core.artifact import build_method
from models.core.method import State
from models.core.speed import threads
from models.core.watch import Watch
from tests.benchmarks.modes import Endless, pictures, trained

STEPS, SEEDS, HEALTHY, CHANNELS, TIMED = 300, 2, 10, 16, 10
TOY = {"STEPS": 2, "SEEDS": 1, "HEALTHY": 1, "CHANNELS": 4, "TIMED": 1}
BASE = {"z": 64, "tiles": 1024, "batch": 16, "px": 32, "learns_every": 1}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    with threads(1):
        return [*_watch(), *_observations()]


def _watch() -> list[tuple[str, str, str]]:
    """The watch on healthy runs and on a provoked collapse."""
    healthy = [_run(seed=seed) for seed in range(HEALTHY)]
    flagged = sum(any(row["flagged"] for row in watch.rows) for watch in healthy)
    provoked = [_run(z=1, tiles=32, seed=seed) for seed in range(SEEDS)]
    shares = [_first(watch) / STEPS for watch in provoked]
    what = f"{STEPS} steps"
    return [
        (f"collapse: healthy runs of {HEALTHY} that were flagged ({what})", str(flagged), "0"),
        ("collapse: share of a provoked run before the first flag (1 number, 2 batches)", _share(shares), "≤ 10 %"),
        ("collapse: distance of nearest samples at the end, healthy", _end(healthy), ""),
        ("collapse: the same, provoked", _end(provoked), ""),
    ]


def _observations() -> list[tuple[str, str, str]]:
    rows = []

    def told(number: int, what: str, low: str, high: str, holds: bool) -> None:
        rows.append((f"observation {number}: {what}", f"{low}; {high}", "holds" if holds else "does not hold here"))

    small, large = (_memory(batch=batch) for batch in (8, 32))
    told(1, "memory of a step, batch 8 and 32", _mib(small), _mib(large), large > small)
    small, large = ([_restlessness(_run(batch=batch, seed=seed)) for seed in range(SEEDS)] for batch in (4, 32))
    told(2, "change of score between looks, batch 4 and 32", _mean(small), _mean(large), fmean(small) > fmean(large))
    few, many = (_seconds(z=z) for z in (4, 256))
    told(3, f"seconds of {TIMED} steps, 4 and 256 numbers", f"{few:.2f}", f"{many:.2f}", many < 1.1 * few)
    low, high = (_runs(z=z, tiles=64) for z in (2, 128))
    told(4, "nearest samples at the end, 2 and 128 numbers", _end(low), _end(high), _value(high) > _value(low))
    few, many = (_memory(z=z) for z in (4, 256))
    told(5, "memory of a step and weights, 4 and 256 numbers", _mib(few), _mib(many), many > few)
    short, long = (_runs(z=4, tiles=16 * batches) for batches in (2, 64))
    told(6, "nearest samples, 2 and 64 batches an epoch", _end(short), _end(long), _value(short) < _value(long))
    told(7, "first flag, 2 and 128 numbers", _firsts(low), _firsts(high), _sooner(low, high))
    learns, pauses = (_runs(z=4, tiles=64, learns_every=every) for every in (1, 2))
    told(8, "nearest samples, without and with a pause", _end(learns), _end(pauses), _value(learns) < _value(pauses))
    coarse, fine = (_runs(z=4, tiles=64, px=px) for px in (32, 64))
    told(9, "nearest samples, 32 and 64 pixels", _end(coarse), _end(fine), _value(fine) < _value(coarse))
    return rows


def _method(z: int, learns_every: int) -> dict[str, Any]:
    shared = {"channels": CHANNELS, "most": 4 * CHANNELS}
    return {
        **{"name": "dcgan", "generator": {"z": z, **shared}},
        "discriminator": {**shared, "learns_every": learns_every},
    }


def _run(seed: int = 0, **changes: int) -> Watch:
    chosen = {**BASE, **changes}
    method = _method(chosen["z"], chosen["learns_every"])
    return trained(method, chosen["tiles"], chosen["batch"], STEPS, seed, chosen["px"])[1]


def _runs(**changes: int) -> list[Watch]:
    return [_run(seed=seed, **changes) for seed in range(SEEDS)]


def _one(z: int = BASE["z"], batch: int = BASE["batch"]) -> tuple[Any, Any]:
    config = {"method": _method(z, 1), "px": 32, "encoding": {"kind": "color"}, "classes": []}
    return build_method(config, 1e-3), next(Endless(pictures(64, 1)[0], batch, 0))


def _memory(**changes: int) -> float:
    """Bytes of the weights, and of what one step keeps for its gradients."""
    method, batch = _one(**changes)
    total = 4 * sum(weight.numel() for weight in method.networks.parameters())

    def keep(kept: torch.Tensor) -> torch.Tensor:
        nonlocal total
        total += kept.numel() * kept.element_size()
        return kept

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda kept: kept):
        for phase in method.phases():
            phase.loss(batch, State(0, 1, method.networks))
    return total


def _seconds(**changes: int) -> float:
    """Shortest of some times of `TIMED` steps."""
    method, batch = _one(**changes)
    found = []
    for _ in range(1 + 2 * SEEDS):
        began = time.perf_counter()
        for _ in range(TIMED):
            for phase in method.phases():
                phase.loss(batch, State(0, 1, method.networks))[0].backward()
        found.append(time.perf_counter() - began)
    return min(found)


def _restlessness(watch: Watch) -> float:
    """Mean change of the score between looks of the second half, as a share of the score."""
    late = np.array([row["score"] for row in watch.rows[len(watch.rows) // 2 :]])
    return float(np.abs(np.diff(late)).mean() / late.mean()) if len(late) > 1 else 0.0


def _first(watch: Watch) -> float:
    """Step of the first flag, or infinity."""
    return min((row["step"] for row in watch.rows if row["flagged"]), default=math.inf)


def _value(runs: list[Watch]) -> float:
    """Distance of nearest samples at the end of the runs."""
    return fmean(watch.rows[-1]["distinct"] for watch in runs)


def _sooner(runs: list[Watch], others: list[Watch]) -> bool:
    return min(map(_first, runs)) < min(map(_first, others))


def _end(runs: list[Watch]) -> str:
    return f"{_value(runs):.2f} of that of real pictures"


def _firsts(runs: list[Watch]) -> str:
    return ", ".join("none" if math.isinf(step) else f"step {step:.0f}" for step in map(_first, runs))


def _share(shares: list[float]) -> str:
    return ", ".join("no flag" if math.isinf(share) else f"{share:.1%}" for share in shares)


def _mean(values: list[float]) -> str:
    return f"{fmean(values):.3f}"


def _mib(size: float) -> str:
    return f"{size / 2**20:.1f} MiB"

"""GANs on pictures of 25 known kinds: do they make all kinds, and nothing else?

Two yardsticks judge the samples. The first knows the formulas of the kinds (`tests.benchmarks.known_kinds`). The second
knows only real pictures: precision and recall of Kynkäänniemi et al. 2019 (arXiv 1904.06991, equation 2), with 3
neighbours, in the space of a fixed random convolutional network. Both also judge sets of which everyone knows how good
they are (`tests.benchmarks.controls`).
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from models.core.features import features
from models.core.speed import threads
from models.core.watch import distances
from tests.benchmarks import controls
from tests.benchmarks.known_kinds import judged
from tests.benchmarks.modes import pictures, trained

SAMPLES, COMPARED, CONTROLS, NEIGHBOURS, THREADS = 2000, 512, 512, 3, 1
RELATIVISTIC = {"name": "dcgan", "loss": "relativistic", "gamma": 0.5, "momentum": 0.0}
AUTOMATIC = {"name": "stylegan2", "generator": {"z": 64, "w": 64, "width": 1024, "most": 32}}
RUNS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "dcgan, relativistic": (
        RELATIVISTIC,
        {"tiles": 8192, "batch": 16, "steps": 15000, "watched": False, "cooldown": 0.65, "ema_half_life": 500.0}
        | {"ema_ramp": 0.05, "speed": {"channels_last": True}},
    ),
    "stylegan2, automatic settings": (
        AUTOMATIC,
        {"tiles": 2048, "batch": 16, "steps": 1500, "lr": 2.5e-3, "ema_half_life": 100.0, "ema_ramp": 0.05},
    ),
}
"""Name of each training, its method, and its settings."""
TOY = {"SAMPLES": 16, "COMPARED": 16, "CONTROLS": 8} | {
    "RUNS": {
        "dcgan": (RELATIVISTIC, {"tiles": 64, "batch": 16, "steps": 2, "watched": False}),
        "stylegan2": (AUTOMATIC | {"generator": {"width": 64, "most": 4}}, {"tiles": 64, "batch": 16, "steps": 2}),
    }
}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    with threads(THREADS):
        return [*_controls(), *(row for name in RUNS for row in _trained(name))]


def _controls() -> list[tuple[str, str, str]]:
    rows = []
    for sets, bar in ((controls.right(CONTROLS, 8), "precision ≥ 0.99"), (controls.broken(CONTROLS, 9), "≤ 0.03")):
        for name, shown in sets.items():
            rows.append((f"modes: {name}: {WHAT}", _both(shown), bar))
    return rows


def _trained(name: str) -> list[tuple[str, str, str]]:
    method, settings = RUNS[name]
    began = time.process_time()
    model, watch, _ = trained(method, **settings)
    seconds = time.process_time() - began
    budget = f"{settings['steps']:,} steps of {settings['batch']}, {seconds:.0f} s of processor"
    rows = [(f"modes: {name}, {budget}: {WHAT}", _both(model.sample(range(SAMPLES), seed=1)), "≥ 0.8 / ≥ 0.8")]
    if watch.rows:
        rows.append((f"modes: {name}: step that the watch chose", f"{watch.kept['step']:.0f}", ""))
    return rows


WHAT = "precision / recall / parts / evenness; by neighbours: precision / recall"


def _both(shown: np.ndarray) -> str:
    """The figures of both yardsticks."""
    plain = judged(shown).figures().values()
    near = measured(pictures(COMPARED, 5)[0], shown[:COMPARED])
    return "; ".join(" / ".join(f"{value:.2f}" for value in values) for values in (plain, near))


def measured(real: np.ndarray, made: np.ndarray) -> tuple[float, float]:
    """Precision and recall by neighbours."""
    plain, other = features(real), features(made)
    mean, scale = plain.mean(axis=0), plain.std(axis=0) + 1e-3
    one, two = (((each - mean) / scale).astype(np.float64) for each in (plain, other))
    cross = distances(one, two)
    radii = [np.sort(distances(rows, rows), axis=1)[:, NEIGHBOURS] for rows in (one, two)]
    precision = (cross <= radii[0][:, None]).any(axis=0).mean()
    recall = (cross <= radii[1][None]).any(axis=1).mean()
    return float(precision), float(recall)

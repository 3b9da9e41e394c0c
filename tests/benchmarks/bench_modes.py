"""`stylegan2` on pictures of 25 known kinds: does it make all kinds, and nothing else?

Precision and recall are those of Kynkäänniemi et al. 2019 (arXiv 1904.06991, equation 2), with 3 neighbours, in the
space of a fixed random convolutional network. A sample's kind is that of its nearest real picture.
"""

from __future__ import annotations

import time

import numpy as np

from models.core.features import features
from models.core.speed import threads
from models.core.watch import distances
from tests.benchmarks.modes import pictures, trained

STEPS, TILES, SAMPLES, WIDTH, MOST = 1500, 2048, 512, 1024, 32
NEIGHBOURS, BATCH, THREADS = 3, 16, 1
TOY = {"STEPS": 2, "TILES": 64, "SAMPLES": 32, "WIDTH": 64, "MOST": 4}


def run() -> list[tuple[str, str, str]]:
    """Rows of the table."""
    with threads(THREADS):
        method = {"name": "stylegan2", "generator": {"z": 64, "w": 64, "width": WIDTH, "most": MOST}}
        began = time.process_time()
        model, watch, _ = trained(method, TILES, BATCH, STEPS, lr=2.5e-3, ema_half_life=100.0, ema_ramp=0.05)
        seconds = time.process_time() - began
        real, kinds = pictures(SAMPLES, 5)
        made = model.sample(range(SAMPLES), seed=1)
    precision, recall, nearest = measured(real, made)
    found = len(set(kinds[nearest].tolist()))
    what = f"32 px, {STEPS} steps of {BATCH}, {seconds:.0f} s of processor time"
    return [
        (f"modes: precision of stylegan2 ({what})", f"{precision:.2f}", "≥ 0.8"),
        (f"modes: recall of stylegan2 ({what})", f"{recall:.2f}", "≥ 0.8"),
        ("modes: kinds among the samples", f"{found} of 25", "25"),
        ("modes: step of the model, as the watch chose it", f"{watch.kept['step']:.0f}", ""),
    ]


def measured(real: np.ndarray, made: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Precision, recall, and the nearest real picture of each sample."""
    plain, other = features(real), features(made)
    mean, scale = plain.mean(axis=0), plain.std(axis=0) + 1e-3
    one, two = (((each - mean) / scale).astype(np.float64) for each in (plain, other))
    cross = distances(one, two)
    radii = [np.sort(distances(rows, rows), axis=1)[:, NEIGHBOURS] for rows in (one, two)]
    precision = (cross <= radii[0][:, None]).any(axis=0).mean()
    recall = (cross <= radii[1][None]).any(axis=1).mean()
    return float(precision), float(recall), cross.argmin(axis=0)

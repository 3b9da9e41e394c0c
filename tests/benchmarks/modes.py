"""Pictures of 25 known kinds, five shapes in five colours, for experiments with generators; and one short training."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import nn

from models.core.artifact import build_method, finished
from models.core.checkpoint import Checkpoints
from models.core.color_encoding import ColorEncoding
from models.core.config import LoopConfig, WatchConfig
from models.core.loop import Result, train
from models.core.method import Batch
from models.core.watch import Watch

COLORS = np.array([[200, 60, 50], [60, 160, 70], [60, 90, 200], [220, 190, 60], [150, 80, 170]])
PAPER, NOISE = 235, 4.0  # grey of the background; standard deviation of the noise of each pixel
JITTER = 3.0  # largest shift of a shape in 32nds of the side
RADIUS, SIZES = 0.28, (0.9, 1.1)  # radius of a shape as a share of the side, times a number between these


@cache
def pictures(count: int, seed: int, px: int = 32, noise: float = NOISE) -> tuple[np.ndarray, np.ndarray]:
    """Pictures uint8 (n, px, px, 3), and their kinds (n,), 0 to 24: 5 · shape + colour. `noise` moves no shape."""
    rng = np.random.default_rng(seed)
    kinds = rng.integers(25, size=count)
    out = np.full((count, px, px, 3), PAPER, np.float64)
    y, x = np.mgrid[:px, :px]
    for picture, kind in zip(out, kinds, strict=True):
        down, right = px / 2 + rng.uniform(-JITTER, JITTER, 2) * px / 32
        radius = RADIUS * px * rng.uniform(*SIZES)
        picture[shape(kind // 5, (y - down) / radius, (x - right) / radius)] = COLORS[kind % 5]
        picture += noise * rng.standard_normal(picture.shape)
    return np.clip(out, 0, 255).astype(np.uint8), kinds


def shape(number: int, y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Square, disc, triangle, cross or ring, where the shape reaches about from -1 to 1."""
    round_, ay, ax = np.hypot(y, x), np.abs(y), np.abs(x)
    shapes = (
        np.maximum(ay, ax) < 0.9,
        round_ < 1,
        (y > -1) & (y < 0.8) & (ax < 0.55 * (y + 1)),
        ((ax < 0.3) & (ay < 1)) | ((ay < 0.3) & (ax < 1)),
        (round_ < 1) & (round_ > 0.55),
    )
    return shapes[number]


class Endless:
    """A feed of random batches of pictures; each epoch is a new permutation."""

    def __init__(self, shown: np.ndarray, batch: int, seed: int, position: dict[str, Any] | None = None):
        self._images, self._batch = ColorEncoding().encode(shown), batch
        self._rng, self._next, self._drawn = np.random.default_rng(seed), [], 0
        while self._drawn < (position or {}).get("drawn", 0):
            self._rows()

    def __next__(self) -> Batch:
        return Batch({"image": torch.from_numpy(self._images[self._rows()])})

    def state(self) -> dict[str, Any]:
        return {"drawn": self._drawn}

    def _rows(self) -> list[int]:
        while len(self._next) < self._batch:
            self._next += self._rng.permutation(len(self._images)).tolist()
        rows, self._next = self._next[: self._batch], self._next[self._batch :]
        self._drawn += 1
        return rows


def trained(
    method: dict[str, Any],
    tiles: int,
    batch: int,
    steps: int,
    seed: int = 0,
    px: int = 32,
    watched: bool = True,
    **loop: Any,
) -> tuple[Any, Watch, Result]:
    """Train on `tiles` pictures; return the finished model, the watch, and the result.

    The model is the best snapshot; that of the last step if the training is not `watched`.
    """
    shown, held_out = pictures(tiles, 1, px)[0], pictures(64, 2, px)[0]
    config = {"method": method, "px": px, "gsd": None, "encoding": ColorEncoding().to_dict(), "classes": []}
    config |= {"training": {"batch": batch}, "data": {"tiles": tiles}}
    own = {"lr": 1e-3, "clip": 1e6, "warmup": 0, "cooldown": 0.0, "ema_half_life": 20.0, "log_every": steps}
    settings = LoopConfig(**{**own, "steps": steps, "checkpoint_every": steps, "picture_every": steps, **loop})
    torch.manual_seed(seed)
    untrained = build_method(config, settings.lr)

    def finish(networks: nn.ModuleDict) -> Any:
        return finished(untrained, networks, config, torch.device("cpu"))

    watch = Watch(
        WatchConfig(), steps, held_out, lambda networks: finish(networks).sample(range(64), 0), lambda _: None
    )
    with tempfile.TemporaryDirectory() as folder:
        result = train(
            *(untrained, settings, lambda position: Endless(shown, batch, seed, position), Accelerator(cpu=True)),
            *(Checkpoints(Path(folder)), seed, lambda *_: None, lambda *_: None),
            watch=watch if watched else None,
        )
    return finish(result.networks), watch, result

"""Watches an adversarial training for mode collapse, and keeps the best snapshot.

At each look, a fixed batch of latents is sampled and compared with held-out data in the space of `features`:

- diversity: mean distance between two samples, divided by that between two real pictures.
- distinct: mean distance of a sample to the nearest other one, divided by the same of real pictures. Samples of a few
  kinds can be far apart on average, but each has a twin.
- coverage: share of real pictures with a sample nearer than their fifth real neighbour.
- precision: share of samples nearer to some real picture than its fifth real neighbour.
- quality: harmonic mean of coverage and precision, times diversity where that is below 1. It chooses the snapshot.
- score: how near real pictures have a sample, and samples a real picture, compared with real pictures among each other.
  1 is that of the data, as for the first two. It cannot choose a snapshot: a blurred mean of all pictures is nearer to
  each than most pictures are to each other. Such means have a precision of 1, too, but hardly any diversity.

(Naeem et al. 2020, arXiv 2002.09797, equation 10; Kynkäänniemi et al. 2019, arXiv 1904.06991, equation 2.) A generator
that has collapsed makes a few pictures again and again: its diversity falls, and then its coverage.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.core.config import WatchConfig
from models.core.features import NAME, features

NEIGHBOURS = 5
LOGGED = ("diversity", "distinct", "coverage", "precision", "quality", "score", "flagged")
CLOSE = 0.95  # the newest snapshot with this share of the highest quality is kept
Draw = Callable[[nn.ModuleDict], np.ndarray]
"""Function of the averaged networks that samples the fixed latents: pictures uint8 (n, h, w, 3)."""


class Watch:
    """The watch of one training.

    Attributes:
        rows: one row of numbers for each look, with its `step` and whether it was `flagged`.
        best: the averaged weights of the best snapshot, on the CPU; None before the first look.
        kept: the row of that snapshot.
    """

    def __init__(self, config: WatchConfig, steps: int, real: np.ndarray, draw: Draw, say: Callable[[str], None]):
        """Describe the held-out data.

        Args:
            steps: planned steps of the run. real: held-out pictures uint8 (n, h, w, 3). say: called with a warning.
        """
        self._config, self._steps, self._draw, self._say = config, steps, draw, say
        self._every = config.every or max(1, steps // config.looks)
        plain = features(real)
        self._mean, self._scale = plain.mean(axis=0), plain.std(axis=0) + 1e-3
        self._real = self._scaled(plain)
        self._apart = distances(self._real, self._real)
        self._spread = _mean_off_diagonal(self._apart)
        near = np.sort(self._apart, axis=1)  # the first neighbour of each is itself
        self._radius, self._near = near[:, min(NEIGHBOURS, len(near) - 1)], float(near[:, 1].mean())
        self.rows: list[dict[str, float]] = []
        self.best: dict[str, Tensor] | None = None

    def due(self, done: int) -> bool:
        """Whether to look after `done` steps: also after the last."""
        return done % self._every == 0 or done == self._steps

    def look(self, done: int, networks: nn.ModuleDict, margin: float | None) -> dict[str, float]:
        """Look at the averaged networks after `done` steps; return the numbers to log.

        Args:
            margin: mean score of real minus that of generated pictures, if the method logs it.
        """
        found = self.measured(self._draw(networks))
        row = {"step": float(done), **found} | ({} if margin is None else {"margin": margin})
        self.rows.append(row)
        reason = collapsed(self.rows, self._config, self._steps)
        row["flagged"] = float(reason is not None)
        if reason is not None and not (len(self.rows) > 1 and self.rows[-2]["flagged"]):
            self._say(f"warning: step {done}: the generator seems to collapse: {reason}")
        if self.best is None or row["quality"] >= CLOSE * max(row["quality"] for row in self.rows):
            self.best = {name: value.detach().cpu().clone() for name, value in networks.state_dict().items()}
        return {f"watch/{name}": row[name] for name in LOGGED}

    def measured(self, pictures: np.ndarray) -> dict[str, float]:
        """Diversity, coverage, precision, quality and score of pictures uint8 (n, h, w, 3)."""
        fake = self._scaled(features(pictures))
        cross = distances(self._real, fake)
        inside = cross <= self._radius[:, None]
        coverage, precision = float(inside.any(axis=1).mean()), float(inside.any(axis=0).mean())
        among = distances(fake, fake)
        diversity = _mean_off_diagonal(among) / max(self._spread, 1e-9)
        distinct = float(np.sort(among, axis=1)[:, 1].mean()) / max(self._near, 1e-9)
        missed, foreign = float(cross.min(axis=1).mean()), float(cross.min(axis=0).mean())
        score = 2 * self._near / max(missed + foreign, 1e-9)
        quality = min(1.0, diversity) * 2 * coverage * precision / max(coverage + precision, 1e-9)
        shares = {"coverage": coverage, "precision": precision, "quality": float(quality), "score": score}
        return {"diversity": float(diversity), "distinct": distinct, **shares}

    @property
    def kept(self) -> dict[str, float]:
        """The row of the best snapshot."""
        top = max(row["quality"] for row in self.rows)
        # Rows before a later, higher value were kept once, and replaced.
        return [row for row in self.rows if row["quality"] >= CLOSE * top][-1]

    @property
    def stop(self) -> bool:
        """Whether the patience is over: every look of the last `patience` steps had a flag."""
        if self._config.patience is None or not self.rows:
            return False
        since = self.rows[-1]["step"]
        for row in reversed(self.rows):
            if not row["flagged"]:
                return False
            if since - row["step"] >= self._config.patience:
                return True
        return False

    def facts(self) -> dict[str, Any]:
        """Which snapshot is kept and why, for `config.json`."""
        kept, top = self.kept, max(row["quality"] for row in self.rows)
        flagged = [int(row["step"]) for row in self.rows if row["flagged"]]
        reason = "the last look" if kept is self.rows[-1] else "later ones cover less, or look less real"
        numbers = {name: round(kept[name], 4) for name in ("diversity", "coverage", "precision", "quality")}
        return {
            "step": int(kept["step"]),
            "why": f"newest of {len(self.rows)} looks with at least {CLOSE:.0%} of the highest quality; {reason}",
            **numbers,
            "highest_quality": round(top, 4),
            "space": NAME,
            "flagged_steps": flagged,
        }

    def state(self) -> dict[str, Any]:
        """JSON values for a checkpoint; `best` is kept beside them."""
        return {"rows": self.rows}

    def restore(self, state: dict[str, Any], best: dict[str, Tensor] | None) -> None:
        """Go on from `state` and `best` of a checkpoint."""
        self.rows, self.best = [dict(row) for row in state["rows"]], best

    def _scaled(self, plain: np.ndarray) -> np.ndarray:
        return ((plain - self._mean) / self._scale / np.sqrt(plain.shape[1])).astype(np.float64)


def collapsed(rows: list[dict[str, float]], config: WatchConfig, steps: int) -> str | None:
    """The reason why the newest of `rows` counts as collapsed, or None.

    An untrained generator makes one picture from all latents, so low numbers count only after they have been high once,
    or after `grace` of the run. Twins count at once: without collapse, the distance to the nearest sample grows as fast
    as that between all.
    """
    newest, risen_at = rows[-1], config.grace * steps
    if newest["distinct"] < config.low * newest["diversity"]:
        share = newest["distinct"] / newest["diversity"]
        return (
            f"each sample has a twin: nearest samples differ by {share:.0%} of what real pictures do, compared with all"
        )
    for name, what in (("diversity", "samples differ"), ("distinct", "a sample and its nearest twin differ")):
        value, top = newest[name], max(row[name] for row in rows)
        if top < config.low and newest["step"] < risen_at:
            continue
        if value < config.low:
            return f"{what} by {value:.0%} of what real pictures do"
        if value < config.fallen * min(top, 1.0):
            return f"{what} by {value:.0%} of what real pictures do; it was {top:.0%}"
    return None


def distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Euclidean distances (n, m) of rows (n, d) and (m, d)."""
    squared = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return np.sqrt(np.maximum(squared, 0))


def _mean_off_diagonal(matrix: np.ndarray) -> float:
    n = len(matrix)
    return float((matrix.sum() - np.trace(matrix)) / max(n * (n - 1), 1))


def load(networks: nn.ModuleDict, best: dict[str, Tensor]) -> None:
    """Put the weights of a snapshot into the averaged networks."""
    with torch.no_grad():
        networks.load_state_dict(best)

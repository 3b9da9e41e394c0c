"""What a painter's work is measured by, beside its heights: its light, its variety, its colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.terrain_gan.painter import Painted, Painter
from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.evaluate.painting.plots import leakages, paintings, singles
from tasks.evaluate.painting.shadows import AZIMUTHS, Leakage, leakage
from tasks.evaluate.painting.variety import pairwise, repetition
from tasks.evaluate.real_tiles import whole_tiles
from tasks.formats.shards.shardset import ShardSet

BATCH = 16
SHOWN = 6
SINGLES = 6  # paintings of one map of one class
CLASSES = 4  # classes that are painted alone: the most common ones


@dataclass(frozen=True)
class Paintings:
    """Maps of held-out tiles, painted, beside the tiles: labels (n, H, W), color (n, H, W, 3), height (n, H, W)."""

    labels: np.ndarray
    color: np.ndarray
    height: np.ndarray
    painted: Painted


def paint_held_out(stage: Stage[Any], painter: Painter, shards: ShardSet, count: int) -> Paintings:
    """Paint the maps of up to `count` held-out tiles; more paintings than maps take maps again with other seeds."""
    real = whole_tiles(stage, shards, "val", count, ("height", "color", "label"), key="maps")
    if not len(real["height"]):
        raise LandloomError(f"{shards.folder}: no held-out tile is whole; loosen select.val_share or the rules")
    chosen = np.resize(np.arange(len(real["height"])), count)
    parts = []
    for start in stage.progress(range(0, count, BATCH), what="batches of paintings"):
        maps = real["label"][chosen[start : start + BATCH]]
        try:
            parts.append(painter.paint(maps, seed=stage.seed + start))
        except ValueError as error:
            raise LandloomError(f"{shards.folder}: its maps do not fit the model: {error}") from None
    painted = Painted(*(np.concatenate([getattr(part, name) for part in parts]) for name in _FIELDS))
    return Paintings(*(real[name][chosen] for name in ("label", "color", "height")), painted)


_FIELDS = ("texture", "shaded", "height")


def judge_paintings(stage: Stage[Any], painter: Painter, work: Paintings) -> dict[str, Any]:
    """Numbers for `metrics.json`; draws the pictures.

    `shadow_leakage`: of `texture`, `shaded` and `real`: leak, low, high, and correlations by azimuth.
    `variety`: by class, with the noise of each pixel on and off: mean pairwise distance of colours (0..255) and of
    heights (metres), and the highest peak of the autocorrelation.
    `color_distance`: mean over red, green and blue of Wasserstein's distance of the pixels' values, 0..255.
    """
    gsd, draws = painter.gsd, stage.params.bootstrap
    leaks = {
        name: leakage(color, height, work.labels, gsd, draws, stage.rng("leakage"))
        for name, color, height in (
            ("texture", work.painted.texture, work.painted.height),
            ("shaded", work.painted.shaded, work.painted.height),
            ("real", work.color, work.height),
        )
    }
    variety, sheets = _variety(stage, painter, work.labels)
    stage.picture("paintings", paintings(work, gsd, painter.classes, SHOWN))
    stage.picture("shadow_leakage", leakages(leaks))
    stage.picture("single_class", singles(sheets))
    return {
        "shadow_leakage": {name: _leak_facts(found) for name, found in leaks.items()},
        "variety": variety,
        "color_distance": _color_distance(work.painted.shaded, work.color),
    }


def _variety(stage: Stage[Any], painter: Painter, labels: np.ndarray) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Measures and pictures of maps of one class alone, twice as wide as a tile."""
    ids, counts = np.unique(labels[labels < len(painter.classes)], return_counts=True)
    common = np.sort(ids[np.argsort(-counts, kind="stable")][:CLASSES])
    side = 2 * painter.px // painter.stride * painter.stride
    found, sheets = {}, {}
    for number in common.tolist():
        name, maps = painter.classes[number]["name"], np.full((SINGLES, side, side), number, np.uint8)
        found[name] = {}
        for switch, noise in (("on", 1.0), ("off", 0.0)):
            work = painter.paint(maps, seed=stage.seed, noise=noise)
            luma = work.texture.astype(np.float64) @ (0.299, 0.587, 0.114)
            found[name][switch] = {
                "color_distance": pairwise(work.texture),
                "height_distance_m": pairwise(work.height),
                "autocorrelation_peak": float(np.mean([repetition(picture) for picture in luma])),
            }
            sheets[f"{name}, noise {switch}"] = work.texture[:3]
    return found, sheets


def _leak_facts(found: Leakage) -> dict[str, Any]:
    curve = {f"{azimuth:g}": float(value) for azimuth, value in zip(AZIMUTHS, found.curve, strict=True)}
    return {"leak": found.leak, "low": found.low, "high": found.high, "by_azimuth": curve}


def _color_distance(one: np.ndarray, other: np.ndarray) -> float:
    """First Wasserstein distance of two sets of byte values: the area between their distribution functions."""
    areas = []
    for band in range(3):
        counts = [np.bincount(pictures[..., band].ravel(), minlength=256) for pictures in (one, other)]
        shares = [np.cumsum(count) / count.sum() for count in counts]
        areas.append(np.abs(shares[0] - shares[1]).sum())
    return float(np.mean(areas))


def flat_paintings(result: dict[str, Any]) -> dict[str, float]:
    """What a table of runs can show."""
    out = {f"shadow_leakage/{name}": facts["leak"] for name, facts in result["shadow_leakage"].items()}
    for switch in ("on", "off"):
        for measure in ("color_distance", "height_distance_m", "autocorrelation_peak"):
            values = [facts[switch][measure] for facts in result["variety"].values()]
            out[f"single_class_{measure}/noise_{switch}"] = float(np.mean(values))
    return {**out, "color_distance": result["color_distance"]}

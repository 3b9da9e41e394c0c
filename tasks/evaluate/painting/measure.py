"""Measures of paintings: heights are judged as terrain; light, variety and colours are measured, too."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from tasks.core.errors import LandloomError
from tasks.core.stage import Stage
from tasks.evaluate.account import Account, Group, Metric, Picture
from tasks.evaluate.frame import judge_tiles, real_tiles
from tasks.evaluate.painting.paintings import Paintings
from tasks.evaluate.painting.plots import leakages, paintings, singles
from tasks.evaluate.painting.shadows import AZIMUTHS, Leakage, leakage
from tasks.evaluate.painting.variety import pairwise, repetition
from tasks.evaluate.params import Params
from tasks.evaluate.real_tiles import whole_tiles
from tasks.evaluate.terrain.medium import ground_distance, terrain
from tasks.formats.shards.shardset import ShardSet

BATCH = 16
SHOWN = 6
SINGLES = 6  # paintings of one map of one class
CLASSES = 4  # classes that are painted alone: the most common ones
FIELDS = ("texture", "shaded", "height")
OF = {"texture": "the texture", "shaded": "the texture in the sun", "real": "real tiles"}
ALONE = {
    "color_distance": "difference in colour of two paintings of one class, 0 to 255",
    "height_distance_m": "difference in height of two paintings of one class, metres",
    "autocorrelation_peak": "repetition within a painting of one class (1 repeats wholly)",
}
TEXTS = {
    "paintings": "Maps of held-out tiles and what was painted from them, beside the tiles themselves.",
    "shadow_leakage": "Lightness against hillshades from all sides: what rises at the sun is light.",
    "single_class": "Maps of one class alone, painted with the noise of each pixel and without.",
}
LIGHT = (
    "Lightness is correlated with the hillshade of the painting's own heights. Shadow leakage is the correlation at "
    "the sun of the training data less the mean over all directions: 0 in a texture without light."
)
VARIETY = "Maps of one class alone are painted several times with the noise of each pixel, and without it."


def measure(stage: Stage[Params], model: Any, shards: ShardSet) -> Account:
    """Paint held-out maps; compare heights with held-out terrain and pictures with photographs of the same places."""
    if stage.params.steps != [1]:
        raise LandloomError("evaluate.steps: a painter paints in one evaluation; set it to [1]")
    medium = terrain(ground_distance(shards, model))
    real = real_tiles(stage, medium, shards)
    started = time.monotonic()
    work = paint_held_out(stage, model, shards, stage.params.samples)
    stage.timing({"ms_per_sample/steps1": 1000 * (time.monotonic() - started) / stage.params.samples})
    account = judge_tiles(stage, medium, shards, real, {"steps1": work.painted.height})
    found = account.details["paintings"] = judge_paintings(stage, model, work)
    account.metrics += painting_metrics(found)
    account.pictures[1:1] = [Picture("paintings", TEXTS["paintings"])]
    account.pictures += [Picture("shadow_leakage", TEXTS["shadow_leakage"], "light")]
    account.pictures += [Picture("single_class", TEXTS["single_class"], "variety")]
    account.groups[:0] = [
        Group("light", "Is the sun painted into the texture?", [LIGHT]),
        Group("variety", "Does one class come out different each time?", [VARIETY]),
        Group("colours", "Are the colours right?", folded=True),
    ]
    return account


def paint_held_out(stage: Stage[Any], painter: Any, shards: ShardSet, count: int) -> Paintings:
    """Paint maps of held-out tiles, `count` paintings; if maps are fewer, they are used again with other seeds."""
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
    # The model's own class of paintings, of all batches together.
    painted = type(parts[0])(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS})
    return Paintings(*(real[name][chosen] for name in ("label", "color", "height")), painted)


def judge_paintings(stage: Stage[Any], painter: Any, work: Paintings) -> dict[str, Any]:
    """Numbers for `metrics.json`; draws the pictures.

    `shadow_leakage`: leak, low, high, and correlations by azimuth, for `texture`, `shaded` and `real`.
    `variety`: mean pairwise distance of colours (0..255) and of heights (metres), and the highest peak of the
    autocorrelation; for each class, with the noise of each pixel on and off.
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


def _variety(stage: Stage[Any], painter: Any, labels: np.ndarray) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
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


def painting_metrics(found: dict[str, Any]) -> list[Metric]:
    """The numbers of `judge_paintings` that a table of runs can show."""
    leaks = found["shadow_leakage"]
    out = [
        Metric(
            f"shadow_leakage/{name}", f"shadow leakage of {OF[name]}", facts["leak"], facts["low"], facts["high"],
            None if name == "real" else leaks["real"]["leak"], "lower", "light",
        )
        for name, facts in leaks.items()
    ]  # fmt: skip
    for switch in ("on", "off"):
        for measure, title in ALONE.items():
            value = float(np.mean([facts[switch][measure] for facts in found["variety"].values()]))
            name = f"single_class_{measure}/noise_{switch}"
            better = "lower" if measure == "autocorrelation_peak" else "higher"
            out.append(Metric(name, f"{title}, noise {switch}", value, better=better, group="variety"))
    title = "Wasserstein distance of pixel values to those of the real tiles, 0 to 255"
    return [*out, Metric("color_distance", title, found["color_distance"], group="colours")]

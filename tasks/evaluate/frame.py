"""One evaluation for every product: distances, floors, controls, memorisation, and FID if a network is configured."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from tasks.core.hashing import dvc_md5
from tasks.core.stage import Stage
from tasks.evaluate import plots, words
from tasks.evaluate.account import Account, Group, Measure, Metric, Picture, TileSet
from tasks.evaluate.compare import Comparison, compare, measures_of
from tasks.evaluate.fid import DRAWS, Inception, frechet
from tasks.evaluate.floors import interval, resample
from tasks.evaluate.medium import Medium
from tasks.evaluate.memorisation import Nearest, judge, nearest, pose
from tasks.evaluate.params import Params
from tasks.evaluate.real_tiles import READ, whole_tiles
from tasks.formats.shards.shardset import ShardSet

PAIRS = 8  # number of closest pairs in the picture
FLOORS = (
    TileSet("floor_halves", "held-out tiles, other half", "floor: held-out halves", "floor"),
    TileSet("floor_train", "training tiles", "floor: training tiles", "floor"),
)
FID = Measure("fid", "FID", "lower")


def judge_tiles(
    stage: Stage[Params],
    medium: Medium,
    shards: ShardSet,
    real: dict[str, np.ndarray],
    generated: dict[str, np.ndarray],
) -> Account:
    """Judge sets of generated tiles; draw the pictures.

    Args:
        real: the tiles `train` and `val`. generated: sets `steps<n>`; the headline's set is last.

    Raises:
        LandloomError: too few tiles, or the Inception file cannot be used.
    """
    pinned = stage.params.inception
    own = pinned is not None and medium.space is None  # else the space has loaded it
    inception = Inception(stage.root / pinned.path, pinned.sha256) if own else None
    started = time.monotonic()
    options = {"projections": stage.params.projections, "bootstrap": stage.params.bootstrap, "seed": stage.seed}
    found = compare(real["train"], real["val"], generated, medium, **options)
    stage.timing({"compare_seconds": time.monotonic() - started})
    named = named_sets(medium, generated)
    details = dict(found.numbers)
    details["memorisation"] = _memorisation(stage, medium, shards, real["val"], generated)
    details["fid"] = _fid(stage, inception, medium, real, found, generated)
    _draw(stage, medium, found, real["val"], generated, named)
    return _account(medium, found, details, named, list(generated))


def named_sets(medium: Medium, generated: Iterable[str]) -> dict[str, TileSet]:
    """Title, label and kind of each set by its name: floors, controls, then the generated sets."""
    controls = [
        TileSet(f"control_{name}", control.title, f"control: {control.label}", "control")
        for name, control in medium.known.items()
    ]
    return {each.name: each for each in (*FLOORS, *controls, *(_model_set(name) for name in generated))}


def _model_set(name: str) -> TileSet:
    count = name.removeprefix("steps")
    steps = f"{count} step{'' if count == '1' else 's'}"
    return TileSet(name, f"model, {steps}", f"generated, {steps}", "generated")


def _account(
    medium: Medium, found: Comparison, details: dict[str, Any], named: dict[str, TileSet], generated: list[str]
) -> Account:
    sets, fid, noun = details["sets"], details["fid"].get("sets", {}), medium.noun
    measures = [*measures_of(medium), *([FID] if fid else [])]
    scores = {name: {**values, **({"fid": fid[name]} if fid else {})} for name, values in sets.items()}
    metrics = [
        _distance(measure, named[name], values[measure.name], scores["floor_train"][measure.name])
        for name, values in scores.items()
        for measure in measures
    ]
    baseline = medium.known[medium.baseline].title
    for measure, verdicts in details["worse_than_floor"].items():
        title = next(each.title for each in measures if each.name == measure)
        share = sum(verdicts.values()) / len(verdicts)
        text = f"share of controls that {title} tells from real {noun}"
        metrics.append(Metric(f"controls_worse/{measure}", text, share, better="higher", group="trust"))
    for name, share in details["below_noise"].items():
        text = f"share of draws in which {named[name].title} is nearer than {baseline}"
        metrics.append(Metric(f"below_noise/{name}", text, share, better="higher", group="trust"))
    for name, values in details["memorisation"].items():
        metrics += _repeats(named[name].title, name, values)
    kinds = ("generated", "floor", "control")
    first = measures[0]
    order = sorted(sets, key=lambda name: (kinds.index(named[name].kind), sets[name][first.name]["mean"], name))
    findings = [words.finding(sets, named, first, name, noun) for name in order if named[name].kind == "generated"]
    memory = [words.memorised(named[name].title, values) for name, values in details["memorisation"].items()]
    return Account(
        headline=f"{first.name}/{generated[-1]}",
        metrics=metrics,
        measures=measures,
        sets=[named[name] for name in order],
        findings=findings,
        cautions=words.cautions(details["worse_than_floor"], named, measures, noun),
        notes=[f"{medium.space.note}." if medium.space is not None else f"FID: {details['fid']['note']}."],
        groups=[
            Group("memorisation", "Does it repeat its training tiles?", memory),
            Group("trust", "Which bad sets do the measures call bad?", folded=True),
            Group("descriptors", "Every descriptor, one by one", folded=True),
        ],
        pictures=_pictures(medium, named, generated),
        details=details,
        matrices=found.matrices,
        descriptors=found.names,
    )


def _distance(measure: Measure, of: TileSet, value: dict[str, float], floor: dict[str, float]) -> Metric:
    return Metric(
        f"{measure.name}/{of.name}",
        f"{measure.title}, {of.title}",
        value["mean"],
        value["low"],
        value["high"],
        None if of.kind == "floor" else floor["mean"],
        measure.better,
        "distances",
        measure.name,
        of.name,
    )


def _repeats(title: str, name: str, values: dict[str, Any]) -> list[Metric]:
    """The numbers of the memorisation check; their floors are the values that held-out tiles would give."""
    told: list[tuple[str, str, float, Any]] = [
        ("ratio", f"distance to the nearest training tile over that of held-out tiles, {title}", 1.0, "higher"),
        ("suspicious_share", f"share of suspiciously near samples, {title}", values["expected_share"], "lower"),
        ("copies", f"samples that look like copies, {title}", 0.0, "lower"),
    ]
    return [
        Metric(f"memorisation_{key}/{name}", text, values[key], floor=floor, better=better, group="memorisation")
        for key, text, floor, better in told
    ]


def _pictures(medium: Medium, named: dict[str, TileSet], generated: list[str]) -> list[Picture]:
    found = [
        Picture("tiles", medium.texts["tiles"]),
        Picture("distances", "Distance of every set to held-out real tiles; shorter is closer."),
    ]
    if medium.curves is not None:
        found.append(Picture("curves", medium.texts["curves"]))
    for name in generated:
        text = f"{medium.texts['nearest']} {words.capital(named[name].title)}."
        found.append(Picture(f"nearest_{name}", text, "memorisation"))
    text = "Which descriptor is how far off in which set."
    return [*found, Picture("descriptors", text, "descriptors")]


def _draw(
    stage: Stage[Params],
    medium: Medium,
    found: Comparison,
    val: np.ndarray,
    generated: dict[str, np.ndarray],
    named: dict[str, TileSet],
) -> None:
    sets = found.numbers["sets"]
    bad = {f"control_{name}": tiles for name, tiles in found.controls.items()}
    baseline = f"control_{medium.baseline}"
    labels = {"val": "held out", **{name: each.label for name, each in named.items()}}
    stage.picture("distances", plots.distances(sets, found.numbers["sample_size"], named, measures_of(medium)[0]))
    stage.picture("descriptors", plots.descriptors(sets, found.names, named))
    if medium.curves is not None:
        stage.picture("curves", medium.curves({"val": val, **generated, baseline: bad[baseline]}, labels))
    stage.picture("tiles", medium.tiles({"val": val, **generated, **bad}, labels))


def _memorisation(
    stage: Stage[Params], medium: Medium, shards: ShardSet, val: np.ndarray, generated: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Search the whole training split except tiles with voids; draw the closest pairs."""
    rows = shards.rows("train")
    small, whole = [], []
    for start in range(0, len(rows), READ):
        part = rows[start : start + READ]
        tiles = shards.batch(part, (medium.layer,))[medium.layer]
        keep = np.isfinite(tiles).reshape(len(tiles), -1).all(axis=1)
        small.append(medium.thumbnails(tiles[keep]))
        whole.append(part[keep])
    train, rows = np.concatenate(small), np.concatenate(whole)
    held_out = nearest(medium.thumbnails(val), train, medium.epsilon)
    out: dict[str, Any] = {}
    for name, tiles in generated.items():
        found = nearest(medium.thumbnails(tiles), train, medium.epsilon)
        out[name] = judge(found, held_out)
        closest = np.argsort(found.distances, kind="stable")[:PAIRS]
        out[name]["closest"] = [_pair(shards, rows, found, index) for index in closest.tolist()]
        turned = np.stack([_turned(tiles[index], found.poses[index]) for index in closest.tolist()])
        partners = shards.batch(rows[found.rows[closest]], (medium.layer,))[medium.layer]
        figure = medium.pairs(turned, partners, found.distances[closest], out[name]["threshold"])
        stage.picture(f"nearest_{name}", figure)
    return out


def _turned(tile: np.ndarray, which: int) -> np.ndarray:
    """A tile (S, S) or (S, S, 3) in one of the eight poses."""
    return pose(tile, which) if tile.ndim == 2 else np.moveaxis(pose(np.moveaxis(tile, -1, 0), which), 0, -1)


def _pair(shards: ShardSet, rows: np.ndarray, found: Nearest, index: int) -> dict[str, Any]:
    key = str(shards.index["key"].iat[int(rows[found.rows[index]])])
    return {"sample": index, "tile": key, "distance": float(found.distances[index]), "pose": int(found.poses[index])}


def _fid(
    stage: Stage[Params],
    inception: Inception | None,
    medium: Medium,
    real: dict[str, np.ndarray],
    found: Comparison,
    generated: dict[str, np.ndarray],
) -> dict[str, Any]:
    """FID of every set at the sample sizes of the other measures, or the reason why FID is missing."""
    if medium.space is not None:
        return {"note": medium.space.note, **medium.space.facts}
    if inception is None:
        return {"note": "left out: evaluate.inception names no network"}
    as_images, facts = medium.images(real["train"])
    features = {
        name: inception.features(tiles, as_images)
        for name, tiles in {"val": real["val"], "train": real["train"], **found.controls, **generated}.items()
    }
    paired, free = {name: features[name] for name in found.controls}, {name: features[name] for name in generated}
    draws = resample(
        lambda reference, other: np.array([frechet(other, reference)]),
        *(features["val"], features["train"], paired, free),
        *(min(DRAWS, stage.params.bootstrap), stage.seed),
    )
    size, width = found.numbers["sample_size"], features["val"].shape[1]
    return {
        "note": f"{size} tiles against {size}"
        + (f", fewer than the {width} features: compare with the floors only" if size <= width else ""),
        "network_md5": dvc_md5(inception.path),
        "network_sha256": inception.sha256,
        **facts,
        "sets": {name: interval(values[:, 0]) for name, values in draws.items()},
    }


def real_tiles(stage: Stage[Params], medium: Medium, shards: ShardSet) -> dict[str, np.ndarray]:
    """Whole tiles of `train` and `val`, up to `evaluate.tiles` of each."""
    most, layer = stage.params.tiles, medium.layer
    return {split: whole_tiles(stage, shards, split, most, (layer,))[layer] for split in ("train", "val")}

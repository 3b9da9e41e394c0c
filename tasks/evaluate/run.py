"""Evaluate a model: sample it, and measure how far its terrain is from held-out terrain."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.core.artifact import Generator, load_model
from models.terrain_gan.painter import Painter
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_dir, write_json
from tasks.core.hashing import dvc_md5
from tasks.core.stage import Stage
from tasks.evaluate import plots as pictures
from tasks.evaluate.compare import MEASURES, Comparison, compare
from tasks.evaluate.fid import DRAWS, Inception, frechet, height_range
from tasks.evaluate.floors import interval, resample
from tasks.evaluate.memorisation import Nearest, judge, nearest, pose, thumbnails
from tasks.evaluate.painting.measure import Paintings, flat_paintings, judge_paintings, paint_held_out
from tasks.evaluate.params import Params
from tasks.evaluate.real_tiles import READ, whole_tiles
from tasks.formats.shards.shardset import ShardSet
from tasks.formats.tables.table import write_table

BATCH = 32  # samples between two lines of progress
PAIRS = 8  # closest pairs that are drawn


def run(stage: Stage[Params]) -> None:
    """Floors, controls and every number of steps side by side; memorisation; FID where there is a network."""
    shards, model = ShardSet(stage.dir / "shards"), _model(stage.dir / "model")
    gsd = _gsd(shards, model)
    pinned = stage.params.inception
    inception = Inception(stage.root / pinned.path, pinned.sha256) if pinned is not None else None
    train, val = (whole_tiles(stage, shards, split, stage.params.tiles)["height"] for split in ("train", "val"))
    paintings: Paintings | None = None
    if isinstance(model, Painter):
        paintings = _paint(stage, model, shards)
        generated = {"steps1": paintings.painted.height}
    else:
        generated = {f"steps{steps}": _sample(stage, model, steps) for steps in stage.params.steps}

    started = time.monotonic()
    options = {"projections": stage.params.projections, "bootstrap": stage.params.bootstrap, "seed": stage.seed}
    found = compare(train, val, generated, gsd, **options)
    stage.timing({"compare_seconds": time.monotonic() - started})

    result = {"gsd": gsd, "px": shards.px, "seed": stage.seed, **found.numbers, "bootstrap": stage.params.bootstrap}
    result["memorisation"] = _memorisation(stage, shards, val, generated, gsd)
    result["fid"] = _fid(stage, inception, train, val, found, generated)
    if isinstance(model, Painter) and paintings is not None:
        result["paintings"] = judge_paintings(stage, model, paintings)
    with atomic_dir(stage.dir / "evaluation") as folder:
        write_json(folder / "metrics.json", result)
        _write_descriptors(found, folder / "descriptors.parquet")
    _draw(stage, found, val, generated, gsd)
    for measure in MEASURES:
        values = {name: facts[measure]["mean"] for name, facts in result["sets"].items()}
        stage.plot(measure, [{"set": name, "value": value} for name, value in values.items()])
    stage.metrics(_flat(result))
    _tell(stage, result)


def _model(folder: Path) -> Generator | Painter:
    try:
        return load_model(folder)
    except ValueError as error:
        raise LandloomError(f"{error}; run `dvc repro` to train it again") from None


def _gsd(shards: ShardSet, model: Generator | Painter) -> float:
    if shards.card["gsd"] is None:
        raise LandloomError(f"{shards.folder}: the tiles have no GSD; relief can only be measured where metres are")
    if (model.px, model.gsd) != (shards.px, shards.card["gsd"]):
        raise LandloomError(
            f"the model makes {model.px} pixels at {model.gsd} m, the shards hold {shards.px} at "
            f"{shards.card['gsd']} m; train it again on these shards (`dvc repro` does)"
        )
    return float(shards.card["gsd"])


def _sample(stage: Stage[Params], generator: Generator, steps: int) -> np.ndarray:
    """Heights from the model, (N, px, px) metres; the same noise for every number of steps."""
    out, started = [], time.monotonic()
    for start in stage.progress(range(0, stage.params.samples, BATCH), what=f"batches, {steps} steps"):
        indices = np.arange(start, min(start + BATCH, stage.params.samples))
        try:
            out.append(generator.sample(indices, seed=stage.seed, steps=steps))
        except ValueError as error:
            raise LandloomError(f"evaluate.steps: {error}") from None
    seconds = (time.monotonic() - started) / stage.params.samples
    stage.timing({f"ms_per_sample/steps{steps}": 1000 * seconds})
    heights = np.concatenate(out)
    broken = int((~np.isfinite(heights).all(axis=(1, 2))).sum())
    if broken:
        raise LandloomError(
            f"{stage.dir / 'model'}: {broken} of {len(heights)} samples at {steps} steps hold heights that are not "
            "numbers: the training diverged; lower train.lr and train again"
        )
    return heights


def _paint(stage: Stage[Params], painter: Painter, shards: ShardSet) -> Paintings:
    if stage.params.steps != [1]:
        raise LandloomError("evaluate.steps: a painter paints in one evaluation; set it to [1]")
    started = time.monotonic()
    work = paint_held_out(stage, painter, shards, stage.params.samples)
    stage.timing({"ms_per_sample/steps1": 1000 * (time.monotonic() - started) / stage.params.samples})
    return work


def _memorisation(
    stage: Stage[Params], shards: ShardSet, val: np.ndarray, generated: dict[str, np.ndarray], gsd: float
) -> dict[str, Any]:
    """Search the whole training split, void tiles aside; draw the closest pairs."""
    rows = shards.rows("train")
    small, whole = [], []
    for start in range(0, len(rows), READ):
        heights = shards.heights(rows[start : start + READ])
        keep = np.isfinite(heights).all(axis=(1, 2))
        small.append(thumbnails(heights[keep]))
        whole.append(rows[start : start + READ][keep])
    train, rows = np.concatenate(small), np.concatenate(whole)
    held_out = nearest(thumbnails(val), train)
    out: dict[str, Any] = {}
    for name, heights in generated.items():
        found = nearest(thumbnails(heights), train)
        out[name] = judge(found, held_out)
        closest = np.argsort(found.distances, kind="stable")[:PAIRS]
        out[name]["closest"] = [_pair(shards, rows, found, index) for index in closest.tolist()]
        turned = np.stack([pose(heights[index], found.poses[index]) for index in closest.tolist()])
        partners = shards.heights(rows[found.rows[closest]])
        figure = pictures.pairs(turned, partners, found.distances[closest], gsd, out[name]["threshold"])
        stage.picture(f"nearest_{name}", figure)
    return out


def _pair(shards: ShardSet, rows: np.ndarray, found: Nearest, index: int) -> dict[str, Any]:
    key = str(shards.index["key"].iat[int(rows[found.rows[index]])])
    return {"sample": index, "tile": key, "distance": float(found.distances[index]), "pose": int(found.poses[index])}


def _fid(
    stage: Stage[Params],
    inception: Inception | None,
    train: np.ndarray,
    val: np.ndarray,
    found: Comparison,
    generated: dict[str, np.ndarray],
) -> dict[str, Any]:
    """FID of every set at the sizes of the other measures, or why there is none."""
    if inception is None:
        return {"note": "left out: evaluate.inception names no network"}
    low, high = height_range(train)
    features = {
        name: inception.features(heights, low, high)
        for name, heights in {"val": val, "train": train, **found.controls, **generated}.items()
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
        "grey_range_m": [low, high],
        "sets": {name: interval(values[:, 0]) for name, values in draws.items()},
    }


def _write_descriptors(found: Comparison, path: Path) -> None:
    """Every descriptor of every tile: columns `set`, `index` and the descriptors."""
    frames = [
        pd.DataFrame(matrix, columns=found.names).assign(set=name, index=np.arange(len(matrix)))
        for name, matrix in found.matrices.items()
    ]
    fields = [("set", pa.string()), ("index", pa.int64()), *((name, pa.float64()) for name in found.names)]
    write_table(pd.concat(frames, ignore_index=True), path, pa.schema(fields))


def _draw(
    stage: Stage[Params], found: Comparison, val: np.ndarray, generated: dict[str, np.ndarray], gsd: float
) -> None:
    sets = found.numbers["sets"]
    noise = {"control_noise": found.controls["noise"]}
    bad = {f"control_{name}": heights for name, heights in found.controls.items()}
    stage.picture("distances", pictures.distances(sets, found.numbers["sample_size"]))
    stage.picture("descriptors", pictures.descriptors(sets, found.names))
    stage.picture("curves", pictures.curves({"val": val, **generated, **noise}, gsd))
    stage.picture("tiles", pictures.tiles({"val": val, **generated, **bad}, gsd))


def _flat(result: dict[str, Any]) -> dict[str, float | int]:
    """`swd/steps1`, `swd/floor_halves_high`, …: what a table of runs can show."""
    out: dict[str, float | int] = {"sample_size": result["sample_size"]}
    for name, values in result["sets"].items():
        out |= {f"{measure}/{name}": values[measure]["mean"] for measure in MEASURES}
        out |= {f"swd/{name}_{end}": values["swd"][end] for end in ("low", "high")}
    for measure, verdicts in result["worse_than_floor"].items():
        out[f"controls_worse/{measure}"] = sum(verdicts.values()) / len(verdicts)
    for name, share in result["below_noise"].items():
        out[f"below_noise/{name}"] = share
    for name, values in result["memorisation"].items():
        out |= {f"memorisation_{key}/{name}": values[key] for key in ("ratio", "suspicious_share", "copies")}
    for name, values in result["fid"].get("sets", {}).items():
        out[f"fid/{name}"] = values["mean"]
    return out | (flat_paintings(result["paintings"]) if "paintings" in result else {})


def _tell(stage: Stage[Params], result: dict[str, Any]) -> None:
    for name, values in result["sets"].items():
        value = values["swd"]
        stage.say(f"{pictures.label(name)}: swd {value['mean']:.3f} ({value['low']:.3f} to {value['high']:.3f})")
    missed = [name for name, worse in result["worse_than_floor"]["swd"].items() if not worse]
    if missed:
        stage.say(f"warning: swd does not tell {', '.join(missed)} from real terrain; it takes more val tiles")
    for name, values in result["memorisation"].items():
        if values["copies"]:
            stage.say(f"warning: {values['copies']} samples of {name} look like copies of training tiles")
    stage.say(f"FID {result['fid']['note']}")
    if "paintings" in result:
        for name, facts in result["paintings"]["shadow_leakage"].items():
            stage.say(f"shadow leakage of {name}: {facts['leak']:+.3f} ({facts['low']:+.3f} to {facts['high']:+.3f})")

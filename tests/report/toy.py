"""A finished dataset of a few rows, written with the writers that the stages use; its names are hostile."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
from PIL import Image
from shapely.geometry import box

from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.evaluate.account import Account, Group, Measure, Metric, Picture, TileSet
from tasks.formats.tables.captions import empty_captions, write_captions
from tasks.formats.tables.ledger import LedgerRow, write_ledger
from tasks.formats.tables.sources import write_sources
from tasks.formats.tables.tiles import write_tiles
from tasks.generate.terrain.terrain import Terrain
from tasks.generate.write_sample import write_sample
from tasks.report.params import Params
from tasks.report.run import run
from tests.generate.toys import params

EVIL = '<script>alert("1")</script>.tif'
PICTURES = (
    "project/map",
    "select/kept",
    "select/dropped_void_share",
    "label/classes",
    "caption/sheet",
    *(f"train/step-{step:08}" for step in range(100, 1300, 100)),
    "train/curve",
    "evaluate/distances",
    "evaluate/nearest_steps1",
    "generate/overview",
    "generate/preview3d",
)


def grow(root: Path, captions: bool = True, away: bool = False, classes: tuple[str, ...] = ()) -> Path:
    """The folder of the dataset `toy` with everything that `report` reads."""
    data = root / "data" / "toy"
    write_ledger(
        [
            LedgerRow(
                EVIL, "height", "files", "CC-BY <b>4.0</b>", "Survey & Sons", path="a", bytes=10, sha256="a" * 64
            ),
            LedgerRow("planet", "height", "sample", "CC0-1.0", "computed", path="p", bytes=1, procedural=True),
            LedgerRow("sea.tif", "height", "files", "CC0-1.0", "nobody", refused="no <usable> CRS"),
            LedgerRow("torn.tif", "height", "files", "CC0-1.0", "nobody", path="t", bytes=2),
        ],
        data / "raw",
    )
    refused = {"sea.tif": ("acquire", "no <usable> CRS"), "torn.tif": ("project", "all void")}
    rows = [
        {
            "key": key,
            "layer": "height",
            "partition": "open",
            "gsd": None if key in refused else 90.0,
            "scenes": [] if key in refused else ["s"],
        }
        | dict(zip(("stage", "refused"), refused.get(key, (None, None)), strict=True))
        for key in (EVIL, "planet", "sea.tif", "torn.tif")
    ]
    write_sources(pd.DataFrame(rows), data / "sources.parquet")
    tiles = [
        {"key": f"s/{n:05}_00000", "scene": "s", "row": n, "col": 0, "px": 16, "lat": 46.0, "lon": 8.0, "gsd": 90.0}
        | {"region": "N40E000", "procedural": n > 2, "keep": n < 4, "reason": None if n < 4 else "relief < 2"}
        | {"block": "b", "split": ("val" if n == 0 else "train") if n < 4 else None, "geometry": box(8, 46, 8.1, 46.1)}
        for n in range(6)
    ]
    write_tiles(gpd.GeoDataFrame(tiles, geometry="geometry", crs=4326), data / "tiles.parquet")
    text = {"key": "s/00000_00000", "text": "Ridges <over> valleys.", "facts": "{}", "method": "facts"}
    row = pd.DataFrame([text | {"text_from": "template", "cost_usd": 0.0}])
    write_captions(row if captions else empty_captions(), data / "captions.parquet")
    for name in PICTURES:
        path = data / "pictures" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((4, 7, 3), np.uint8)).save(path)
    (data / "samples").mkdir()
    for index in range(14):
        height = np.arange(64, dtype=np.float32).reshape(8, 8) * (index + 1)
        facts = {"dataset": "toy", "model_md5": "0.dir", "seed": 7, "index": index, "steps": 2}
        exports = ["geotiff", "heightmap"] + (["glb", "obj", "stl"] if index == 3 else [])
        write_sample(data / "samples", Terrain(f"toy_{index:03d}", height, 90.0, facts), params(exports=exports))
    samples = {"product": "heights", "title": "Generated terrains", "noun": "terrains", "notes": ["In <metres>."]}
    samples |= {"samples": [f"toy_{index:03d}" for index in range(14)]}
    samples |= {"pictures": [{"name": "overview", "text": "All of them."}, {"name": "preview3d", "text": "In 3D."}]}
    write(data / "samples/index.json", samples)
    write(data / "shards/card.json", {**CARD, "classes": [{"name": name} for name in classes]})
    write(data / "evaluation/metrics.json", account())
    write(data / "lineage.json", lineage(away))
    return data


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def report(data: Path, title: str = "A <toy> & more") -> str:
    """Run the stage and give the page."""
    entry = StageEntry("report", "toy", (), (), ())
    compute = Compute(engine="serial", workers=1)
    run(Stage(entry, Params(title=title), 20, compute, Run(), data.parents[1]))
    return (data / "report" / "index.html").read_text()


def lineage(away: bool) -> dict[str, Any]:
    stages = [
        {
            "stage": f"{name}@toy",
            "run_id": None if away else f"{n:032x}",
            "commit": "c" * 40,
            "dirty": n == 1,
            "seed": 20,
            "params": {"method": {"name": "consistency"}, "steps": 300, "batch": 8, "note": "<i>params</i>"},
            "inputs": {"tasks/core/stage.py": "1" * 32, "data/toy/raw": "2" * 32 + ".dir"},
            "outs": {f"data/toy/{name}": f"{n}" * 32, f"data/toy/pictures/{name}": "9" * 32},
            "figures": {"steps_per_epoch": 12, "loss": 0.1234567},
            "locked": n != 0,
        }
        for n, name in enumerate(("acquire", "shard", "train"))
    ]
    version = {"version": None if away else "3", "model_id": None, "alias": None if away else "candidate"}
    return {"dataset": "toy", "model": {"name": "toy", **version}, "metrics": {}, "sources": [], "stages": stages}


SETS = {
    "floor_halves": 0.05,
    "floor_train": 0.06,
    "control_noise": 0.31,
    "control_blur": 0.2,
    "steps1": 0.3,
    "steps2": 0.07,
}
MEASURES = [Measure("swd", "sliced <Wasserstein>", "lower"), Measure("recall", "recall", "higher")]


def account() -> dict[str, Any]:
    """An account of an evaluation, as `evaluate` writes it."""
    sets = [
        TileSet(name, f"set <{name}>", name, "generated" if name[0] == "s" else name.split("_")[0]) for name in SETS
    ]
    metrics = [
        Metric(f"{measure.name}/{name}", name, value, value - 0.01, value + 0.01, 0.06, measure.better, "distances",
               measure.name, name)
        for name, value in SETS.items()
        for measure in MEASURES
    ]  # fmt: skip
    metrics.append(Metric("memorisation_copies/steps1", "copies <found>", 2, better="lower", group="memorisation"))
    metrics.append(Metric("steering/relief", "told in the table", 0.7, better="higher", group="steered"))
    return Account(
        headline="swd/steps2",
        metrics=metrics,
        measures=MEASURES,
        sets=sets,
        findings=["It beats <noise>."],
        cautions=["recall cannot tell <blur> from real terrain"],
        notes=["FID: left out."],
        groups=[
            Group("memorisation", "Does it repeat?", ["2 samples look like copies."]),
            Group("steered", "Does it follow?", ["It does."], table=[{"question": "relief <class>", "hills": "72 %"}]),
            Group("empty", "Nothing"),
        ],
        pictures=[Picture("distances", "Shorter is closer."), Picture("nearest_steps1", "Pairs.", "memorisation")],
        details={"sample_size": 64},
        matrices={},
        descriptors=[],
    ).to_json(product="heights", gsd=90.0, px=16)


CARD = {
    "px": 16,
    "gsd": 90.0,
    "counts": {"train": 3, "val": 1},
    "splits": {"shared_blocks": 0},
    "heights": {"min": -1.5, "max": 3210.0, "relief": {"p50": 412.0}},
    "procedural_share": 0.25,
    "classes": [],
}

"""The stage with a model that follows what it is given by formulas, and with one that is deaf."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from models.core.artifact import load_model
from tasks.caption.templates import TemplateDescriber
from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage
from tasks.evaluate.params import Params
from tasks.evaluate.run import run
from tasks.formats.tables.captions import write_captions
from tasks.formats.tables.scenes import write_layer
from tasks.formats.tables.tiles import kept, read_tiles
from tasks.relief.ground_facts import height_facts
from tests.analytic.method import analytic_method, write_model
from tests.shard.small import CRS, GRID, SIDE, grow, shard

PX = 32
SECTION = {"samples": 16, "steps": [1], "tiles": 40, "projections": 8, "bootstrap": 2, "steered": 48}
TEXTS = ["flat plains", "hills facing west", "high mountains", "high mountains, slopes face mainly south-east"]
analytic = pytest.fixture(scope="module")(analytic_method)


@pytest.fixture(scope="module")
def data(tmp_path_factory, analytic) -> Path:
    """Shards whose tiles the analytic model made, with captions of measured facts."""
    data = grow(tmp_path_factory.mktemp("steered") / "data" / "terrain", scenes=3)
    model = load_model(write_model(data / "model", PX))
    tiles = kept(read_tiles(data / "tiles.parquet"))
    given = {"text": np.array([TEXTS[index % 4] for index in range(len(tiles))], object)}
    heights = model.sample(np.arange(len(tiles)), 99, conditions=given)
    for scene in tiles["scene"].unique():
        whole = np.zeros((SIDE, SIDE), np.float32)
        for height, tile in zip(heights, tiles.itertuples(), strict=True):
            if tile.scene == scene:
                whole[tile.row : tile.row + PX, tile.col : tile.col + PX] = height
        write_layer(data / f"scenes/{scene}.height.tif", whole, CRS, GRID)
    base = {"layers": ["height"], "procedural": False, "gsd_m": 90.0, "side_km": 2.88, "place": None}
    facts = [base | one for one in height_facts(heights, 90.0, 12, 1.0)]
    texts = [caption.text for caption in TemplateDescriber(0.2)(list(tiles["key"]), facts)]
    rows = {"key": tiles["key"].to_numpy(), "text": texts, "facts": "{}", "method": "facts", "model": None}
    write_captions(pd.DataFrame(rows | {"cost_usd": 0.0, "text_from": None}), data / "captions.parquet")
    shard(data)
    return data


def evaluate(data: Path, **changes: Any) -> dict[str, Any]:
    stage = Stage(
        StageEntry("evaluate", "terrain", (), (), ()),
        Params(**{**SECTION, **changes}),
        3,
        Compute(engine="serial", workers=1),
        Run(),
        data.parents[1],
    )
    run(stage)
    return json.loads((data / "evaluation" / "metrics.json").read_text())


@pytest.fixture(scope="module")
def steered(data) -> dict[str, Any]:
    return evaluate(data)


def test_a_model_that_follows_words_is_told_from_chance(steered):
    text = steered["details"]["steering_text"]
    relief, aspect = text["relief"], text["aspect"]
    assert relief["real"]["all"] > 0.95 and aspect["real"]["all"] > 0.95
    assert relief["generated"]["all"] > 0.9 > 0.6 > relief["control"]["all"]
    assert aspect["generated"]["all"] > 0.7 and aspect["counts"]["all"] >= 5
    assert relief["generated"]["plains"] is not None and relief["generated"]["mountains"] is not None
    assert text["recall_5"]["real"]["all"] > text["recall_5"]["control"]["all"]


def test_known_and_coarse_heights_are_kept_and_sketches_followed(steered):
    known, coarse, sketch = (steered["details"][f"steering_{name}"] for name in ("known", "coarse", "sketch"))
    assert (
        known["unchanged"]["generated"]["all"] == 1 and known["seam"]["real"]["all"] < known["seam"]["generated"]["all"]
    )
    assert coarse["means"]["generated"]["all"] < 1e-4 and 0.5 < coarse["details"]["generated"]["all"] < 2
    assert sketch["lines"]["generated"]["all"] > 0.4 > abs(sketch["lines"]["control"]["all"])


def test_the_account_describes_them(steered, data):
    metrics = {metric["name"]: metric for metric in steered["metrics"]}
    relief = metrics["steering_text/relief"]
    assert relief["better"] == "higher" and relief["low"] < relief["value"] <= relief["high"]
    assert relief["floor"] == steered["details"]["steering_text"]["relief"]["real"]["all"]
    groups = {group["name"]: group for group in steered["groups"]}
    for name in ("text", "sketch", "known", "coarse"):
        group = groups[f"steering_{name}"]
        assert group["table"] and {"plains", "hills", "mountains", "coast", "real tiles"} <= set(group["table"][0])
        assert (data / "pictures" / "evaluate" / f"steering_{name}.png").is_file()
        assert any(picture["group"] == f"steering_{name}" for picture in steered["pictures"])
    assert len([name for name in metrics if name.startswith("steering_")]) <= 12


def test_a_deaf_model_does_no_better_than_chance(data, steered):
    write_model(data / "model", PX, deaf=True)
    relief = evaluate(data)["details"]["steering_text"]["relief"]
    assert abs(relief["generated"]["all"] - relief["control"]["all"]) < 0.2
    write_model(data / "model", PX)


def test_a_model_without_conditions_is_judged_as_before(data, steered):
    write_model(data / "model", PX, conditions=[])
    account = evaluate(data)
    assert not any("steering" in metric["name"] for metric in account["metrics"])
    assert not any("steering" in group["name"] for group in account["groups"])
    write_model(data / "model", PX)

"""Evaluate a model: sample it, and measure how far its samples are from held-out tiles."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from models.core.artifact import load_model
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_dir, write_json
from tasks.core.stage import Stage
from tasks.evaluate.account import Account
from tasks.evaluate.held_out import held_out
from tasks.evaluate.params import Params
from tasks.formats.shards.shardset import ShardSet
from tasks.formats.tables.table import write_table


def run(stage: Stage[Params]) -> None:
    """Measure the model with its product's `measure`; write an account that describes itself."""
    shards, model = ShardSet(stage.dir / "shards"), _model(stage.dir / "model")
    product = model.product
    account = _measure_of(product)(stage, model, shards)
    facts = {"product": product, "gsd": shards.card["gsd"], "px": shards.px, "seed": stage.seed}
    facts["held_out"] = held_out(shards)
    with atomic_dir(stage.dir / "evaluation") as folder:
        write_json(folder / "metrics.json", account.to_json(**facts, bootstrap=stage.params.bootstrap))
        _write_descriptors(account, folder / "descriptors.parquet")
    stage.artifact(stage.dir / "evaluation" / "metrics.json", "evaluation")
    for measure in account.measures:
        rows = [metric for metric in account.metrics if metric.measure == measure.name]
        stage.plot(measure.name, [{"set": metric.set, "value": metric.value} for metric in rows])
    stage.metrics(account.flat(), shown=("headline", "headline_floor"), columns=2)
    _tell(stage, account)


def _model(folder: Path) -> Any:
    try:
        return load_model(folder)
    except ValueError as error:
        raise LandloomError(f"{error}; run `dvc repro` to train it again") from None


def _measure_of(product: str) -> Callable[[Stage[Params], Any, ShardSet], Account]:
    """`measure` of the product's folder; `LandloomError` if it does not exist."""
    if not product.isidentifier() or importlib.util.find_spec(f"tasks.evaluate.{product}") is None:
        raise LandloomError(f"evaluate: nothing here can measure {product}: tasks/evaluate/{product} is missing")
    return importlib.import_module(f"tasks.evaluate.{product}.measure").measure


def _write_descriptors(account: Account, path: Path) -> None:
    """Every descriptor of every tile: columns `set`, `index` and the descriptors."""
    names = account.descriptors
    frames = [
        pd.DataFrame(matrix, columns=names).assign(set=name, index=np.arange(len(matrix)))
        for name, matrix in account.matrices.items()
    ]
    fields = [("set", pa.string()), ("index", pa.int64()), *((name, pa.float64()) for name in names)]
    write_table(pd.concat(frames, ignore_index=True), path, pa.schema(fields))


def _tell(stage: Stage[Params], account: Account) -> None:
    first = account.measures[0].name
    for metric in account.metrics:
        if metric.low is not None and metric.high is not None and metric.measure in (first, None):
            stage.say(f"{metric.title}: {metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f})")
    for text in account.cautions:
        stage.say(f"warning: {text}; more held-out tiles may help")
    for metric in account.metrics:
        if metric.name.startswith("memorisation_copies/") and metric.value:
            stage.say(f"warning: {metric.title}: {metric.value:g}")
    for note in account.notes:
        stage.say(note)

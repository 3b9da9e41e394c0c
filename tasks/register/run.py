"""Register the model: one version in MLflow, and the lineage from sources to samples in `lineage.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.stage import Stage
from tasks.formats.tables.ledger import by_terms, read_ledger
from tasks.register.description import COLUMNS, SAMPLES, describe
from tasks.register.evaluation import read_evaluation
from tasks.register.params import Params
from tasks.register.registry import register
from tasks.register.run_files import check_against_lock, read_runs

SHOWN = 2  # pictures of the samples on the version's page


def run(stage: Stage[Params]) -> None:
    """Check the runs against DVC's lock, make the model version, write the lineage."""
    files = read_runs(stage.dataset, stage.root)
    locked = check_against_lock(files, stage.root)
    evaluation = read_evaluation(stage.dir / "evaluation" / "metrics.json")
    ledger = read_ledger(stage.dir / "raw")
    sources, name = _sources(ledger), stage.params.model
    stage.metrics({}, shown=tuple(evaluation.values)[:1])  # the headline; the registry links it to the model
    pictures = _pictures(stage.dir)
    for picture in pictures:
        stage.artifact(picture, SAMPLES)
    shown = [picture.name for picture in pictures]
    found = register(
        *(stage, files, locked, evaluation),
        about=lambda version, known: describe(name, version, files, evaluation, shown, sources, ledger, known),
    )
    stages = [
        {**file.facts, "run_id": found.runs.get(file.stage, file.facts["run_id"]), "locked": file.key in locked}
        for file in files
    ]
    model = {"name": name, "version": found.version, "model_id": found.model_id}
    facts = {
        "dataset": stage.dataset,
        "model": model,
        "metrics": evaluation.values,
        "sources": sources,
        "stages": stages,
    }
    write_json(stage.dir / "lineage.json", facts)
    stage.artifact(stage.dir / "lineage.json", "lineage")
    table = stage.state_dir("register", stage.dataset) / "sources.csv"
    ledger[COLUMNS].to_csv(table, index=False)
    stage.artifact(table, "lineage")
    version = f"version {found.version}; {found.said}" if found.version else "no version, MLflow is away"
    stage.say(f"{name}: {version}")


def _pictures(data: Path) -> list[Path]:
    """The first pictures that the index of the samples names."""
    path = data / "samples" / "index.json"
    try:
        names = [picture["name"] for picture in json.loads(path.read_text())["pictures"]]
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise LandloomError(f"{path}: not an index of samples ({error}); run `dvc repro` to make it again") from None
    paths = (data / "pictures" / "generate" / f"{name}.png" for name in names[:SHOWN])
    return [path for path in paths if path.is_file()]


def _sources(ledger: pd.DataFrame) -> list[dict[str, Any]]:
    """One row for each set of terms: the numbers of its rasters, of its bytes and of its refused rasters."""
    rows = []
    for terms, rasters in by_terms(ledger):
        taken = rasters[rasters["refused"].isna()]
        counts = {"rasters": len(taken), "bytes": int(taken["bytes"].sum()), "refused": len(rasters) - len(taken)}
        rows.append({**terms, **counts})
    return [{name: value.item() if hasattr(value, "item") else value for name, value in row.items()} for row in rows]

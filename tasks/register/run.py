"""Register the model: one version in MLflow, and the lineage from sources to samples in `lineage.json`."""

from __future__ import annotations

from typing import Any

import pandas as pd

from tasks.core.files import write_json
from tasks.core.stage import Stage
from tasks.formats.tables.ledger import by_terms, read_ledger
from tasks.register.description import COLUMNS, describe
from tasks.register.params import Params
from tasks.register.registry import ALIAS, register
from tasks.register.run_files import check_against_lock, read_runs


def run(stage: Stage[Params]) -> None:
    """Check the runs against DVC's lock, make the model version, write the lineage."""
    records = read_runs(stage.dataset, stage.root)
    locked = check_against_lock(records, stage.root)
    metrics = next(record.get("figures", {}) for record in records if record["stage"].startswith("evaluate@"))
    ledger = read_ledger(stage.dir / "raw")
    sources = _sources(ledger)
    name = stage.params.model
    version = register(
        *(stage, name, records, locked, metrics),
        about=lambda version, run: describe(name, version, records, sources, ledger, run),
    )
    stages = [{**record, "locked": record["stage"] in locked} for record in records]
    model = {"name": name, "alias": ALIAS if version["version"] else None, **version}
    facts = {"dataset": stage.dataset, "model": model, "metrics": metrics, "sources": sources, "stages": stages}
    write_json(stage.dir / "lineage.json", facts)
    stage.artifact(stage.dir / "lineage.json", "lineage")
    table = stage.state_dir("register", stage.dataset) / "sources.csv"
    ledger[COLUMNS].to_csv(table, index=False)
    stage.artifact(table, "lineage")
    stage.say(f"{name} version {version['version']}" if version["version"] else f"{name}: no version, MLflow is away")


def _sources(ledger: pd.DataFrame) -> list[dict[str, Any]]:
    """One row for each set of terms: the numbers of its rasters, of its bytes and of its refused rasters."""
    rows = []
    for terms, rasters in by_terms(ledger):
        taken = rasters[rasters["refused"].isna()]
        counts = {"rasters": len(taken), "bytes": int(taken["bytes"].sum()), "refused": len(rasters) - len(taken)}
        rows.append({**terms, **counts})
    return [{name: value.item() if hasattr(value, "item") else value for name, value in row.items()} for row in rows]

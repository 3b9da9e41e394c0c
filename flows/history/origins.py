"""The lineage of a run, gathered once for the text tree, the picture and the PROV document."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import networkx
import pandas as pd

from flows.history.runs import Recorded, Runs
from flows.history.store import Store
from tasks.core.errors import LandloomError
from tasks.formats.tables.ledger import by_terms

LEDGER = "ledger.parquet"
USERS = ("evaluate", "generate")
SIDE = ("/pictures/", "/metrics/", "/runs/")
"""Outputs that describe a stage and that no later stage reads as data."""


@dataclass(frozen=True)
class Terms:
    """The sources of one acquisition that share their terms: their number, size and names."""

    source: str
    licence: str
    attribution: str
    procedural: bool
    taken: int
    bytes: int
    refused: int
    names: list[str]  # of each raster that was taken: its URL, or its key where it has none


@dataclass
class Lineage:
    """The runs behind one run, and the data that passed between them.

    Attributes:
        chain: dependencies first; the run itself is last.
        needs: run → the runs it needs directly, without those that another of them needs; keys are `key(run)`.
        ledgers: run → every row of the ledger it wrote, for the runs that brought in data; None where the
            ledger is in neither cache nor remote.
        files: hash of a recorded folder → number of its files, where its listing can be read.
        version: the model version that was asked for, or None; used_by: the runs that evaluated and sampled it.
    """

    chain: list[Recorded]
    needs: dict[str, list[str]] = field(default_factory=dict)
    ledgers: dict[str, pd.DataFrame | None] = field(default_factory=dict)
    files: dict[str, int] = field(default_factory=dict)
    version: Any | None = None
    used_by: list[Recorded] = field(default_factory=list)

    @property
    def last(self) -> Recorded:
        return self.chain[-1]

    def by_key(self) -> dict[str, Recorded]:
        return {key(run): run for run in self.chain}


def gather(name: str, root: Path) -> Lineage:
    """Follow the inputs back from a run id or a model version; raises LandloomError where a run cannot be found."""
    runs, store = Runs(root), Store(root)
    run, version = runs.find(name)
    lineage = Lineage(runs.upstream(run), version=version)
    graph = networkx.DiGraph()
    for consumer in lineage.chain:
        graph.add_node(key(consumer))
        for path, digest in consumer.data_inputs.items():
            writer = next((other for other in lineage.chain if other.outputs.get(path) == digest), None)
            if writer is not None and writer is not consumer:
                graph.add_edge(key(consumer), key(writer))
    place = {key(run): number for number, run in enumerate(lineage.chain)}
    reduced = networkx.transitive_reduction(graph)
    lineage.needs = {node: sorted(reduced.successors(node), key=place.__getitem__) for node in graph}
    for other in lineage.chain:
        for path, digest in main_outputs(other).items():
            listing = store.listing(digest) if digest.endswith(".dir") else None
            if listing is not None:
                lineage.files[digest] = len(listing)
            if not other.data_inputs and path.endswith("/raw"):
                lineage.ledgers[key(other)] = _ledger(listing, store)
    if version is not None:
        lineage.used_by = [user for stage in USERS if (user := runs.of_version(version, stage))]
    return lineage


def key(run: Recorded) -> str:
    """The name of a run in a lineage: its id, or its stage where it has no id."""
    return run.run_id or f"{run.stage}, not in MLflow"


def main_outputs(run: Recorded) -> dict[str, str]:
    """The outputs that later stages read; all outputs where the stage has no such ones."""
    main = {path: digest for path, digest in run.outputs.items() if not any(side in path for side in SIDE)}
    return main or run.outputs


def terms(ledger: pd.DataFrame) -> list[Terms]:
    """The ledger's rows by their terms, the largest group first."""
    groups = []
    for values, rows in by_terms(ledger):
        taken = rows[rows["refused"].isna()]
        names = [row.url if isinstance(row.url, str) else row.key for row in taken.itertuples()]
        size = int(taken["bytes"].fillna(0).sum())
        same = (values["source"], values["licence"], values["attribution"], bool(values["procedural"]))
        groups.append(Terms(*same, len(taken), size, len(rows) - len(taken), sorted(names)))
    return sorted(groups, key=lambda group: -group.taken)


def size(count: float) -> str:
    """A number of bytes with its unit, for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def files(count: int) -> str:
    """A number of files, in words."""
    return f"{count:,} file" + "s" * (count != 1)


def _ledger(listing: dict[str, str] | None, store: Store) -> pd.DataFrame | None:
    digest = (listing or {}).get(LEDGER)
    data = store.read(digest) if digest else None
    if data is None:
        return None
    try:
        return pd.read_parquet(io.BytesIO(data))
    except (ValueError, OSError) as error:
        raise LandloomError(f"{LEDGER} with hash {digest}: no ledger ({error})") from None

"""A finished training that can come with the repository: its files agree with each other and its data are free."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError
from tasks.core.hashing import dvc_md5
from tasks.formats.tables.ledger import read_ledger
from tasks.formats.tables.licences import licence_name, partition_of

OWN_LICENCE = "apache-2.0"
"""Licence of weights whose data are in the public domain: that of the repository."""


@dataclass(frozen=True)
class Finished:
    """The account of a training.

    Attributes:
        dataset: its name. config: the model's `config.json`. scores: `evaluation/metrics.json`.
        data: `shards/card.json`. train, evaluate: run files. hashes: DVC's hash of model and shards.
        rasters: (name, SHA-256 or None) of each raster that acquire took.
        licence: of the weights, an identifier of Hugging Face's list.
    """

    dataset: str
    config: dict[str, Any]
    scores: dict[str, Any]
    data: dict[str, Any]
    train: dict[str, Any]
    evaluate: dict[str, Any]
    hashes: dict[str, str]
    rasters: list[tuple[str, str | None]]
    licence: str


def finished(dataset: str, folder: Path, licence: str | None) -> Finished:
    """Read `folder`, the data of a dataset after `evaluate`.

    Args:
        licence: of the weights; None means that of the repository, which needs data in the public domain.

    Raises:
        LandloomError: a file is missing or damaged, the run files tell of other bytes than those that are here, or the
            data are not in the public domain and `licence` is None.
    """
    if licence is not None and not licence.strip():
        raise LandloomError("--licence is empty; name a licence, or leave it out for data in the public domain")
    for name in ("model/config.json", "model/weights.safetensors", "raw/ledger.parquet"):
        if not (folder / name).is_file():
            raise LandloomError(_missing(folder / name, dataset, "evaluate"))
    train, evaluate = (_read(folder / "runs" / f"{room}.json", dataset, room) for room in ("train", "evaluate"))
    scores = _read(folder / "evaluation/metrics.json", dataset, "evaluate")
    data = _read(folder / "shards/card.json", dataset, "shard")
    hashes = {name: dvc_md5(folder / name) for name in ("model", "shards", "evaluation")}
    for record, kind, name, stage in (
        (train, "outs", "model", "train"),
        (train, "inputs", "shards", "train"),
        (evaluate, "inputs", "model", "evaluate"),
        (evaluate, "outs", "evaluation", "evaluate"),
    ):
        if record.get(kind, {}).get(f"data/{dataset}/{name}") != hashes[name]:
            raise LandloomError(
                f"{folder / name}: not the bytes that runs/{stage}.json tells of ({kind}), so the card would describe "
                f"another model; `dvc repro evaluate@{dataset}` makes them agree"
            )
    if licence is None:
        _check_free(data["sources"])
    ledger = read_ledger(folder / "raw")
    taken = ledger[ledger["refused"].isna()].sort_values("key")
    rasters = [(row.key, row.sha256 if isinstance(row.sha256, str) else None) for row in taken.itertuples()]
    config = _read(folder / "model/config.json", dataset, "train")
    return Finished(dataset, config, scores, data, train, evaluate, hashes, rasters, licence or OWN_LICENCE)


def _check_free(sources: list[dict[str, Any]]) -> None:
    for source in sources:
        if not public_domain(source["licence"]):
            raise LandloomError(
                f"{source['source']}: {source['rasters']} rasters have the licence {source['licence']!r}, which "
                "does not say public domain; name the licence that the weights shall have with --licence"
            )


def public_domain(licence: str) -> bool:
    """Whether a publisher's words put a work into the public domain, or dedicate it to it (CC0)."""
    words = f"{licence} {licence_name(licence)}".lower()
    return partition_of(licence) == "open" and any(each in words for each in ("public domain", "cc0", "pddl"))


def _read(path: Path, dataset: str, stage: str) -> dict[str, Any]:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise LandloomError(_missing(path, dataset, stage)) from None
    except ValueError as error:
        raise LandloomError(f"{path}: not valid JSON: {error}; `dvc repro {stage}@{dataset}` writes it") from None


def _missing(path: Path, dataset: str, stage: str) -> str:
    return f"{path}: missing, so there is no finished training; `dvc repro {stage}@{dataset}` makes it"

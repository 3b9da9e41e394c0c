"""Shared by the parts of the check: the job, a scratch root for stages, and rows that stay after a part is killed."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from tasks.core import yaml12
from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.core.settings import Compute
from tasks.core.stage import Stage

Row = dict[str, Any]
"""One line of a table: `name`, and either the measured values or `problem`, the reason of a failure."""
Note = Callable[[Row], None]
OUTS = {
    "train": ("model", "pictures/train", "plots/train", "metrics/train.json"),
    "evaluate": ("evaluation", "pictures/evaluate", "plots/evaluate", "metrics/evaluate.json"),
}


@dataclass(frozen=True)
class Job:
    """The input of one part of the check.

    Attributes:
        root: the checkout or unpacked bundle. out: the folder of the results.
        dataset: the dataset whose shards are read. seed: the seed of the pipeline.
        train, evaluate: sections of the dataset's parameters.
        plain: the section `train` of `params.yaml`, without an overlay.
        toy: measure as little as possible, for a rehearsal.
        until: when the part must end, in seconds since 1970.
    """

    root: str
    out: str
    dataset: str
    seed: int
    train: dict[str, Any]
    plain: dict[str, Any]
    evaluate: dict[str, Any]
    toy: bool
    until: float

    @property
    def left(self) -> float:
        """Remaining seconds."""
        return self.until - time.time()

    def with_end(self, until: float) -> Job:
        """Return this job with another end."""
        return replace(self, until=until)

    def save(self, path: Path) -> None:
        """Write this job for another process."""
        path.write_text(json.dumps(asdict(self)))

    @staticmethod
    def load(path: Path) -> Job:
        """Read a job that `save` wrote."""
        return Job(**json.loads(path.read_text()))


class Speaking(Run):
    """A run that keeps the numbers of a stage."""

    def __init__(self) -> None:
        self.said: dict[str, float] = {}

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        self.said |= values

    def timing(self, values: dict[str, float]) -> None:
        self.said |= values


def stage(job: Job, room: str, params: Any, run: Run) -> Stage[Any]:
    """Return a stage in the scratch root `<out>/work`, which links to the shards; it writes nothing to `data/`."""
    root = Path(job.out, "work")
    data = root / "data" / job.dataset
    data.mkdir(parents=True, exist_ok=True)
    if not (data / "shards").exists():
        (data / "shards").symlink_to(Path(job.root, "data", job.dataset, "shards").resolve())
    path = root / "params.yaml"
    values = yaml12.load(path.read_text()) if path.exists() else {"seed": job.seed, "datasets": {job.dataset: {}}}
    values["datasets"][job.dataset][room] = params.model_dump(mode="json")
    path.write_text(yaml.safe_dump(values))
    outs = tuple(f"data/{job.dataset}/{name}" for name in OUTS[room])
    entry = StageEntry(room, job.dataset, (), ("seed", f"datasets.{job.dataset}.{room}"), outs)
    return Stage(entry, params, job.seed, Compute(engine="serial", workers=1), run, root, {})


def noting(path: Path) -> Note:
    """Return a function that prints a row and appends it to a file; each row is flushed to disk."""

    def note(row: Row) -> None:
        with path.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        facts = ", ".join(f"{name} {_short(value)}" for name, value in row.items() if name != "name")
        print(f"  {row['name']}: {facts}", flush=True)

    return note


def noted(path: Path) -> list[Row]:
    """Return the rows of a file, without incomplete lines."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


@contextmanager
def told(note: Note, name: str) -> Iterator[None]:
    """Turn an error inside into a row with its message."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - a driver or a compiler may raise anything
        text = " ".join(str(error).split())[:300]
        note({"name": name, "problem": f"{type(error).__name__}: {text}"})


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)

"""What a stage's function sees: parameters, seeds, folders, and a place to tell metrics and pictures.

The function knows neither DVC nor MLflow. `tasks.runs.execute` makes the `Stage` and records the run.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from tasks.core.dag import StageEntry
from tasks.core.files import atomic_dir, atomic_file, write_json
from tasks.core.hashing import dvc_md5
from tasks.core.inputs import input_hash, input_hashes
from tasks.core.run import Run
from tasks.core.settings import ROOT, Compute, Strict
from tasks.core.spent import mark

P = TypeVar("P", bound=Strict)
Item = TypeVar("Item")

STATE = ".landloom"  # what outlives a run but is no output: downloads, checkpoints


class Stage(Generic[P]):
    """What a stage's function sees.

    Attributes:
        name: the verb, `select`; `dataset`: the item, `terrain`; `key`: `select@terrain`.
        params: the stage's own section of `params.yaml`, validated.
        dir: `data/<dataset>`, where every input is read and every output written.
        inputs: DVC's hash of every dependency, by path, as the stage found it.
        seed: the seed of the whole pipeline; derive generators with `rng`.
        compute: how to spread work, for `tasks.compute.parallel.parallel_map`.
    """

    def __init__(
        self,
        entry: StageEntry,
        params: P,
        seed: int,
        compute: Compute,
        run: Run,
        root: Path = ROOT,
        inputs: dict[str, str] | None = None,
    ):
        self.name, self.dataset, self.key = entry.name, entry.dataset, entry.key
        self.params, self.seed, self.compute, self.root = params, seed, compute, root
        self.dir = root / "data" / entry.dataset
        self._entry, self._run = entry, run
        self.inputs = input_hashes(entry, root) if inputs is None else inputs
        self._metrics: dict[str, Any] = {}
        self._plots: dict[str, list[dict[str, Any]]] = {}

    def rng(self, *key: object) -> np.random.Generator:
        """A generator that depends on the pipeline's seed, the stage and `key` alone."""
        words = [self.seed, *(int.from_bytes(str(part).encode(), "little") for part in (self.key, *key))]
        return np.random.default_rng(np.random.SeedSequence(words))

    def metrics(self, values: dict[str, float | int], step: int | None = None) -> None:
        """Record numbers. Without `step` they also land in `metrics/<stage>.json`, under DVC.

        Timings and anything else that differs between two equal runs must be given a `step`, or be
        recorded with `timing`, so that the file stays the same for the same inputs.
        """
        if step is None:
            self._metrics.update(values)
        self._run.metrics(values, step)

    def plot(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Keep rows for `dvc plots`: they land in `plots/<stage>/<name>.tsv`, one column a key, the same in every row.

        Which columns DVC draws, and how, stands in `dvc.yaml`; where it names no y, the last one is drawn.
        """
        if rows:
            self._plots[name] = rows

    def timing(self, values: dict[str, float]) -> None:
        """Record what differs from run to run (seconds, rates): in the run only, in no output."""
        self._run.timing(values)

    def picture(self, name: str, figure: Any) -> Path:
        """Save a matplotlib figure (or an RGB uint8 array) as `pictures/<stage>/<name>.png` and log it."""
        path = self.dir / "pictures" / self.name / f"{name}.png"
        with atomic_file(path) as part:
            if isinstance(figure, np.ndarray):
                from PIL import Image

                Image.fromarray(figure).save(part)
            else:
                figure.savefig(part, dpi=110, metadata={"Software": None})
        self._run.artifact(path, "pictures")
        return path

    def artifact(self, path: Path, folder: str = "outputs") -> None:
        """Attach a small file to the run (cards, configurations), beside being an output."""
        self._run.artifact(path, folder)

    def progress(self, items: Iterable[Item], total: int | None = None, what: str = "") -> Iterator[Item]:
        """Pass `items` through, printing a line every few seconds (a log is read more than a bar)."""
        total = len(items) if total is None and hasattr(items, "__len__") else total
        started = last = time.monotonic()
        for done, item in enumerate(items, start=1):
            yield item
            now = time.monotonic()
            if now - last >= 5:
                last = now
                of = f"/{total} ({100 * done / total:.0f} %)" if total else ""
                self.say(f"{what or 'items'}: {done}{of}, {done / (now - started):.1f}/s")

    def say(self, line: str) -> None:
        """Print one line of progress."""
        print(f"[{self.key}] {line}", flush=True)

    def state_dir(self, *parts: str) -> Path:
        """A folder that outlives this run and is no output, `.landloom/<parts>` (made if missing)."""
        path = self.root.joinpath(STATE, *parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def spent(self, folder: Path, out: Path) -> None:
        """`folder` (checkpoints) is needed no more once DVC has `out`, which is written."""
        mark(self.root, folder, out.relative_to(self.root).as_posix())

    def input_hash(self) -> str:
        """Hash of everything this stage depends on (data, code, parameters): keys its checkpoints."""
        return input_hash(self._entry, self.root, self.inputs)

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run, or None when the tracking server is away."""
        return self._run.id

    def finish(self) -> dict[str, str]:
        """Write the metrics file; return DVC's hash of every output but the run file, by path.

        Raises:
            RuntimeError: the function did not write an output that `dvc.yaml` names.
        """
        metrics, record = self.dir / "metrics" / f"{self.name}.json", self.dir / "runs" / f"{self.name}.json"
        outs = [self.root / out for out in self._entry.outs if self.root / out != record]
        if metrics in outs:
            write_json(metrics, self._metrics)
        if self.dir / "plots" / self.name in outs:
            self._write_plots(self.dir / "plots" / self.name)
        for out in outs:
            if "pictures" in out.parts:  # a stage that had nothing to draw says so by an empty folder
                out.mkdir(parents=True, exist_ok=True)
        missing = [out for out in outs if not out.exists()]
        if missing:
            raise RuntimeError(f"{self.key} ended without writing {missing[0].relative_to(self.root)}")
        return {out.relative_to(self.root).as_posix(): dvc_md5(out) for out in outs}

    def _write_plots(self, path: Path) -> None:
        with atomic_dir(path) as folder:
            for name, rows in self._plots.items():
                table = folder / f"{name}.tsv"
                table.parent.mkdir(parents=True, exist_ok=True)
                with table.open("w", newline="") as stream:
                    writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t", lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(rows)

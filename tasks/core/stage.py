"""The context of a stage: parameters, seeds, folders, and methods that record metrics, plots and pictures.

The function of a stage uses neither DVC nor MLflow. `tasks.runs.execute` creates the `Stage` and records the run.
"""

from __future__ import annotations

import csv
import os
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

STATE = ".landloom"  # files that outlive a run and are no outputs: downloads, checkpoints
SHARED = "LANDLOOM_STATE"
"""Environment variable: a folder (a mounted bucket, a shared disk) that keeps costly state for the next machine."""


class Stage(Generic[P]):
    """The context of one run of one stage.

    Attributes:
        name: the name of the stage, such as `select`.
        dataset: the name of the dataset, such as `terrain`.
        key: both, such as `select@terrain`.
        params: the stage's own section of `params.yaml`, validated.
        dir: `data/<dataset>`, the folder of all inputs and outputs.
        inputs: DVC's hash of each dependency at the start of the stage, by path.
        figures: the recorded numbers that have no step.
        shown: the names of the numbers worth showing, the most telling first.
        seed: the seed of the whole pipeline; derive generators with `rng`.
        compute: how to distribute work, for `tasks.compute.parallel.parallel_map`.
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
        self.figures: dict[str, float | int] = {}
        self.shown: list[str] = []
        self._columns: list[str] = []
        self._plots: dict[str, list[dict[str, Any]]] = {}

    def rng(self, *key: object) -> np.random.Generator:
        """Return a generator that depends only on the seed of the pipeline, the stage and `key`."""
        words = [self.seed, *(int.from_bytes(str(part).encode(), "little") for part in (self.key, *key))]
        return np.random.default_rng(np.random.SeedSequence(words))

    def metrics(
        self,
        values: dict[str, float | int],
        step: int | None = None,
        shown: tuple[str, ...] = (),
        columns: int = 1,
    ) -> None:
        """Record numbers in the run. Without `step`, the run file holds them too.

        Args:
            shown: the names of the numbers worth showing, the most telling first: MLflow's table of the stage has them
                as columns, and lineage prints them. Numbers of other calls, and of `timing`, can be among them.
            columns: how many of `shown`, the first ones, DVC's tables have (`dvc metrics show`, `dvc exp show`): these
                have a column for each name of all stages. They are written to `metrics/<stage>.json`, an output.

        Both files must be the same for the same inputs. Numbers that differ between two equal runs need a `step`,
        or must be recorded with `timing`.
        """
        if step is None:
            self.figures.update(values)
        self.shown += [name for name in shown if name not in self.shown]
        self._columns += shown[:columns]
        self._run.metrics(values, step)

    def plot(self, name: str, rows: list[dict[str, Any]]) -> None:
        """Write rows to `plots/<stage>/<name>.tsv` for `dvc plots`. Each key is a column; all rows have the same keys.

        `dvc.yaml` says which columns DVC draws. If it names no `y`, DVC draws the last column.
        """
        if rows:
            self._plots[name] = rows

    def timing(self, values: dict[str, float]) -> None:
        """Record numbers that differ from run to run (seconds, rates). They go to the run and to no output."""
        self._run.timing(values)

    def picture(self, name: str, figure: Any) -> Path:
        """Save a picture as `pictures/<stage>/<name>.png` and attach it to the run.

        Args:
            figure: a matplotlib figure, or an RGB array, uint8 (H, W, 3).
        """
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
        """Attach a small output file, such as a card or a configuration, to the run."""
        self._run.artifact(path, folder)

    def progress(self, items: Iterable[Item], total: int | None = None, what: str = "") -> Iterator[Item]:
        """Yield `items`, and print a line of progress every five seconds. Lines suit a log better than a bar."""
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
        """Return the folder `.landloom/<parts>`, and create it if needed. It outlives this run and is no output."""
        path = self.root.joinpath(STATE, *parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def kept_dir(self, *parts: str) -> Path:
        """Return a folder for state that is costly to lose: `$LANDLOOM_STATE/<parts>`, else that of `state_dir`.

        A folder named in the environment remains after the machine is gone, so the next machine continues from there.
        """
        if not (shared := os.environ.get(SHARED)):
            return self.state_dir(*parts)
        path = Path(shared).joinpath(*parts)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def spent(self, folder: Path, out: Path) -> None:
        """Mark `folder` (checkpoints) for deletion once DVC has cached `out`. Call this after `out` is written."""
        mark(self.root, folder, out.relative_to(self.root).as_posix())

    def input_hash(self) -> str:
        """Return one hash over data, code and parameters of this stage. It identifies the checkpoints."""
        return input_hash(self._entry, self.root, self.inputs)

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run, or None if MLflow was not reached."""
        return self._run.id

    def finish(self) -> dict[str, str]:
        """Write metrics and plots. Return DVC's hash of each output except the run file, by path.

        Raises:
            RuntimeError: the stage did not write an output that `dvc.yaml` names.
        """
        metrics, record = self.dir / "metrics" / f"{self.name}.json", self.dir / "runs" / f"{self.name}.json"
        outs = [self.root / out for out in self._entry.outs if self.root / out != record]
        if metrics in outs:
            write_json(metrics, {name: self.figures[name] for name in self._columns if name in self.figures})
        if self.dir / "plots" / self.name in outs:
            self._write_plots(self.dir / "plots" / self.name)
        for out in outs:
            # DVC would warn of an empty folder each time. Only the part within the checkout says what an output is.
            if "pictures" in out.relative_to(self.root).parts and not any(out.glob("*")):
                out.mkdir(parents=True, exist_ok=True)
                (out / "none.txt").write_text("This stage drew no pictures.\n")
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

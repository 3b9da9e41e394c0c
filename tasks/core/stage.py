"""One run of one stage: parameters in, run recorded, outputs hashed.

Every room's `__main__.py` hands its parameter model and its function to `main`. The function gets a
`Stage` and knows neither DVC nor MLflow: it reads `stage.params`, writes under `stage.dir`, and
tells `stage` its metrics and pictures.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from tasks.core.dag import StageEntry, stage_entry
from tasks.core.errors import LandloomError
from tasks.core.files import atomic_file, write_json
from tasks.core.hashing import dvc_md5
from tasks.core.settings import ROOT, Compute, Strict, load, validate
from tasks.core.spent import clear, mark
from tasks.runs.host import host_place
from tasks.runs.provenance import Origin, input_hash, origin
from tasks.runs.tracking import Run, open_run

P = TypeVar("P", bound=Strict)
Item = TypeVar("Item")

STATE = ".landloom"  # what outlives a run but is no output: downloads, checkpoints


class Stage(Generic[P]):
    """What a stage's function sees.

    Attributes:
        name: the verb, `select`; `dataset`: the item, `terrain`; `key`: `select@terrain`.
        params: the stage's own section of `params.yaml`, validated.
        dir: `data/<dataset>`, where every input is read and every output written.
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
        started_from: Origin | None = None,
    ):
        self.name, self.dataset, self.key = entry.name, entry.dataset, entry.key
        self.params, self.seed, self.compute, self.root = params, seed, compute, root
        self.dir = root / "data" / entry.dataset
        self._entry, self._run = entry, run
        self._origin = started_from or origin(entry, root)
        self._metrics: dict[str, Any] = {}

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
        return input_hash(self._entry, self.root, self._origin.inputs)

    @property
    def run_id(self) -> str | None:
        """Id of the MLflow run, or None when the tracking server is away."""
        return self._run.id

    def finish(self) -> None:
        """Write the metrics file and the run file, and stamp the run with the outputs' hashes."""
        metrics, record = self.dir / "metrics" / f"{self.name}.json", self.dir / "runs" / f"{self.name}.json"
        outs = [self.root / out for out in self._entry.outs if self.root / out != record]
        if metrics in outs:
            write_json(metrics, self._metrics)
        for out in outs:
            if "pictures" in out.parts:  # a stage that had nothing to draw says so by an empty folder
                out.mkdir(parents=True, exist_ok=True)
        missing = [out for out in outs if not out.exists()]
        if missing:
            raise RuntimeError(f"{self.key} ended without writing {missing[0].relative_to(self.root)}")
        hashes = {out.relative_to(self.root).as_posix(): dvc_md5(out) for out in outs}
        # DVC's cache brings this file back with the bytes it describes, so it says which run made them, and
        # from what, wherever they are checked out.
        facts = {
            "stage": self.key,
            "run_id": self._run.id,
            "commit": self._origin.commit,
            "dirty": self._origin.dirty,
            "seed": self.seed,
            "params": self.params.model_dump(mode="json"),
            "inputs": self._origin.inputs,
            "outs": hashes,
        }
        write_json(record, facts)
        self._run.outputs({**hashes, record.relative_to(self.root).as_posix(): dvc_md5(record)})


def main(room: str, model: type[P], function: Callable[[Stage[P]], None]) -> None:
    """Run one stage from the command line: `python -m tasks.<room> <dataset>`."""
    parser = argparse.ArgumentParser(
        prog=f"python -m tasks.{room}", description=sys.modules[function.__module__].__doc__
    )
    parser.add_argument("dataset", help="a key of `datasets` in params.yaml")
    arguments = parser.parse_args()
    try:
        run_stage(room, arguments.dataset, model, function)
    except LandloomError as error:
        print(f"{room}@{arguments.dataset}: {error}", file=sys.stderr)
        sys.exit(1)


def run_stage(room: str, dataset: str, model: type[P], function: Callable[[Stage[P]], None], root: Path = ROOT) -> None:
    """Validate everything, open the run, call `function`, seal the outputs."""
    settings = load(root)
    if dataset not in settings.datasets:
        raise LandloomError(f"params.yaml: there is no dataset {dataset!r}; there are {', '.join(settings.datasets)}")
    section = settings.datasets[dataset][room]
    params = validate(model, section, f"datasets.{dataset}.{room}")
    entry = stage_entry(room, dataset, root)
    if os.environ.get("RANK", "0") != "0":
        # Another process of the same stage, started by `accelerate launch`: it computes; the first one speaks.
        function(Stage(entry, params, settings.seed, settings.compute, Run(), root))
        return
    clear(root, entry.deps)
    with host_place(lambda line: print(f"[{entry.key}] {line}", flush=True)):
        started_from = origin(entry, root)
        with open_run(entry, section, settings.seed, started_from, root) as run:
            stage = Stage(entry, params, settings.seed, settings.compute, run, root, started_from)
            started = time.monotonic()
            function(stage)
            stage.finish()
            stage.timing({"stage_seconds": time.monotonic() - started})


def worker_environment() -> None:
    """Quiet the libraries' telemetry for anyone who calls a stage without the Makefile."""
    for name, value in {
        "DO_NOT_TRACK": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DVC_NO_ANALYTICS": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    }.items():
        os.environ.setdefault(name, value)


worker_environment()

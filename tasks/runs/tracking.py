"""Recording of a stage's run in MLflow. If MLflow cannot be reached, the stage goes on with one warning, and the
events of the run are kept on disk for later.

MLflow is imported only where it is used, so a stage starts without it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tasks.core.dag import StageEntry
from tasks.core.run import Run
from tasks.runs.carried import carried
from tasks.runs.figures import shown_tag
from tasks.runs.journal import KEPT, UNSENT, Event, Journal, perform
from tasks.runs.machine import Machine
from tasks.runs.moved import recording
from tasks.runs.provenance import Origin, hardware, lock_hash
from tasks.runs.secrets import redact
from tasks.runs.store import connect, tracking_uri_shown
from tasks.runs.titles import Title, flatten, title

KEEP = "LANDLOOM_KEEP_RUN"
"""Set for a stage on a worker: the run is kept as a whole, so that it can travel with the outputs. It goes to MLflow as
well if MLFLOW_TRACKING_URI is set. A database in the worker's clone would be lost with the clone."""
_SILENT_S = 60.0
_FLUSH_VALUES, _FLUSH_S = 500, 5.0  # one write costs milliseconds or more, so steps are sent in batches
# The caller of a stage sets these variables. The run records them as tags.
_CALLERS = {
    "LANDLOOM_FLOW_RUN_ID": "prefect.flow_run_id",
    "LANDLOOM_SWEEP": "sweep",
    "DVC_EXP_NAME": "dvc.experiment",
}


class MlflowRun(Run):
    """A run in MLflow. The first failure prints a warning; that event and all later events go to the journal.

    With `KEEP` in the environment, the journal has all events, whether MLflow is there or not.

    Attributes:
        id: MLflow's id of the run, or None if MLflow did not create the run.
    """

    def __init__(self, root: Path, entry: StageEntry, start: dict[str, Any]):
        self._root, self._start = root, start
        self._whole = bool(os.environ.get(KEEP))
        self._journal = Journal(root, entry.key, start, KEPT if self._whole else UNSENT)
        self._client: Any = None
        self._keeping = True
        self._waiting: list[tuple[str, float, int, int]] = []
        self._flushed = time.monotonic()
        self._started = self._flushed
        self._behind: list[tuple[str, float, int, int]] = []
        self._last: dict[str, int] = {}
        self._turn = threading.RLock()  # the stage and the thread of the system metrics both send events
        self._machine = Machine(self.sample)
        self._recording: IO[str] | None = None
        self.figures: dict[str, float] = {}
        self.timings: dict[str, float] = {}

    def open(self) -> None:
        """Create the run in MLflow, or go on without it."""
        alone = self._whole and not os.environ.get("MLFLOW_TRACKING_URI")
        if not carried(self._root) and not alone:  # in a bundle, the results carry the events, for `flows.unbundle`
            try:
                client, experiment = connect(self._root, self._start["tags"]["stage"])
                created = client.create_run(experiment, self._start["time"], self._start["tags"], self._start["name"])
                self._client, self.id = client, created.info.run_id
                self._journal.start["run_id"] = self.id
                self._recording = recording(self._root)
            except Exception as error:  # noqa: BLE001 - no failure of tracking may stop the stage
                self._leave(error, "this run is missing there")
        self._machine.start()

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        now = int(time.time() * 1000)
        with self._turn:
            if step is None:
                self.figures |= values
            else:
                self._last |= dict.fromkeys(values, step)
            # A final value belongs to the last step of its curve. At step 0 it would be the first point of the curve.
            self._waiting += [
                (safe_name(name), float(value), now, self._last.get(name, 0)) for name, value in values.items()
            ]
            if step is None or len(self._waiting) >= _FLUSH_VALUES or time.monotonic() - self._flushed >= _FLUSH_S:
                self.flush()

    def sample(self, values: dict[str, float], number: int) -> None:
        """Record sample `number` of the system metrics."""
        with self._turn:
            self._follow(values, dict.fromkeys(values, number))
            since = self._flushed if self._last or self.figures else self._started + _SILENT_S
            if time.monotonic() - since >= _FLUSH_S:
                self.flush()

    def timing(self, values: dict[str, float]) -> None:
        with self._turn:
            self.timings |= values
            self._follow(values, self._last)

    def _follow(self, values: dict[str, float], steps: dict[str, int]) -> None:
        """Queue values behind the metrics of the stage.

        MLflow's comparison page opens with the first metric of a run, which should be a metric of the stage.
        """
        now = int(time.time() * 1000)
        self._behind += [(safe_name(name), float(value), now, steps.get(name, 0)) for name, value in values.items()]

    def flush(self) -> None:
        """Send the queued metrics."""
        with self._turn:
            points, self._flushed = [*self._waiting, *self._behind], time.monotonic()
            self._waiting, self._behind = [], []
            if points:
                self.send({"kind": "metrics", "points": points})

    def artifact(self, path: Path, folder: str) -> None:
        self.send({"kind": "file", "path": str(path), "folder": folder})

    def text(self, text: str, name: str) -> None:
        """Attach a text under `name`."""
        self.send({"kind": "text", "text": text, "name": name})

    def shown(self, names: list[str]) -> None:
        self.send({"kind": "tags", "values": shown_tag(names)})

    def outputs(self, hashes: dict[str, str]) -> None:
        self.send({"kind": "tags", "values": {f"dvc.out.{safe_name(path)}": digest for path, digest in hashes.items()}})

    def end(self, status: str) -> None:
        """Close the run with the status FINISHED, FAILED or KILLED."""
        self._machine.stop()
        self.flush()
        self.send({"kind": "end", "status": status, "time": int(time.time() * 1000)})
        self._journal.close()
        if self._recording is not None:
            self._recording.close()

    def send(self, event: Event) -> None:
        """Send one event to MLflow. After the first failure, keep events in the journal."""
        with self._turn:
            if self._whole:
                self._keep(event)
            if self._client is not None:
                try:
                    return perform(self._client, self.id, event)
                except Exception as error:  # noqa: BLE001 - see open
                    self._leave(error, "the rest of this run is missing there")
            if not self._whole:
                self._keep(event)

    def _keep(self, event: Event) -> None:
        try:
            if self._keeping:
                self._journal.keep(event)
        except OSError as error:
            self._keeping = False
            where = "kept beside MLflow" if self._client is not None else "kept here either and is lost"
            print(f"warning: the run cannot be {where}: {error}", file=sys.stderr, flush=True)

    def _leave(self, error: Exception, missing: str) -> None:
        self._client = None
        sender = "the machine that asked for the stage" if self._whole else "`python -m flows.unsent`"
        warn_away(error, f"{missing} until {sender} sends it")


@contextmanager
def open_run(entry: StageEntry, params: dict[str, Any], seed: int, origin: Origin, root: Path) -> Iterator[Run]:
    """Open the run of a stage. If MLflow cannot be reached, keep the events for later."""
    called = title(entry, root, origin.commit)
    run = _start(entry, params, seed, origin, root, called)
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        note = redact(called.note(run.id, run.figures | run.timings, origin.inputs))
        run.send({"kind": "tags", "values": {"mlflow.note.content": note}})
        run.end(status)


def warn_away(error: Exception, missing: str) -> None:
    """Print one line: MLflow cannot be reached, and what is `missing` there. The line shows no credentials."""
    first = redact((str(error).strip() or type(error).__name__).splitlines()[0])[:300]
    print(f"warning: MLflow ({tracking_uri_shown()}) is away, so {missing}: {first}", file=sys.stderr, flush=True)


def _start(
    entry: StageEntry, params: dict[str, Any], seed: int, origin: Origin, root: Path, called: Title
) -> MlflowRun:
    dirty = "unknown" if origin.dirty is None else str(origin.dirty).lower()
    tags = {
        "stage": entry.name,
        "dataset": entry.dataset,
        **{name: redact(value) for name, value in called.tags().items()},
        "git.commit": origin.commit or "none",
        "mlflow.source.name": f"tasks.{entry.name}",
        "mlflow.source.type": "LOCAL",
        "mlflow.source.git.commit": origin.commit or "none",
        "git.dirty": dirty,
        "lock.sha256": lock_hash(root) or "none",
        **{tag: os.environ[name] for name, tag in _CALLERS.items() if os.environ.get(name)},
        **{f"hardware.{name}": value for name, value in hardware().items()},
        **{f"dvc.in.{safe_name(path)}": digest for path, digest in origin.inputs.items()},
    }
    run = MlflowRun(
        root, entry, {"name": redact(called.name), "tags": tags, "time": int(time.time() * 1000), "run_id": None}
    )
    run.open()
    flat = {"seed": seed, **flatten(params), **called.before}
    run.send({"kind": "params", "values": {safe_name(k): redact(str(v))[:6000] for k, v in flat.items()}})
    run.send({"kind": "inputs", "hashes": origin.inputs, "context": entry.name})
    if origin.patch:
        run.text(origin.patch, "lineage/dirty.patch")
    for name in ("dvc.yaml", "dvc.lock", "params.yaml"):
        if (root / name).exists():
            run.text(redact((root / name).read_text()), f"lineage/{name}")
    facts = {"commit": origin.commit, "inputs": origin.inputs}
    run.text(json.dumps(facts, indent=2, sort_keys=True), "lineage/inputs.json")
    return run


def safe_name(name: str) -> str:
    """Return `name` with invalid characters replaced. MLflow allows ASCII letters, digits and `_-./ :`."""
    return "".join(c if c.isascii() and c.isalnum() or c in "_-./ :" else "_" for c in name)[:250]

"""The MLflow side of a stage's run. When MLflow is away the stage goes on, with one warning.

MLflow is imported only here. The default database is sqlite at an absolute path under the
repository: file stores are refused since MLflow 3.13, and a relative path would make a second
database for every working directory.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.dag import StageEntry
from tasks.provenance import Origin, hardware, lock_hash

EXPERIMENT = "landloom"
_FLUSH_VALUES, _FLUSH_S = 500, 5.0  # a write costs milliseconds on disk and more over a network: never one a step


class Run:
    """What a stage may say to its run; this base says it to nobody."""

    id: str | None = None

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        """Record numbers, at a step or once."""

    def artifact(self, path: Path, folder: str) -> None:
        """Attach a file."""

    def outputs(self, hashes: dict[str, str]) -> None:
        """Stamp the hashes of what the stage wrote."""


class MlflowRun(Run):
    """A run in MLflow. The first failure is told, and nothing more is sent."""

    def __init__(self, client: Any, run_id: str):
        self._client, self.id = client, run_id
        self._away = False
        self._waiting: list[Any] = []
        self._flushed = time.monotonic()

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._waiting += [Metric(safe_name(name), float(value), now, step or 0) for name, value in values.items()]
        if step is None or len(self._waiting) >= _FLUSH_VALUES or time.monotonic() - self._flushed >= _FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Send the metrics that wait."""
        batch, self._waiting, self._flushed = self._waiting, [], time.monotonic()
        if batch:
            self.send(lambda: self._client.log_batch(self.id, metrics=batch))

    def artifact(self, path: Path, folder: str) -> None:
        self.send(lambda: self._client.log_artifact(self.id, str(path), folder))

    def text(self, text: str, name: str) -> None:
        """Attach a text under `name`."""
        self.send(lambda: self._client.log_text(self.id, text, name))

    def outputs(self, hashes: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        tags = [RunTag(f"dvc.out.{safe_name(path)}", digest) for path, digest in hashes.items()]
        self.send(lambda: self._client.log_batch(self.id, tags=tags))

    def end(self, status: str) -> None:
        """Close the run: FINISHED, FAILED or KILLED."""
        self.flush()
        self.send(lambda: self._client.set_terminated(self.id, status))

    def send(self, call: Callable[[], Any]) -> None:
        """Make one call to the server; on failure warn once and stay silent from then on."""
        if self._away:
            return
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever the tracking does, the stage's work must survive
            self._away = True
            warn_away(error, "the rest of this run's metrics and pictures will be missing there")


@contextmanager
def open_run(entry: StageEntry, params: dict[str, Any], seed: int, origin: Origin, root: Path) -> Iterator[Run]:
    """Open the stage's run, named `$DVC_STAGE`; yield a silent one where MLflow cannot be reached."""
    try:
        run = _start(entry, params, seed, origin, root)
    except Exception as error:  # noqa: BLE001 - see MlflowRun.send
        warn_away(error, "this run will not be recorded")
        yield Run()
        return
    status = "FAILED"
    try:
        yield run
        status = "FINISHED"
    except (KeyboardInterrupt, SystemExit):
        status = "KILLED"
        raise
    finally:
        run.end(status)


def warn_away(error: Exception, missing: str) -> None:
    """Tell in one line that MLflow cannot be reached, and what is `missing` for it; no credentials are shown."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "")
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    first = first.replace(uri, tracking_uri_shown()) if uri else first
    first = re.sub(r"//[^/@\s]*@", "//", first)[:300]
    print(f"warning: MLflow ({tracking_uri_shown()}) is away, so {missing}: {first}", file=sys.stderr, flush=True)


def tracking_uri(root: Path) -> str:
    """`MLFLOW_TRACKING_URI`, or the sqlite database under the repository."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{root / 'mlflow.db'}"


def tracking_uri_shown() -> str:
    """The tracking address without credentials, for messages."""
    uri = os.environ.get("MLFLOW_TRACKING_URI", "sqlite under the repository")
    return uri.split("@")[-1]


def connect(root: Path) -> tuple[Any, str]:
    """(client, experiment id). First use of a database is serialised by a lock on disk.

    Parallel first users of an sqlite database destroy its migration for good, so one of them makes
    the tables and the experiment while the others wait.
    """
    # A server that does not answer must cost seconds, not the default of several minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "10")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    from filelock import FileLock
    from mlflow.tracking import MlflowClient

    uri = tracking_uri(root)
    if uri.startswith("http"):  # a server guards its own tables; waiting in line for a dead one would add up
        return _experiment(MlflowClient(uri, uri), None)
    (root / ".landloom").mkdir(exist_ok=True)
    with FileLock(root / ".landloom" / "mlflow.lock", timeout=300):
        return _experiment(MlflowClient(uri, uri), (root / "mlartifacts").as_uri())


def _experiment(client: Any, artifacts: str | None) -> tuple[Any, str]:
    """Find or make the experiment; `artifacts` is where a bare database, which has no place for files, keeps them."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(EXPERIMENT)
    if found is not None:
        return client, found.experiment_id
    try:
        return client, client.create_experiment(EXPERIMENT, artifact_location=artifacts)
    except MlflowException:  # on a server another machine may have been first
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is None:
            raise
        return client, found.experiment_id


def _start(entry: StageEntry, params: dict[str, Any], seed: int, origin: Origin, root: Path) -> MlflowRun:
    from mlflow.entities import Param

    client, experiment = connect(root)
    dirty = "unknown" if origin.dirty is None else str(origin.dirty).lower()
    tags = {
        "stage": entry.name,
        "dataset": entry.dataset,
        "git.commit": origin.commit or "none",
        "git.dirty": dirty,
        "lock.sha256": lock_hash(root) or "none",
        **{f"hardware.{name}": value for name, value in hardware().items()},
        **{f"dvc.in.{safe_name(path)}": digest for path, digest in origin.inputs.items()},
    }
    created = client.create_run(experiment, run_name=os.environ.get("DVC_STAGE") or entry.key, tags=tags)
    run = MlflowRun(client, created.info.run_id)
    flat = {"seed": seed, **flatten(params)}
    run.send(lambda: client.log_batch(run.id, params=[Param(safe_name(k), str(v)[:6000]) for k, v in flat.items()]))
    run.send(lambda: client.log_inputs(run.id, dataset_inputs(origin.inputs, entry.name)))
    if origin.patch:
        run.text(origin.patch, "lineage/dirty.patch")
    for name in ("dvc.yaml", "dvc.lock", "params.yaml"):
        if (root / name).exists():
            run.artifact(root / name, "lineage")
    facts = {"commit": origin.commit, "inputs": origin.inputs}
    run.text(json.dumps(facts, indent=2, sort_keys=True), "lineage/inputs.json")
    return run


def dataset_inputs(hashes: dict[str, str], context: str) -> list[Any]:
    """MLflow's dataset inputs for the paths under `data/`, with DVC's digests, without loading any."""
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    rows = []
    for path, digest in hashes.items():
        if path.startswith("data/"):
            source = HTTPDatasetSource(f"dvc://{path}")
            dataset = MetaDataset(source, name=path.removeprefix("data/"), digest=digest[:36])
            rows.append(DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", context)]))
    return rows


def flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """`{a: {b: 1}}` as `{a.b: 1}`."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def safe_name(name: str) -> str:
    """`name` with what MLflow refuses replaced: it allows ASCII letters, digits and `_-./ :`."""
    return "".join(c if c.isascii() and c.isalnum() or c in "_-./ :" else "_" for c in name)[:250]

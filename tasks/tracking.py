"""The MLflow side of a stage's run. When MLflow is away the stage goes on, with one warning.

MLflow is imported only here. The default database is sqlite at an absolute path under the
repository: file stores are refused since MLflow 3.13, and a relative path would make a second
database for every working directory.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.dag import StageEntry
from tasks.provenance import git_state, hardware, lock_hash

EXPERIMENT = "landloom"


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

    def metrics(self, values: dict[str, float | int], step: int | None) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        batch = [Metric(_safe(name), float(value), now, step or 0) for name, value in values.items()]
        self.send(lambda: self._client.log_batch(self.id, metrics=batch))

    def artifact(self, path: Path, folder: str) -> None:
        self.send(lambda: self._client.log_artifact(self.id, str(path), folder))

    def text(self, text: str, name: str) -> None:
        """Attach a text under `name`."""
        self.send(lambda: self._client.log_text(self.id, text, name))

    def outputs(self, hashes: dict[str, str]) -> None:
        from mlflow.entities import RunTag

        tags = [RunTag(f"dvc.out.{_safe(path)}", digest) for path, digest in hashes.items()]
        self.send(lambda: self._client.log_batch(self.id, tags=tags))

    def end(self, status: str) -> None:
        """Close the run: FINISHED, FAILED or KILLED."""
        self.send(lambda: self._client.set_terminated(self.id, status))

    def send(self, call: Callable[[], Any]) -> None:
        """Make one call to the server; on failure warn once and stay silent from then on."""
        if self._away:
            return
        try:
            call()
        except Exception as error:  # noqa: BLE001 - whatever the tracking does, the stage's work must survive
            self._away = True
            _warn(error, "the rest of this run's metrics and pictures will be missing there")


@contextmanager
def open_run(entry: StageEntry, params: dict[str, Any], seed: int, inputs: dict[str, str], root: Path) -> Iterator[Run]:
    """Open the stage's run, named `$DVC_STAGE`; yield a silent one where MLflow cannot be reached."""
    try:
        run = _start(entry, params, seed, inputs, root)
    except Exception as error:  # noqa: BLE001 - see MlflowRun.send
        _warn(error, "this run will not be recorded")
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


def _warn(error: Exception, missing: str) -> None:
    first = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
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
    (root / ".landloom").mkdir(exist_ok=True)
    with FileLock(root / ".landloom" / "mlflow.lock", timeout=300):
        client = MlflowClient(uri, uri)
        found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return client, found.experiment_id
        # A tracking server has its own place for files; a bare database needs one beside it.
        place = None if uri.startswith("http") else (root / "mlartifacts").as_uri()
        return client, client.create_experiment(EXPERIMENT, artifact_location=place)


def _start(entry: StageEntry, params: dict[str, Any], seed: int, inputs: dict[str, str], root: Path) -> MlflowRun:
    from mlflow.entities import Param

    client, experiment = connect(root)
    commit, patch = git_state(root)
    tags = {
        "stage": entry.name,
        "dataset": entry.dataset,
        "git.commit": commit or "none",
        "git.dirty": str(bool(patch)).lower(),
        "lock.sha256": lock_hash(root) or "none",
        **{f"hardware.{name}": value for name, value in hardware().items()},
        **{f"dvc.in.{_safe(path)}": digest for path, digest in inputs.items()},
    }
    name = os.environ.get("DVC_STAGE") or entry.key
    created = client.create_run(experiment, run_name=name, tags=tags)
    run = MlflowRun(client, created.info.run_id)
    flat = {"seed": seed, **_flatten(params)}
    run.send(lambda: client.log_batch(run.id, params=[Param(_safe(k), str(v)[:6000]) for k, v in flat.items()]))
    run.send(lambda: _log_inputs(client, run.id, entry, inputs))
    if patch:
        run.text(patch, "lineage/dirty.patch")
    for name in ("dvc.yaml", "dvc.lock", "params.yaml"):
        if (root / name).exists():
            run.artifact(root / name, "lineage")
    run.text(json.dumps({"commit": commit, "inputs": inputs}, indent=2, sort_keys=True), "lineage/inputs.json")
    return run


def _log_inputs(client: Any, run_id: str, entry: StageEntry, inputs: dict[str, str]) -> None:
    """Tell MLflow which datasets went in, by DVC's digests, without loading any."""
    from mlflow.data.http_dataset_source import HTTPDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    rows = []
    for path, digest in inputs.items():
        if not path.startswith("data/"):
            continue
        dataset = MetaDataset(HTTPDatasetSource(f"dvc://{path}"), name=path.removeprefix("data/"), digest=digest[:36])
        rows.append(DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", entry.name)]))
    if rows:
        client.log_inputs(run_id, rows)


def _flatten(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat


def _safe(name: str) -> str:
    """MLflow allows letters, digits and `_-./ :` in names."""
    return "".join(c if c.isalnum() or c in "_-./ :" else "_" for c in name)[:250]

"""Creates a model version in MLflow that refers to the files of DVC, and tags the runs that produced it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tasks.core.stage import Stage
from tasks.runs.journal import dataset_inputs
from tasks.runs.store import connect, tracking_uri
from tasks.runs.tracking import flatten, safe_name, warn_away

ALIAS = "candidate"  # a person sets the alias `champion` by hand after a look at the metrics


def register(
    stage: Stage,
    name: str,
    records: list[dict[str, Any]],
    locked: set[str],
    metrics: dict[str, float],
    about: Callable[[str, str], str],
) -> dict[str, str | None]:
    """Make (or find) the version of model `name` for these bytes, describe it, and tag every run.

    Args:
        records: the run files; `locked`: the stages whose hashes equal those in DVC's lock.
        metrics: what evaluate measured.
        about: returns the description of the version, from (version, id of this run).

    Returns:
        Version and model id. Both are None if MLflow is not available; the function then logs one warning.
    """
    unknown = {"version": None, "model_id": None}
    if stage.run_id is None:  # the run of the stage has already logged a warning
        return unknown
    try:
        return _register(stage.root, stage.run_id, name, records, locked, metrics, about)
    except Exception as error:  # noqa: BLE001 - the lineage must be written even if tracking fails
        warn_away(error, "the model version will be missing there")
        return unknown


def _register(
    root: Path,
    run_id: str,
    name: str,
    records: list[dict[str, Any]],
    locked: set[str],
    metrics: dict[str, float],
    about: Callable[[str, str], str],
) -> dict[str, str | None]:
    import mlflow
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    client, experiment = connect(root, "train")
    mlflow.set_tracking_uri(tracking_uri(root))  # `create_external_model` takes no URI
    mlflow.set_registry_uri(tracking_uri(root))
    by_stage = {record["stage"].split("@")[0]: record for record in records}
    here = {stage: run for stage, record in by_stage.items() if (run := _find(client, record["run_id"]))}
    train = by_stage["train"]
    path, digest = next((path, digest) for path, digest in train["outs"].items() if path.endswith("/model"))
    tags = _tags(by_stage, path, digest) | {"run.register": run_id}

    version = _same_version(client, name, digest, train["run_id"])
    if version is None:
        made_by = train["run_id"] if "train" in here else run_id
        model = mlflow.create_external_model(
            name=name,
            source_run_id=made_by,
            tags=tags,
            params={safe_name(key): str(value)[:250] for key, value in flatten(train["params"]).items()},
            model_type=str(train["params"]["method"]["name"]),
            experiment_id=experiment,
        )
        client.log_outputs(made_by, [LoggedModelOutput(model.model_id, step=0)])
        _ensure_registered(client, name)
        tags["model_id"] = model.model_id
        source = f"dvc://{path}?md5={digest}"
        version = client.create_model_version(name, source, made_by, tags, model_id=model.model_id)
    else:  # the same bytes; the metrics or samples may be new
        for key, value in tags.items():
            client.set_model_version_tag(name, version.version, key, value)
    model_id = version.tags["model_id"]

    for stage in ("evaluate", "generate"):
        if stage in here and not here[stage].inputs.model_inputs:
            client.log_inputs(here[stage].info.run_id, models=[LoggedModelInput(model_id)])
    _score(client, run_id, model_id, records, metrics)
    for stage in here:
        _stamp(client, by_stage[stage], by_stage[stage]["stage"] in locked, f"{name}/{version.version}")
    client.update_model_version(name, version.version, about(str(version.version), run_id))
    client.set_registered_model_alias(name, ALIAS, version.version)
    return {"version": str(version.version), "model_id": model_id}


def _score(client: Any, run_id: str, model_id: str, records: list[dict[str, Any]], metrics: dict[str, float]) -> None:
    """Link metrics, model and data: each metric names the measured model and the shards of the comparison."""
    from mlflow.entities import LoggedModelInput, Metric

    outs = {path: digest for record in records for path, digest in record["outs"].items()}
    path, digest = next((path, digest) for path, digest in outs.items() if path.endswith("/shards"))
    data = {"dataset_name": path.removeprefix("data/"), "dataset_digest": digest[:36], "model_id": model_id}
    client.log_inputs(run_id, dataset_inputs({path: digest}, "evaluation"), [LoggedModelInput(model_id)])
    now = int(time.time() * 1000)
    client.log_batch(run_id, [Metric(safe_name(key), float(value), now, 0, **data) for key, value in metrics.items()])


def _tags(by_stage: dict[str, dict[str, Any]], path: str, digest: str) -> dict[str, str]:
    """Tags for the search of model versions: hashes of the model and of its data, and the runs of both."""
    tags = {"dvc.path": path, "dvc.md5": digest, "git.commit": by_stage["train"]["commit"] or "none"}
    for stage, record in by_stage.items():
        tags[f"run.{stage}"] = record["run_id"] or "none"
        if stage in ("acquire", "project", "select", "label", "caption", "shard"):
            outs = {
                out: md5 for out, md5 in record["outs"].items() if "/pictures/" not in out and "/metrics/" not in out
            }
            tags |= {f"dvc.{safe_name(out)}": md5 for out, md5 in outs.items()}
    return tags


def _same_version(client: Any, name: str, digest: str, run_id: str | None) -> Any | None:
    """The version that an earlier (or killed) registration created for the same bytes and the same run."""
    found = client.search_model_versions(f"name = '{name}' and tags.`dvc.md5` = '{digest}'")
    return next((version for version in found if version.tags.get("run.train") == (run_id or "none")), None)


def _ensure_registered(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _find(client: Any, run_id: str | None) -> Any | None:
    """The run, or None. Pulled files can name a run that exists only in the MLflow store of another machine."""
    from mlflow.exceptions import MlflowException

    if run_id is None:
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return None
    return run if run.info.lifecycle_stage == "active" else None


def _stamp(client: Any, record: dict[str, Any], locked: bool, version: str) -> None:
    from mlflow.entities import RunTag

    tags = [RunTag(f"dvc.out.{safe_name(path)}", digest) for path, digest in record["outs"].items()]
    tags += [RunTag("dvc.locked", str(locked).lower()), RunTag("registered", version)]
    client.log_batch(record["run_id"], tags=tags)

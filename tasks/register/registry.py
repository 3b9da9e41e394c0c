"""Creates a model version in MLflow that refers to the files of DVC, and tags the runs that produced it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tasks.core.dag import stage_entry, upstream
from tasks.core.stage import Stage
from tasks.register.alias import decide, worth
from tasks.register.evaluation import Evaluation
from tasks.register.params import Alias, Params
from tasks.register.run_files import RunFile
from tasks.runs.found import run_of
from tasks.runs.journal import dataset_inputs
from tasks.runs.store import connect, tracking_uri
from tasks.runs.tracking import flatten, safe_name, warn_away

About = Callable[[str, "Known"], str]


@dataclass(frozen=True)
class Known:
    """What MLflow knows of the runs behind a version.

    Attributes:
        mine: id of the run of `register`.
        runs: stage → id of its run, for the stages whose runs this store has.
    """

    mine: str
    runs: dict[str, str]


@dataclass(frozen=True)
class Registered:
    """The version, or None in each field if MLflow is away; and the ids of the runs, by stage."""

    version: str | None
    model_id: str | None
    runs: dict[str, str]
    said: str = ""


def register(
    stage: Stage[Params], files: list[RunFile], locked: set[str], evaluation: Evaluation, about: About
) -> Registered:
    """Make (or find) the version of the model for these bytes, describe it, tag every run, move the alias by its rule.

    Args:
        files: the run files; `locked`: the stages whose hashes equal those in DVC's lock.
        about: returns the description of a version.

    Returns:
        Version and model id. Both are None if MLflow is not available; the function then logs one warning.
    """
    if stage.run_id is None:  # the run of the stage has already logged a warning
        return Registered(None, None, {})
    try:
        return _register(stage, files, locked, evaluation, about)
    except Exception as error:  # noqa: BLE001 - the lineage must be written even if tracking fails
        warn_away(error, "the model version will be missing there")
        return Registered(None, None, {})


def _register(
    stage: Stage[Params], files: list[RunFile], locked: set[str], evaluation: Evaluation, about: About
) -> Registered:
    import mlflow
    from mlflow.entities import LoggedModelInput, LoggedModelOutput

    root, name = stage.root, stage.params.model
    client, _ = connect(root)
    mlflow.set_tracking_uri(tracking_uri(root))  # `create_external_model` takes no URI
    mlflow.set_registry_uri(tracking_uri(root))
    by_stage = {file.stage: file for file in files}
    here = {each: run for each, file in by_stage.items() if (run := run_of(client, file.facts, file.path, file.md5))}
    train, maker = by_stage["train"], here.get("train") or client.get_run(stage.run_id)
    path, digest = train.output("model")
    ids = {each: run.info.run_id for each, run in here.items()}
    tags = _tags(by_stage, ids, path, digest)
    data = upstream(stage_entry("train", stage.dataset, root), root)
    tags |= worth(evaluation, {each: file.facts for each, file in by_stage.items()}, data)
    tags["run.register"] = stage.run_id

    version = _same_version(client, name, tags)
    if version is None:
        model = mlflow.create_external_model(
            name=name,
            source_run_id=maker.info.run_id,
            tags=tags,
            params={safe_name(key): str(value)[:250] for key, value in flatten(train.facts["params"]).items()},
            model_type=str(train.facts["params"]["method"]["name"]),
            experiment_id=maker.info.experiment_id,
        )
        client.log_outputs(maker.info.run_id, [LoggedModelOutput(model.model_id, step=0)])
        _ensure_registered(client, name)
        tags["model_id"] = model.model_id
        source = f"dvc://{path}?md5={digest}"
        version = client.create_model_version(name, source, maker.info.run_id, tags, model_id=model.model_id)
    else:  # the same bytes, perhaps made again by other runs
        for key, value in tags.items():
            client.set_model_version_tag(name, version.version, key, value)
    model_id = version.tags["model_id"]

    for each in ("evaluate", "generate"):
        if each in here and model_id not in {entry.model_id for entry in here[each].inputs.model_inputs or []}:
            client.log_inputs(here[each].info.run_id, models=[LoggedModelInput(model_id)])
    _score(client, stage.run_id, model_id, files, evaluation)
    for each, run in here.items():
        _stamp(client, run, by_stage[each], by_stage[each].key in locked, f"{name}/{version.version}")
    client.update_model_version(name, version.version, about(str(version.version), Known(stage.run_id, ids)))
    said = _alias(client, stage.params.alias, name, str(version.version), tags)
    return Registered(str(version.version), model_id, ids, said)


def _alias(client: Any, alias: Alias, name: str, version: str, tags: dict[str, str]) -> str:
    """Move the alias if its rule says so; return one sentence about it."""
    number = dict(client.get_registered_model(name).aliases).get(alias.name)
    if str(number) == version:
        return f"{alias.name} is this version"
    holder = None if number is None else client.get_model_version(name, number).tags
    moves, why = decide(alias, tags, holder)
    if moves:
        client.set_registered_model_alias(name, alias.name, version)
        return f"{alias.name} is now this version: {why}"
    stays = "is no version yet" if number is None else f"stays version {number}"
    return f"{alias.name} {stays}: {why} (`python -m flows.promote models:/{name}/{version}` moves it)"


def _score(client: Any, run_id: str, model_id: str, files: list[RunFile], evaluation: Evaluation) -> None:
    """Link metrics, model and data: each metric names the measured model and the shards of the comparison."""
    from mlflow.entities import LoggedModelInput, Metric

    path, digest = next(file for file in files if file.stage == "shard").output("shards")
    data = {"dataset_name": path.removeprefix("data/"), "dataset_digest": digest[:36], "model_id": model_id}
    client.log_inputs(run_id, dataset_inputs({path: digest}, "evaluation"), [LoggedModelInput(model_id)])
    now = int(time.time() * 1000)
    points = [Metric(safe_name(key), float(value), now, 0, **data) for key, value in evaluation.values.items()]
    client.log_batch(run_id, points)


def _tags(by_stage: dict[str, RunFile], runs: dict[str, str], path: str, digest: str) -> dict[str, str]:
    """Tags for the search of model versions: hashes of the model, its data, its evaluation and samples; and the runs.

    `record.<stage>` is the hash of the run file. It leads to the run also if the run arrives in MLflow later.
    """
    tags = {"dvc.path": path, "dvc.md5": digest, "git.commit": by_stage["train"].facts["commit"] or "none"}
    for stage, file in by_stage.items():
        tags |= {f"run.{stage}": runs.get(stage) or file.facts["run_id"] or "none", f"record.{stage}": file.md5}
        if stage != "train":
            tags |= {f"dvc.{safe_name(out)}": md5 for out, md5 in file.main.items()}
    return tags


def _same_version(client: Any, name: str, tags: dict[str, str]) -> Any | None:
    """The version that an earlier (or killed) registration made for the same training, evaluation and samples.

    A version with other figures or samples is another version: a page always shows the same ones, so it is right
    also after DVC restored the stages that made it.
    """
    found = client.search_model_versions(f"name = '{name}' and tags.`dvc.md5` = '{tags['dvc.md5']}'")
    same = [key for key in tags if key.startswith("dvc.") and key.endswith(("/evaluation", "/samples"))]
    return next(
        (
            version
            for version in found
            if all(version.tags.get(key) == tags[key] for key in same)
            and any(version.tags.get(key) == tags[key] for key in ("run.train", "record.train"))
        ),
        None,
    )


def _ensure_registered(client: Any, name: str) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def _stamp(client: Any, run: Any, file: RunFile, locked: bool, version: str) -> None:
    """Tag a run with the hashes of its outputs, whether DVC's lock has them, and each version that it is behind."""
    from mlflow.entities import RunTag

    versions = dict.fromkeys([*filter(None, run.data.tags.get("registered", "").split(", ")), version])
    tags = [RunTag(f"dvc.out.{safe_name(path)}", digest) for path, digest in file.facts["outs"].items()]
    tags += [RunTag("dvc.locked", str(locked).lower()), RunTag("registered", ", ".join(versions)[-5000:])]
    client.log_batch(run.info.run_id, tags=tags)

"""The recorded runs, found by id, by model version, or by the hash of an output."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.core.dag import stage_entry, stage_names
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_md5
from tasks.runs.figures import shown
from tasks.runs.found import OUT, run_by_id, run_of, runs_that_wrote
from tasks.runs.store import knock, prepare, tracking_uri, tracking_uri_shown
from tasks.runs.tracking import flatten, safe_name

IN, HARDWARE = "dvc.in.", "hardware."


@dataclass(frozen=True)
class Recorded:
    """The record of one run: enough to fetch its outputs and to make them again.

    Attributes:
        run_id: None where MLflow was unreachable and only the run file in `data/` describes the run.
        sealed: the commit that holds this run's code and its entry of `dvc.lock`, or None.
        params: the stage's parameters as MLflow shows them, flat (`network.channels`), with `seed`.
        inputs, outputs: path → DVC's hash; inputs are data and code.
        shown: the names of those of `metrics` that the stage found worth showing, the most telling first.
        started, ended: milliseconds since 1970.
    """

    run_id: str | None
    stage: str
    commit: str | None
    dirty: bool
    lock_sha256: str | None
    inputs: dict[str, str]
    outputs: dict[str, str]
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    hardware: dict[str, str] = field(default_factory=dict)
    sealed: str | None = None
    started: int | None = None
    ended: int | None = None

    @property
    def data_inputs(self) -> dict[str, str]:
        """Inputs that another stage wrote."""
        return {path: digest for path, digest in self.inputs.items() if path.startswith("data/")}

    @property
    def code_inputs(self) -> dict[str, str]:
        """Inputs that git holds."""
        return {path: digest for path, digest in self.inputs.items() if not path.startswith("data/")}

    @property
    def dataset(self) -> str:
        return self.stage.split("@")[1]

    @property
    def record(self) -> str:
        """Path of the run file, which stands beside the data and has this run's id."""
        name, dataset = self.stage.split("@")
        return f"data/{dataset}/runs/{name}.json"


class Runs:
    """The finished runs of the tracking database."""

    def __init__(self, root: Path, uri: str | None = None):
        from mlflow.tracking import MlflowClient

        self.root = root
        uri = uri or tracking_uri(root)
        try:
            knock(uri)
            prepare(uri, root)
        except Exception as error:  # noqa: BLE001 - each kind of store raises errors of its own
            raise LandloomError(f"MLflow ({tracking_uri_shown()}) is away: {str(error).splitlines()[0]}") from None
        self.client = MlflowClient(uri, uri)

    def find(self, name: str) -> tuple[Recorded, Any | None]:
        """The run that `name` means, and the model version where it names one.

        Args:
            name: a run id; a model version (`models:/terrain/3`); or a stage (`train@terrain`), which means the run
                that made its outputs in this checkout.
        """
        if "@" in name and not name.startswith("models:/"):
            return self.of_checkout(name), None
        if not name.startswith("models:/"):
            return self.get(name), None
        version = self.version(name)
        run = self.of_version(version, "train")
        if run is None:
            path, digest = version.tags.get("dvc.path"), version.tags.get("dvc.md5")
            raise LandloomError(
                f"{name}: no run here wrote {path} with hash {digest}: MLflow was away while it was trained, or its "
                "run is in another database; where it ran, `python -m flows.unsent` sends what was kept of it"
            )
        return run, version

    def of_checkout(self, stage: str) -> Recorded:
        """The run whose run file this checkout has, by its id or by what it wrote."""
        room, _, dataset = stage.partition("@")
        path = f"data/{dataset}/runs/{room}.json"
        if not (self.root / path).is_file():
            raise LandloomError(f"{stage}: this checkout has no {path}; `dvc repro {stage}` makes or restores it")
        run = run_of(self.client, json.loads((self.root / path).read_text()), path, file_md5(self.root / path))
        if run is None:
            said = f"{stage}: MLflow ({tracking_uri_shown()}) has no run that wrote {path}"
            raise LandloomError(f"{said}; `python -m flows.unsent` sends a run that was kept")
        return self.get(run.info.run_id)

    def of_version(self, version: Any, stage: str) -> Recorded | None:
        """The run of `stage` behind a model version, or None: by its id, by its run file, at last by the model's bytes.

        The id may be missing, or of another store: the version can be older than the run's arrival here.
        """
        named = version.tags.get(f"run.{stage}") or (version.run_id if stage == "train" else None)
        if (run := run_by_id(self.client, named)) is not None and run.info.status == "FINISHED":
            return recorded(run)
        path = version.tags.get("dvc.path") or ""
        wrote = [(f"{path.rpartition('/')[0]}/runs/{stage}.json", version.tags.get(f"record.{stage}"))]
        if stage == "train":
            wrote.append((path, version.tags.get("dvc.md5")))
        found = (self.writers(path, digest) for path, digest in wrote if path and digest)
        return next((runs[0] for runs in found if runs), None)

    def version(self, name: str) -> Any:
        """A model version by `models:/NAME/NUMBER` or `models:/NAME@ALIAS`."""
        from mlflow.exceptions import MlflowException

        model, _, number = name.removeprefix("models:/").partition("/")
        model, _, alias = model.partition("@")
        try:
            if alias:
                return self.client.get_model_version_by_alias(model, alias)
            if number:
                return self.client.get_model_version(model, number)
        except MlflowException as error:
            raise LandloomError(f"{name}: {str(error).splitlines()[0]} (asked: {tracking_uri_shown()})") from None
        raise LandloomError(f"{name}: say which version, models:/{model}/1 or models:/{model}@candidate")

    def get(self, run_id: str) -> Recorded:
        """One run by its id; raises LandloomError where there is none or it did not finish."""
        from mlflow.exceptions import MlflowException

        if run_id.lower() in ("null", "none", ""):
            raise LandloomError(
                "a run id of null means that MLflow was away while the stage ran: its run file names inputs and "
                "outputs, but no run; `python -m flows.unsent` sends what was kept of it, and MLflow then shows its id"
            )
        try:
            run = self.client.get_run(run_id)
        except MlflowException as error:
            said = str(error).splitlines()[0]
            raise LandloomError(
                f"run {run_id}: {said} (asked: {tracking_uri_shown()}; MLFLOW_TRACKING_URI names another database)"
            ) from None
        if run.info.status != "FINISHED":
            raise LandloomError(f"run {run_id}: its status is {run.info.status}; only a finished run has outputs")
        if "stage" not in run.data.tags:
            raise LandloomError(f"run {run_id}: no stage of this pipeline made it")
        return recorded(run)

    def writers(self, path: str, digest: str) -> list[Recorded]:
        """The finished runs that wrote these bytes at this path, the latest first."""
        return [recorded(run) for run in runs_that_wrote(self.client, {path: digest})]

    def upstream(self, run: Recorded) -> list[Recorded]:
        """Every run that made an input of `run`, directly or not, dependencies first; `run` is the last.

        Raises LandloomError naming the path that no recorded run wrote.
        """
        order: list[Recorded] = []
        self._visit(run, order)
        return order

    def _visit(self, run: Recorded, order: list[Recorded]) -> None:
        # Run files first: each belongs to one run, while several runs may have written the same data.
        for path, digest in sorted(run.data_inputs.items(), key=lambda item: ("/runs/" not in item[0], item[0])):
            if any(other.outputs.get(path) == digest for other in order):
                continue
            writer = self._writer(run, path, digest)
            if writer is not None and all(other.run_id != writer.run_id for other in order):
                self._visit(writer, order)
        order.append(run)

    def _writer(self, run: Recorded, path: str, digest: str) -> Recorded | None:
        """The latest run that wrote these bytes before `run` began and whose shared code is the same.

        If all of them seem to be later, the clocks of two machines disagree, and the order is unknown.
        """
        writers = self.writers(path, digest)
        found = [other for other in writers if not run.started or other.started <= run.started] or writers
        if found:
            return min(found, key=lambda other: _disagreements(run, other))
        if unrecorded := self._unrecorded(path, digest):
            return unrecorded
        if "/runs/" in path:
            return None  # runs of an older database did not record their run file; their data identify them
        raise LandloomError(self._nobody(run, path, digest))

    def _unrecorded(self, path: str, digest: str) -> Recorded | None:
        """The run that only a run file of this checkout describes, because MLflow was unreachable."""
        for file in sorted(self.root.glob("data/*/runs/*.json")):
            name = file.relative_to(self.root).as_posix()
            facts = json.loads(file.read_text())
            if facts["run_id"] is not None:
                continue
            outputs = {**facts["outs"], name: file_md5(file)}
            if outputs.get(path) == digest:
                params = {"seed": facts["seed"], **flatten(facts["params"])}
                return Recorded(
                    run_id=None,
                    stage=facts["stage"],
                    commit=facts["commit"],
                    dirty=bool(facts["dirty"]),
                    lock_sha256=None,
                    inputs=facts["inputs"],
                    outputs=outputs,
                    params={safe_name(key): str(value) for key, value in params.items()},
                )
        return None

    def _nobody(self, run: Recorded, path: str, digest: str) -> str:
        name, dataset = Path(path).parts[1], ""
        for stage in stage_names(self.root):
            if path in stage_entry(stage, Path(path).parts[1], self.root).outs:
                name, dataset = stage, f"@{Path(path).parts[1]}"
        return (
            f"run {run.run_id} ({run.stage}): no recorded run wrote {path} with hash {digest}: {name}{dataset} ran "
            "while MLflow was away (run_id null), or its run is in another database; where it ran, "
            f"`python -m flows.unsent` sends what was kept of it, and `dvc repro -f -s {name}{dataset}` makes it anew"
        )

    def artifact(self, run_id: str, name: str) -> bytes | None:
        """The bytes of an artifact of the run, or None where it has none."""
        import tempfile

        import mlflow.artifacts
        from mlflow.exceptions import MlflowException

        with tempfile.TemporaryDirectory(prefix="landloom-") as folder:
            try:
                uri = f"{self.client.get_run(run_id).info.artifact_uri}/{name}"
                return Path(mlflow.artifacts.download_artifacts(uri, dst_path=folder)).read_bytes()
            except (MlflowException, OSError):
                return None


def recorded(run: Any) -> Recorded:
    """Convert an MLflow run."""
    tags = run.data.tags

    def under(prefix: str) -> dict[str, str]:
        return {name.removeprefix(prefix): value for name, value in sorted(tags.items()) if name.startswith(prefix)}

    return Recorded(
        run_id=run.info.run_id,
        stage=f"{tags.get('stage')}@{tags.get('dataset')}",
        commit=_known(tags.get("git.commit")),
        dirty=tags.get("git.dirty") == "true",
        lock_sha256=_known(tags.get("lock.sha256")),
        inputs=under(IN),
        outputs=under(OUT),
        # `train/lr` is a parameter of an upstream stage, `system/…` describes the machine: neither is the run's own.
        params={name: value for name, value in run.data.params.items() if "/" not in name},
        metrics={name: value for name, value in run.data.metrics.items() if not name.startswith("system/")},
        shown=shown(tags),
        hardware=under(HARDWARE),
        sealed=_known(tags.get("git.commit.sealed")),
        started=run.info.start_time,
        ended=run.info.end_time,
    )


def _known(tag: str | None) -> str | None:
    return None if tag in (None, "none") else tag


def _disagreements(run: Recorded, other: Recorded) -> int:
    mine = run.code_inputs
    return sum(1 for path, digest in other.code_inputs.items() if mine.get(path, digest) != digest)

"""The recorded runs, found by id, by model version, or by the hash of an output."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.core.dag import stage_entry, stage_names
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_md5
from tasks.runs.store import experiments, knock, tracking_uri, tracking_uri_shown

IN, OUT, HARDWARE = "dvc.in.", "dvc.out.", "hardware."


@dataclass(frozen=True)
class Recorded:
    """The record of one run: enough to fetch its outputs and to make them again.

    Attributes:
        run_id: None where MLflow was unreachable and only the run file in `data/` describes the run.
        sealed: the commit that holds this run's code and its entry of `dvc.lock`, or None.
        params: the stage's parameters as MLflow shows them, flat (`network.channels`), with `seed`.
        inputs, outputs: path → DVC's hash; inputs are data and code.
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
        except Exception as error:  # noqa: BLE001 - each kind of store raises errors of its own
            raise LandloomError(f"MLflow ({tracking_uri_shown()}) is away: {str(error).splitlines()[0]}") from None
        self.client = MlflowClient(uri, uri)

    def find(self, name: str) -> tuple[Recorded, Any | None]:
        """The run that `name` means, and the model version where it names one (`models:/terrain/3`)."""
        if not name.startswith("models:/"):
            return self.get(name), None
        version = self.version(name)
        run_id = version.tags.get("run.train") or version.run_id
        if run_id in (None, "", "none"):
            raise LandloomError(f"{name}: its training was not recorded, MLflow was away; no run id leads further")
        return self.get(run_id), version

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
        found = self.client.search_runs(
            list(experiments(self.client).values()),
            f"tags.`{OUT}{path}` = '{digest}' and attributes.status = 'FINISHED'",
            order_by=["attributes.start_time DESC"],
            max_results=50,
        )
        return [recorded(run) for run in found]

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
        """The latest run that wrote these bytes before `run` began and whose shared code is the same."""
        found = [other for other in self.writers(path, digest) if not run.started or other.started <= run.started]
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
                return Recorded(
                    run_id=None,
                    stage=facts["stage"],
                    commit=facts["commit"],
                    dirty=bool(facts["dirty"]),
                    lock_sha256=None,
                    inputs=facts["inputs"],
                    outputs=outputs,
                    params={"seed": str(facts["seed"])},
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

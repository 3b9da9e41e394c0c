"""Lineage of a run, walked by content: an input's hash leads to the run whose output has that hash."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tasks.errors import LandloomError
from tasks.store import EXPERIMENT, tracking_uri

IN, OUT = "dvc.in.", "dvc.out."


@dataclass(frozen=True)
class Recorded:
    """What one run says of itself: enough to fetch its bytes and to make them again.

    `inputs` and `outputs` map a path to its DVC hash; inputs are data and code alike.
    """

    run_id: str
    stage: str
    commit: str | None
    dirty: bool
    lock_sha256: str | None
    inputs: dict[str, str]
    outputs: dict[str, str]
    metrics: dict[str, float] = field(default_factory=dict)

    @property
    def data_inputs(self) -> dict[str, str]:
        """Inputs that another stage wrote."""
        return {path: digest for path, digest in self.inputs.items() if path.startswith("data/")}

    @property
    def code_inputs(self) -> dict[str, str]:
        """Inputs that git holds."""
        return {path: digest for path, digest in self.inputs.items() if not path.startswith("data/")}


class Runs:
    """The finished runs of the tracking database, looked up by id and by what they wrote."""

    def __init__(self, root: Path):
        from mlflow.tracking import MlflowClient

        self.client = MlflowClient(tracking_uri(root), tracking_uri(root))

    def get(self, run_id: str) -> Recorded:
        """One run by its id; raises LandloomError where there is none or it did not finish."""
        from mlflow.exceptions import MlflowException

        try:
            run = self.client.get_run(run_id)
        except MlflowException as error:
            raise LandloomError(f"run {run_id}: {str(error).splitlines()[0]}") from None
        if run.info.status != "FINISHED":
            raise LandloomError(f"run {run_id}: its status is {run.info.status}; only a finished run has outputs")
        return _recorded(run)

    def writer(self, path: str, digest: str) -> Recorded | None:
        """The earliest finished run that wrote these bytes at this path, or None."""
        experiment = self.client.get_experiment_by_name(EXPERIMENT)
        found = self.client.search_runs(
            [experiment.experiment_id] if experiment else [],
            f"tags.`{OUT}{path}` = '{digest}' and attributes.status = 'FINISHED'",
            order_by=["attributes.start_time ASC"],
            max_results=1,
        )
        return _recorded(found[0]) if found else None

    def upstream(self, run: Recorded) -> dict[str, Recorded]:
        """`run` and every run that its inputs came from, by stage, dependencies first.

        Raises LandloomError naming the path whose writer is not in the database.
        """
        order: dict[str, Recorded] = {}
        self._visit(run, order)
        return order

    def _visit(self, run: Recorded, order: dict[str, Recorded]) -> None:
        for path, digest in sorted(run.data_inputs.items()):
            if "/runs/" in path or "/metrics/" in path:
                continue  # numbers and ids of stages whose data the run depends on anyway
            writer = next((other for other in order.values() if other.outputs.get(path) == digest), None)
            writer = writer or self.writer(path, digest)
            if writer is None:
                raise LandloomError(f"run {run.run_id} ({run.stage}): no recorded run wrote {path} with hash {digest}")
            if writer.stage not in order:
                self._visit(writer, order)
        order[run.stage] = run

    def text(self, run: Recorded, name: str) -> str | None:
        """A text artifact of the run, or None where it has none."""
        import mlflow.artifacts
        from mlflow.exceptions import MlflowException

        try:
            return mlflow.artifacts.load_text(f"{self.client.get_run(run.run_id).info.artifact_uri}/{name}")
        except (MlflowException, OSError):
            return None


def _recorded(run: Any) -> Recorded:
    tags = run.data.tags
    return Recorded(
        run_id=run.info.run_id,
        stage=f"{tags.get('stage')}@{tags.get('dataset')}",
        commit=_known(tags.get("git.commit")),
        dirty=tags.get("git.dirty") == "true",
        lock_sha256=_known(tags.get("lock.sha256")),
        inputs={name.removeprefix(IN): digest for name, digest in sorted(tags.items()) if name.startswith(IN)},
        outputs={name.removeprefix(OUT): digest for name, digest in sorted(tags.items()) if name.startswith(OUT)},
        metrics=dict(run.data.metrics),
    )


def _known(tag: str | None) -> str | None:
    return None if tag in (None, "none") else tag

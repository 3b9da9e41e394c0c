"""Runs in MLflow, found by what they wrote.

A run file names the run that made its outputs. The id can be missing there, because MLflow was away and
`python -m flows.unsent` sent the run later. It can also belong to another store: a worker's, or a colleague's. The
bytes lead to the run all the same, because every run records the hash of each output, its run file included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasks.runs.store import experiments
from tasks.runs.tracking import safe_name

OUT = "dvc.out."  # the tag `dvc.out.<path>` of a run is the hash of the output at that path
NEWEST = ["attributes.start_time DESC"]


def run_of(client: Any, record: Mapping[str, Any], path: str, digest: str, exact: bool = False) -> Any | None:
    """Return the MLflow run that a run file describes, or None if this store does not have it.

    The search goes from the exact to the equal: the id in the file; a run that wrote this very file; the newest run
    that wrote the same bytes to every other output of the stage.

    Args:
        record: the content of the run file. path, digest: its place (`data/terrain/runs/train.json`) and its MD5.
        exact: another run that wrote the same bytes does not count.
    """
    if (run := run_by_id(client, record["run_id"])) is not None:
        return run
    for outs in ({path: digest},) if exact else ({path: digest}, record["outs"]):
        if found := runs_that_wrote(client, outs, limit=1):
            return found[0]
    return None


def run_by_id(client: Any, run_id: str | None) -> Any | None:
    """Return the run with this id, or None if there is none, or if it was deleted."""
    from mlflow.exceptions import MlflowException

    if run_id in (None, "", "none"):
        return None
    try:
        run = client.get_run(run_id)
    except MlflowException as error:
        if error.error_code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):  # the latter: no id at all
            raise
        return None
    return run if run.info.lifecycle_stage == "active" else None


def runs_that_wrote(client: Any, outs: Mapping[str, str], limit: int = 50) -> list[Any]:
    """Return the finished runs that wrote these bytes (path → DVC's hash) to these paths, the newest first."""
    if not outs:
        return []
    wrote = [f"tags.`{OUT}{safe_name(path)}` = '{digest}'" for path, digest in outs.items()]
    words = " and ".join([*wrote, "attributes.status = 'FINISHED'"])
    where = list(experiments(client).values())
    return list(client.search_runs(where, words, order_by=NEWEST, max_results=limit))

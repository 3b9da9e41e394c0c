"""Sending of a kept run to MLflow: into the run that MLflow has already, else into a new one."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.settings import ROOT
from tasks.runs.found import OUT, run_of
from tasks.runs.journal import perform, read
from tasks.runs.links import with_run
from tasks.runs.secrets import redact
from tasks.runs.store import connect, knock, tracking_uri
from tasks.runs.tracking import warn_away

RECORD = "record"
"""Key in `run.json` of a run from another machine: the `run_id`, `path` and `digest` of its run file. MLflow was away
when the record came, so `send` first asks whether MLflow has the run."""


def send(folder: Path, root: Path = ROOT) -> str:
    """Send one kept run: into the run that MLflow has already, else into a new one. Returns the run id.

    Entries that were sent are removed from the folder. Raises LandloomError where some could not be sent; they stay.
    """
    start = json.loads((folder / "run.json").read_text())
    events = read(folder)
    try:
        client, experiment = connect(root, start["tags"]["stage"])
        if start["run_id"] is None and (run := _there(client, start)) is not None:
            start["run_id"] = run.info.run_id
            if run.info.status == "FINISHED":
                shutil.rmtree(folder)
                return start["run_id"]
        if start["run_id"] is None:
            run = client.create_run(experiment, start["time"], start["tags"], start["name"])
            start["run_id"] = run.info.run_id
    except Exception as error:  # noqa: BLE001 - no error of the server may lose the kept run
        raise LandloomError(f"{folder.name}: {_line(error)}; nothing was sent") from None
    if "tried" not in start and not any(event["kind"] == "end" for event in events):
        # The stage was killed before it could record its end.
        events.append({"kind": "end", "status": "KILLED", "time": int(time.time() * 1000)})
    write_json(folder / "run.json", start | {"tried": True})  # a second attempt must continue this run
    left, reason = _perform_all(client, start["run_id"], events, folder, root)
    if left:
        lines = "".join(json.dumps(event) + "\n" for event in left)
        (folder / "events.jsonl.part").write_text(lines)
        (folder / "events.jsonl.part").replace(folder / "events.jsonl")
        raise LandloomError(f"{folder.name}: {len(left)} of {len(events)} entries could not be sent and stay: {reason}")
    shutil.rmtree(folder)
    _join_versions(client, start["run_id"])
    return start["run_id"]


def _there(client: Any, start: dict[str, Any]) -> Any | None:
    """Return the run of a record from another machine if this MLflow has it: that machine may use the same one."""
    record = start.get(RECORD)
    return None if record is None else run_of(client, record, record["path"], record["digest"], exact=True)


def _join_versions(client: Any, run_id: str) -> None:
    """Name the run in the model versions that were made before it arrived: in their tags and their tables of stages."""
    try:
        tags = client.get_run(run_id).data.tags
        stage, dataset = tags["stage"], tags["dataset"]
        digest = tags.get(f"{OUT}data/{dataset}/runs/{stage}.json")
        found = client.search_model_versions(f"tags.`record.{stage}` = '{digest}'") if digest else []
        for version in found:
            client.set_model_version_tag(version.name, version.version, f"run.{stage}", run_id)
            text = with_run(version.description or "", f"{stage}@{dataset}", run_id)
            client.update_model_version(version.name, version.version, text)
    except Exception as error:  # noqa: BLE001 - the run has arrived; lineage finds it by its hashes all the same
        warn_away(error, f"the model versions of run {run_id} do not name it there")


def _perform_all(client: Any, run_id: str, events: list[dict], folder: Path, root: Path) -> tuple[list[dict], str]:
    """Returns (events that failed, reason of the first failure). One refused event must not stop those after it."""
    left: list[dict] = []
    reason = ""
    for number, event in enumerate(events):
        try:
            perform(client, run_id, event, folder)
        except Exception as error:  # noqa: BLE001 - see send
            left.append(event)
            reason = reason or _line(error)
            try:
                knock(tracking_uri(root))
            except Exception:  # noqa: BLE001 - the server is unreachable again: each further event would wait for it
                return left + events[number + 1 :], reason
    return left, reason


def _line(error: Exception) -> str:
    return redact((str(error).strip() or type(error).__name__).splitlines()[0])[:300]

"""Import of runs from another machine into MLflow: one run for each stage, even if it was interrupted and resumed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from flows.bundles import archive
from tasks.core.files import write_json
from tasks.core.hashing import dvc_md5
from tasks.runs.journal import UNSENT, Event, read
from tasks.runs.store import connect
from tasks.runs.tracking import safe_name, warn_away

TAKEN = ".landloom/unbundled"
"""Folder that records which results were imported, and as which runs, so that a second import makes no second run."""


def keep(stage: str, folder: Path, digest: str, tags: dict[str, str], root: Path) -> Path | None:
    """Put the run of `stage` into the journals to send, and write its id into the run file in `folder`.

    MLflow assigns the id first, so that the run file holds the id, as for a local run.

    Args:
        folder: the folder of the unpacked results.
        digest: hash of the results, which identifies them.
        tags: additional tags of the run.

    Returns:
        The journal to send, or None if an earlier call imported the run or the results have no run.
    Raises:
        ArchiveError: an event names a file outside the results.
    """
    room, dataset = stage.split("@")
    record = folder / "data" / dataset / "runs" / f"{room}.json"
    mark = root / TAKEN / f"{digest[:32]}-{stage}.json"
    if mark.exists():
        _name(record, json.loads(mark.read_text())["run_id"])
        return None
    journals = in_order((folder / UNSENT).glob(f"{stage}-*"))
    if not journals:
        return None
    start = start_of(journals, tags)
    try:
        client, experiment = connect(root, start["tags"]["stage"])
        start["run_id"] = client.create_run(experiment, start["time"], start["tags"], start["name"]).info.run_id
    except Exception as error:  # noqa: BLE001 - the import must work without MLflow
        warn_away(error, f"{stage} waits for `python -m flows.unsent`")
    _name(record, start["run_id"])
    outputs = {f"dvc.out.{safe_name(record.relative_to(folder).as_posix())}": dvc_md5(record)}
    place = join(journals, start, root, {"kind": "tags", "values": outputs})
    write_json(mark, {"run_id": start["run_id"]})
    return place


def in_order(journals: Iterable[Path]) -> list[Path]:
    """Return journals of one stage in the order of their attempts: a name ends with the time."""
    return sorted(journals, key=lambda path: path.name.rsplit("-", 1)[-1])


def start_of(journals: Sequence[Path], tags: dict[str, str]) -> dict[str, Any]:
    """Return the facts that begin the run of several attempts: those of the last, with the time of the first."""
    start = json.loads((journals[-1] / "run.json").read_text())
    start |= {"time": json.loads((journals[0] / "run.json").read_text())["time"], "tags": start["tags"] | tags}
    if len(journals) > 1:
        start["tags"]["attempts"] = str(len(journals))
    return start


def join(journals: Sequence[Path], start: dict[str, Any], root: Path, event: Event | None = None) -> Path:
    """Write the attempts as one journal into the journals to send of `root`; return its folder.

    Args:
        event: goes before the last one, which ends the run.

    Raises:
        ArchiveError: an event names a file outside its journal.
    """
    events = _merged(journals)
    if event is not None:
        events.insert(len(events) - 1, event)
    place = root / UNSENT / journals[-1].name
    part = place.with_name(f".{place.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    for journal in journals:
        if (journal / "files").exists():
            shutil.copytree(journal / "files", part / "files" / journal.name)
    (part / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
    write_json(part / "run.json", start)
    shutil.rmtree(place, ignore_errors=True)
    part.rename(place)
    return place


def _name(record: Path, run_id: str | None) -> None:
    write_json(record, json.loads(record.read_text()) | {"run_id": run_id})


def _merged(journals: Sequence[Path]) -> list[Event]:
    """Return the events of the last attempt, preceded by metrics and files of the interrupted attempts."""
    attempts = [[_moved(event, journal.name) for event in read(journal)] for journal in journals]
    merged: list[Event] = []
    first: dict[str, int] = {}  # first step of each curve in the later attempts
    for number, events in reversed(list(enumerate(attempts))):
        last = number == len(attempts) - 1
        kept = [event for event in events if last or event["kind"] in ("metrics", "file")]
        if not last:
            kept = [_before(event, first) for event in kept]
        merged = kept + merged
        for name, step in _points(events):
            first[name] = min(step, first.get(name, step))
    return [event for event in merged if event.get("points", True)]


def _before(event: Event, first: dict[str, int]) -> Event:
    """Remove points that a later attempt recorded again, and system metrics, which only the last attempt supplies."""
    if event["kind"] != "metrics":
        return event
    own = [point for point in event["points"] if not point[0].startswith("system/")]
    return event | {"points": [point for point in own if point[0] not in first or point[3] < first[point[0]]]}


def _points(events: list[Event]) -> list[tuple[str, int]]:
    return [(point[0], point[3]) for event in events if event["kind"] == "metrics" for point in event["points"]]


def _moved(event: Event, journal: str) -> Event:
    """Return the event with the path of its file in the merged journal."""
    if event["kind"] != "file":
        return event
    archive.safe_name(event["path"])  # otherwise the path could name any file of this machine, and MLflow would get it
    folder, _, name = event["path"].partition("/")
    if folder != "files" or not name:
        raise archive.ArchiveError(f"{event['path']}: an event names a file outside the journal")
    return event | {"path": f"files/{journal}/{name}"}


def summary(stage: dict[str, Any], bundle: str, hardware: dict[str, Any]) -> dict[str, str]:
    """Return tags that mark the run in MLflow's table: bundle, host, and a partial training."""
    tags = {"bundle": bundle, "elsewhere": str(hardware.get("host", "unknown"))}
    if "steps_done" in stage:
        tags["partial"] = f"{stage['steps_done']} of {stage['steps_planned']} steps"
    return tags

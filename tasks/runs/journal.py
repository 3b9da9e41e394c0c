"""Records for MLflow as plain events, which are sent at once, or kept on disk while MLflow cannot be reached.

A journal is a folder `.landloom/unsent/<stage>-<time>/`. On a worker it is `.landloom/kept/…`, and the events are sent
as well: there it travels with the outputs (`flows/elsewhere/record.py`). `run.json` describes the run, `events.jsonl`
holds the events in order, and `files/` holds copies of the attached files. The writer holds a lock on `events.jsonl`
until its process ends, so that no other process sends a run that is still active.
"""

from __future__ import annotations

import fcntl
import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tasks.core.files import write_json

UNSENT = ".landloom/unsent"
KEPT = ".landloom/kept"
Event = dict[str, Any]


def perform(client: Any, run_id: str, event: Event, folder: Path = Path()) -> None:
    """Send one event to MLflow. Sending an event twice has the same result as sending it once.

    Args:
        folder: the folder to which the path of an attached file is relative.

    Raises:
        Exception: whatever MLflow's client raises.
    """
    from mlflow.entities import Metric, Param, RunTag

    match event["kind"]:
        case "params":
            params = [Param(name, value) for name, value in event["values"].items()]
            for start in range(0, len(params), 100):  # MLflow refuses more in one call
                client.log_batch(run_id, params=params[start : start + 100])
        case "tags":
            client.log_batch(run_id, tags=[RunTag(name, value) for name, value in event["values"].items()])
        case "metrics":
            client.log_batch(run_id, metrics=[Metric(*point) for point in event["points"]])
        case "inputs":
            client.log_inputs(run_id, dataset_inputs(event["hashes"], event["context"]))
        case "file":
            client.log_artifact(run_id, str(folder / event["path"]), event["folder"])
        case "text":
            client.log_text(run_id, event["text"], event["name"])
        case "end":
            client.set_terminated(run_id, event["status"], event["time"])
        case kind:
            raise ValueError(f"unknown kind of event {kind!r}")


def dataset_inputs(hashes: dict[str, str], context: str) -> list[Any]:
    """Return MLflow's dataset inputs for the paths under `data/`, with DVC's hashes. No data are loaded."""
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


class Journal:
    """Writer of a journal. The first kept event creates the folder."""

    def __init__(self, root: Path, stage: str, start: dict[str, Any], place: str = UNSENT):
        """`start` describes the run: name, tags, time, and `run_id` once MLflow has assigned one."""
        self.start = start
        self._home, self._stage = root / place, stage
        self._stream: Any = None
        self._files = 0

    @property
    def folder(self) -> Path | None:
        """The folder of the journal, or None before the first event."""
        return Path(self._stream.name).parent if self._stream else None

    def keep(self, event: Event) -> None:
        """Append one event. An attached file is copied, because the stage can overwrite it later.

        Raises:
            OSError: the event or the file cannot be written.
        """
        if self._stream is None:
            folder = self._home / f"{self._stage}-{time.time_ns():x}"
            folder.mkdir(parents=True)
            write_json(folder / "run.json", self.start)
            self._stream = (folder / "events.jsonl").open("a")
            fcntl.flock(self._stream, fcntl.LOCK_EX)
        if event["kind"] == "file":
            path = Path(event["path"])
            self._files += 1  # one folder for each file, because a stage attaches several files of one name
            copy = self.folder / "files" / str(self._files) / path.name
            copy.parent.mkdir(parents=True)
            shutil.copyfile(path, copy)
            event = event | {"path": copy.relative_to(self.folder).as_posix()}
        self._stream.write(json.dumps(event) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """Release the lock at the end of the run, so that the journal can be sent."""
        if self._stream:
            self._stream.close()


def journals(root: Path) -> list[Path]:
    """Return the folders of all journals, oldest first."""
    found = [path.parent for path in (root / UNSENT).glob("*/run.json")]
    return sorted(found, key=lambda folder: folder.name.rsplit("-", 1)[-1])


@contextmanager
def taken(folder: Path) -> Iterator[bool]:
    """Lock a journal for sending. Yield False if its run is still active or another process sends it."""
    with (folder / "events.jsonl").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def read(folder: Path) -> list[Event]:
    """Return the events of a journal. A partial last line, which a killed writer leaves, is dropped."""
    events = []
    for line in (folder / "events.jsonl").read_text().splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events

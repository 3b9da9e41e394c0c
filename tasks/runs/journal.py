"""What a run tells MLflow, as plain events: performed at once or, while MLflow is away, kept on disk for later.

A journal is a folder `.landloom/unsent/<stage>-<when>/`: `run.json` says which run this is, `events.jsonl`
holds the events in order, and files that were to be attached lie beside them as they were. The writer holds
a lock on the events for as long as it lives, so that nobody sends a run that is still going on.
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
Event = dict[str, Any]


def perform(client: Any, run_id: str, event: Event, folder: Path = Path()) -> None:
    """Tell MLflow one event; doing so twice leaves the run as doing so once. `folder` is where its file lies."""
    from mlflow.entities import Metric, Param, RunTag

    match event["kind"]:
        case "params":
            params = [Param(name, value) for name, value in event["values"].items()]
            for start in range(0, len(params), 100):  # more at once are refused
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
    """MLflow's dataset inputs for the paths under `data/`, with DVC's digests, without loading any."""
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
    """The writer's side: a folder that appears with the first event kept."""

    def __init__(self, root: Path, stage: str, start: dict[str, Any]):
        """`start` is what makes the run: its name, tags and time; `run_id` once MLflow has given one."""
        self.start = start
        self._home, self._stage = root / UNSENT, stage
        self._stream: Any = None
        self._files = 0

    @property
    def folder(self) -> Path | None:
        """Where events are kept; None while there are none."""
        return Path(self._stream.name).parent if self._stream else None

    def keep(self, event: Event) -> None:
        """Append one event; a file to attach is copied, as the stage may write it again. Raises OSError."""
        if self._stream is None:
            folder = self._home / f"{self._stage}-{time.time_ns():x}"
            folder.mkdir(parents=True)
            write_json(folder / "run.json", self.start)
            self._stream = (folder / "events.jsonl").open("a")
            fcntl.flock(self._stream, fcntl.LOCK_EX)
        if event["kind"] == "file":
            path = Path(event["path"])
            self._files += 1  # a folder each: the same name comes again and again while a series of pictures grows
            copy = self.folder / "files" / str(self._files) / path.name
            copy.parent.mkdir(parents=True)
            shutil.copyfile(path, copy)
            event = event | {"path": copy.relative_to(self.folder).as_posix()}
        self._stream.write(json.dumps(event) + "\n")
        self._stream.flush()

    def close(self) -> None:
        """The run is over: its journal may be sent from now on."""
        if self._stream:
            self._stream.close()


def journals(root: Path) -> list[Path]:
    """The folders of kept runs, oldest first."""
    found = [path.parent for path in (root / UNSENT).glob("*/run.json")]
    return sorted(found, key=lambda folder: folder.name.rsplit("-", 1)[-1])


@contextmanager
def taken(folder: Path) -> Iterator[bool]:
    """Hold a journal for sending; yields False where its run is still going on, or someone else sends it."""
    with (folder / "events.jsonl").open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


def read(folder: Path) -> list[Event]:
    """The events of a journal. A last line that a killed writer left half-written is dropped."""
    events = []
    for line in (folder / "events.jsonl").read_text().splitlines():
        try:
            events.append(json.loads(line))
        except ValueError:
            break
    return events

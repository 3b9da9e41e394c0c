"""The record of a run that another machine made. It travels beside the outputs, and MLflow of this checkout gets it.

    python -m flows.elsewhere.record STAGE STATE    on the worker, after the stage: put the record into the DVC remote

The worker records into whatever store it has, or into none; this checkout may use another one. So the worker keeps
every event of the run (`tasks.runs.tracking.KEEP`) and puts them into the DVC remote, as
`landloom/runs/<stage>-<hash>.tar` beside DVC's own folders. The hash is that of the run file, which is an output of the
stage: whoever has the outputs finds the record.
"""

from __future__ import annotations

import json
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flows.bundles.archive import ArchiveError
from flows.bundles.record import in_order, join, start_of
from flows.history.store import Store
from flows.unsent import send
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_md5
from tasks.runs.found import run_by_id, runs_that_wrote
from tasks.runs.journal import KEPT, UNSENT
from tasks.runs.secrets import redact
from tasks.runs.store import connect

PLACE = ("landloom", "runs")
HAS = "MLflow has its run"


def push(stage: str, root: Path, state: Path) -> None:
    """Put the record of the stage that ran in the clone `root` into its DVC remote.

    Attempts of the same stage that a kill ended are part of it; `flows.worker` keeps them in `state`. If the remote
    does not take the record, one warning says so: the outputs are worth more.
    """
    journals = in_order((root / KEPT).glob(f"{stage}-*"))
    if not journals:  # DVC's run cache had the outputs: the run that made them has its record already
        return
    start = json.loads((journals[-1] / "run.json").read_text())
    journals = [*(each for each in in_order((state / "kept").glob(f"{stage}-*")) if _same(each, start)), *journals]
    with tempfile.TemporaryDirectory(prefix="landloom-") as folder:
        packed = Path(folder, "record.tar")
        with tarfile.open(packed, "w") as tar:
            for journal in journals:
                tar.add(journal, journal.name)
        try:
            fs, place = _remote(root)
            fs.makedirs(place, exist_ok=True)
            fs.put_file(str(packed), fs.join(place, _name(stage, file_md5(root / _run_file(stage)))))
        except Exception as error:  # noqa: BLE001 - each kind of storage raises errors of its own
            print(redact(f"warning: the record of this run cannot be put into the DVC remote: {error}"), flush=True)
            return
    for journal in journals:
        shutil.rmtree(journal)


def _same(journal: Path, start: dict[str, Any]) -> bool:
    """Whether an earlier attempt had the same code and inputs."""
    names = ("git.commit", *(name for name in start["tags"] if name.startswith("dvc.in.")))
    tags = json.loads((journal / "run.json").read_text())["tags"]
    return all(tags.get(name) == start["tags"][name] for name in names)


def bring(stage: str, root: Path) -> str:
    """Give MLflow of this checkout the run whose outputs it has; returns a sentence about it.

    Nothing is sent where MLflow has the run. While MLflow is away, the record waits for `python -m flows.unsent`.

    Raises:
        LandloomError: there is no run file, or the record cannot be read or sent.
    """
    path = root / _run_file(stage)
    if not path.is_file():
        raise LandloomError(f"{stage}: this checkout has no {_run_file(stage)}")
    facts, digest = json.loads(path.read_text()), file_md5(path)
    run, here = None, True
    try:
        client, _ = connect(root)
        run = run_by_id(client, facts["run_id"]) or next(
            iter(runs_that_wrote(client, {_run_file(stage): digest}, limit=1)), None
        )
    except Exception:  # noqa: BLE001 - sending it below says why MLflow is away
        here = False
    if run is not None and run.info.status == "FINISHED":
        return f"{HAS} {run.info.run_id}"
    journal = _fetched(stage, digest, run.info.run_id if run is not None else None, root)
    if journal is None:
        missing = "MLflow here does not have its run" if here else "MLflow is away"
        return f"{missing}, and the DVC remote has no record of it: the run is where the stage ran"
    return f"its run was brought here: MLflow has it as run {send(journal, root)}"


def bring_all(root: Path) -> Iterator[str]:
    """Bring every run whose outputs this checkout has, whose record the DVC remote has, and which MLflow lacks.

    Yields a line for each.

    Raises:
        LandloomError: MLflow is away, or a record cannot be read or sent.
    """
    run_files = {path: json.loads(path.read_text()) for path in sorted(root.glob("data/*/runs/*.json"))}
    names = {_name(facts["stage"], file_md5(path)): facts["stage"] for path, facts in run_files.items()}
    if not names or not Store(root).has_remote:
        return
    try:
        fs, place = _remote(root)
        there = {fs.parts(path)[-1] for path in fs.ls(place, detail=False)} if fs.exists(place) else set()
    except Exception as error:  # noqa: BLE001 - each kind of storage raises errors of its own
        raise LandloomError(redact(f"the DVC remote cannot be asked for records of runs: {error}")) from None
    for name in names.keys() & there:
        if not (said := bring(names[name], root)).startswith(HAS):
            yield f"{names[name]}: {said}"


def _fetched(stage: str, digest: str, run_id: str | None, root: Path) -> Path | None:
    """Fetch a record into the journals to send, or find it there; None if the remote does not have it.

    Args:
        run_id: the run that MLflow has in part.
    """
    with tempfile.TemporaryDirectory(prefix="landloom-") as folder:
        packed, opened = Path(folder, "record.tar"), Path(folder, "record")
        try:
            fs, place = _remote(root)
            fs.get_file(fs.join(place, _name(stage, digest)), str(packed))
        except FileNotFoundError:
            return None
        except Exception as error:  # noqa: BLE001 - each kind of storage raises errors of its own
            raise LandloomError(redact(f"{stage}: the record of its run cannot be fetched: {error}")) from None
        try:
            with tarfile.open(packed) as tar:
                tar.extractall(opened, filter="data")
            journals = in_order(opened.glob(f"{stage}-*"))
            if waiting := next((root / UNSENT).glob(journals[-1].name), None):
                return waiting  # fetched before, and not sent completely
            return join(journals, start_of(journals, {}) | {"run_id": run_id}, root)
        except (tarfile.TarError, ArchiveError, OSError, ValueError, KeyError, IndexError) as error:
            raise LandloomError(f"{stage}: the record of its run in the DVC remote is damaged: {error}") from None


def _run_file(stage: str) -> str:
    room, _, dataset = stage.partition("@")
    return f"data/{dataset}/runs/{room}.json"


def _name(stage: str, digest: str) -> str:
    return f"{stage}-{digest}.tar"


def _remote(root: Path) -> tuple[Any, str]:
    """DVC's file system of the default remote, and the folder of the records there."""
    from dvc.repo import Repo

    remote = Repo(str(root)).cloud.get_remote()
    return remote.fs, remote.fs.join(remote.path, *PLACE)


if __name__ == "__main__":
    push(sys.argv[1], Path(), Path(sys.argv[2]))

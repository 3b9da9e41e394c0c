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
from tasks.core.errors import LandloomError
from tasks.core.hashing import file_md5
from tasks.runs.found import OUT, run_of
from tasks.runs.journal import KEPT, UNSENT, read
from tasks.runs.secrets import redact
from tasks.runs.sending import RECORD, send
from tasks.runs.store import connect
from tasks.runs.tracking import safe_name

PLACE = ("landloom", "runs")
HAS = "MLflow has its run"


def push(stage: str, root: Path, state: Path) -> str:
    """Put the record of the run that made the outputs in the clone `root` into its DVC remote; says what it did.

    The run is that of this attempt, or of an earlier one that was killed after the stage had ended: DVC's run cache
    then has the outputs, and `flows.worker` kept the record in `state`. Attempts of the same stage that a kill ended
    before are part of it. If the remote does not take the record, one warning says so: the outputs are worth more.
    """
    path = root / _run_file(stage)
    digest = file_md5(path) if path.is_file() else None  # DVC fetches no outputs that need not be made
    journals = in_order((root / KEPT).glob(f"{stage}-*")) or _ended(stage, digest, state)
    if digest is None or not journals:
        return "its record is with the machine that made the outputs, or in the remote already"
    start = json.loads((journals[-1] / "run.json").read_text())
    every = in_order({*(each for each in (state / "kept").glob(f"{stage}-*") if _same(each, start)), *journals})
    journals = every[: every.index(journals[-1]) + 1]
    with tempfile.TemporaryDirectory(prefix="landloom-") as folder:
        packed = Path(folder, "record.tar")
        with tarfile.open(packed, "w") as tar:
            for journal in journals:
                tar.add(journal, journal.name)
        try:
            fs, place = _remote(root)
            fs.makedirs(place, exist_ok=True)
            fs.put_file(str(packed), fs.join(place, _name(stage, digest)))
        except Exception as error:  # noqa: BLE001 - each kind of storage raises errors of its own
            print(redact(f"warning: the record of this run cannot be put into the DVC remote: {error}"), flush=True)
            return f"its record stays in {state / 'kept'}"  # `flows.worker` moves it there
    for journal in journals:
        shutil.rmtree(journal)
    return "its record is in the remote"


def _ended(stage: str, digest: str | None, state: Path) -> list[Path]:
    """The kept record of the finished run that wrote the run file with this hash, the latest; [] without one."""
    wrote = f"{OUT}{safe_name(_run_file(stage))}"
    for journal in reversed(in_order((state / "kept").glob(f"{stage}-*"))):
        events = read(journal)
        hashes = [event["values"].get(wrote) for event in events if event["kind"] == "tags"]
        if digest in hashes and events[-1].get("status") == "FINISHED":
            return [journal]
    return []


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
        run = run_of(client, facts, _run_file(stage), digest, exact=True)
    except Exception:  # noqa: BLE001 - sending it below says why MLflow is away
        here = False
    if run is not None and run.info.status == "FINISHED":
        return f"{HAS} {run.info.run_id}"
    start = {"run_id": run.info.run_id if run is not None else None}
    if not here:
        start[RECORD] = {"run_id": facts["run_id"], "path": _run_file(stage), "digest": digest}
    journal = _fetched(stage, digest, start, root)
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


def _fetched(stage: str, digest: str, facts: dict[str, Any], root: Path) -> Path | None:
    """Fetch a record into the journals to send, or find it there; None if the remote does not have it.

    Args:
        facts: go into the journal's `run.json`: the run that MLflow has in part, or what to look for once it is there.
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
            return join(journals, start_of(journals, {}) | facts, root)
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
    print(push(sys.argv[1], Path(), Path(sys.argv[2])), flush=True)

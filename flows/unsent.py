"""Send what MLflow missed: runs that were kept on disk while it was away, slow or full.

python -m flows.unsent          send every kept run
python -m flows.unsent --list   say what waits
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from tasks.core.errors import LandloomError
from tasks.core.files import write_json
from tasks.core.settings import ROOT
from tasks.runs.journal import journals, perform, read, taken
from tasks.runs.secrets import redact
from tasks.runs.store import connect, knock, tracking_uri


def send(folder: Path, root: Path = ROOT) -> str:
    """Send one kept run, to its own run where MLflow knows one, else to a new one; returns the run id.

    Raises LandloomError where something could not be sent: that stays in the folder, the rest is gone from it.
    """
    start = json.loads((folder / "run.json").read_text())
    events = read(folder)
    try:
        client, experiment = connect(root)
        if start["run_id"] is None:
            run = client.create_run(experiment, start["time"], start["tags"], start["name"])
            start["run_id"] = run.info.run_id
    except Exception as error:  # noqa: BLE001 - whatever is wrong with the server, the kept run must survive
        raise LandloomError(f"{folder.name}: {_line(error)}; nothing was sent") from None
    if "tried" not in start and not any(event["kind"] == "end" for event in events):
        # The stage was killed before it could say how it ended.
        events.append({"kind": "end", "status": "KILLED", "time": int(time.time() * 1000)})
    write_json(folder / "run.json", start | {"tried": True})  # a second try must go on with this run
    left, reason = _perform_all(client, start["run_id"], events, folder, root)
    if left:
        lines = "".join(json.dumps(event) + "\n" for event in left)
        (folder / "events.jsonl.part").write_text(lines)
        (folder / "events.jsonl.part").replace(folder / "events.jsonl")
        raise LandloomError(f"{folder.name}: {len(left)} of {len(events)} entries could not be sent and stay: {reason}")
    shutil.rmtree(folder)
    return start["run_id"]


def _perform_all(client: Any, run_id: str, events: list[dict], folder: Path, root: Path) -> tuple[list[dict], str]:
    """(events that failed, why the first did): one that MLflow refuses must not hold up those behind it."""
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
            except Exception:  # noqa: BLE001 - it went away again: asking on would take an age
                return left + events[number + 1 :], reason
    return left, reason


def _line(error: Exception) -> str:
    return redact((str(error).strip() or type(error).__name__).splitlines()[0])[:300]


def main() -> None:
    """The command line; ends with status 1 where something still waits."""
    parser = argparse.ArgumentParser(prog="python -m flows.unsent", description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="only say what waits")
    arguments = parser.parse_args()
    waiting = journals(ROOT)
    if not waiting:
        print("nothing waits: MLflow was told everything")
    failed = False
    for folder in waiting:
        with taken(folder) as free:
            if not free:
                print(f"{folder.name}: its stage is still running, or someone else sends it")
            elif arguments.list:
                print(f"{folder.name}: {len(read(folder))} entries")
            else:
                try:
                    print(f"{folder.name}: sent as run {send(folder)}")
                except LandloomError as error:
                    print(error, file=sys.stderr)
                    failed = True
    sys.exit(failed)


if __name__ == "__main__":
    main()

"""Run the stages of this bundle on this machine, and write their outputs into one results file.

    python3 run.py                  run all stages; after an interruption, start it again to resume
    python3 run.py --minutes 55     end in time: training stops early and still writes a finished model
    python3 run.py --finish         write a model now, from the steps that are done
    python3 run.py --check          only verify the bundle, and print what this machine has

Requires Python 3.11 or newer, torch and the packages that the bundle names; no network. SIGTERM ends it within one
step of training, with a checkpoint. Checkpoints are in `.landloom` beside this script, or under LANDLOOM_STATE.

Exit status: 0 if results are written, 2 if the bundle or this machine is not suitable, 128 + n after signal n, else
the status of the stage that failed.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from flows.bundles import archive, machine
from flows.bundles.layout import (
    DEADLINE,
    DONE,
    MANIFEST,
    ORIGIN,
    PACKAGES,
    RESULTS,
    RESULTS_FORMAT,
    STATE,
    UNSENT,
)
from flows.bundles.parent import ends_with
from flows.bundles.verify import read_manifest, verify

_LAST_S = 10.0  # time for writing results before the end
_GRACE_S = 30.0


class Far:
    """The stages of one bundle on this machine.

    Args:
        root: the folder of the unpacked bundle.
        until: when everything must end, in seconds since 1970, or None.
        training_until: when training must end, in seconds since 1970, or None.
    """

    def __init__(self, root: Path, until: float | None, training_until: float | None):
        self._root, self._until = root, until
        self.manifest = read_manifest(root)
        self._process: subprocess.Popen[bytes] | None = None
        self._signal = 0
        path = [str(root), str(root / PACKAGES), os.environ.get("PYTHONPATH", "")]
        self.env = {name: value for name, value in os.environ.items() if name not in ("DVC_STAGE", DEADLINE)}
        self.env |= {"PYTHONPATH": os.pathsep.join(filter(None, path)), "PYTHONUNBUFFERED": "1", "DO_NOT_TRACK": "1"}
        if training_until is not None:
            self.env[DEADLINE] = f"{training_until:.3f}"
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number
        if self._process is None:
            sys.exit(128 + number)
        self._tell_stage()

    def _tell_stage(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)

    def run(self, held: int) -> list[str]:
        """Run the stages that are not done; return the names of stages that have no results because the time was over.

        Args:
            held: file descriptor of the lock, which the stages inherit.
        """
        fresh = True  # no earlier stage ran again
        for number, stage in enumerate(self.manifest["stages"]):
            name = stage["name"]
            if fresh and self._is_done(stage):
                say(f"{name}: done already")
                continue
            fresh = False
            for later in self.manifest["stages"][number:]:  # later results come from outputs that this stage replaces
                (self._root / DONE / f"{later['name']}.json").unlink(missing_ok=True)
            started = time.time()
            status = self._stage(name, held)
            if status == -1:
                left = [stage["name"] for stage in self.manifest["stages"][number:]]
                say(f"the time is over; without results: {', '.join(left)}")
                return left
            if status:
                sys.exit(status)
            self._note(stage, time.time() - started)
        return []

    def compute_beside(self) -> None:
        """Take part in the training as another node. Only the first node writes the outputs."""
        for stage in self.manifest["stages"]:
            if (
                stage["name"].startswith("train@")
                and not self._is_done(stage)
                and (status := self._stage(stage["name"]))
            ):
                sys.exit(status)

    def _stage(self, name: str, held: int | None = None) -> int:
        """Run one stage; return its exit status, or −1 if the time was over before its end."""
        room, dataset = name.split("@")
        say(f"{name}: starting")
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"tasks.{room}", dataset],
            cwd=self._root,
            env=self.env,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # a signal reaches the stage only once, through this process
            pass_fds=[] if held is None else [held],
            preexec_fn=partial(ends_with, os.getpid()),
        )
        over = False
        try:
            while True:
                left = None if self._until is None else max(0.1, self._until - _LAST_S - time.time())
                try:
                    status = self._process.wait(_GRACE_S if over else left)
                    break
                except subprocess.TimeoutExpired:
                    if over:
                        os.killpg(self._process.pid, signal.SIGKILL)
                    else:
                        over = True
                        self._tell_stage()
        finally:
            self._process = None
        if self._signal:
            say(f"{name}: stopped by signal {self._signal}; start again to go on")
            sys.exit(128 + self._signal)
        return -1 if over and status else 128 - status if status < 0 else status

    def _outputs(self, stage: dict[str, Any]) -> dict[str, Path]:
        """Return all files that a stage wrote, from archive name to file."""
        return self._inside(self._root / out for out in stage["outs"])

    def _inside(self, paths: Iterable[Path]) -> dict[str, Path]:
        found = [each for path in paths for each in (path, *path.rglob("*")) if each.is_file()]
        return {each.relative_to(self._root).as_posix(): each for each in sorted(found)}

    def _note(self, stage: dict[str, Any], seconds: float) -> None:
        """Record that a stage is done, and whether its training ended early."""
        room, dataset = stage["name"].split("@")
        record = self._root / "data" / dataset / "runs" / f"{room}.json"
        values = json.loads(record.read_text()).get("figures", {}) if record.exists() else {}
        steps = {name: int(values[name]) for name in ("steps_done", "steps_planned") if name in values}
        facts = {"name": stage["name"], "seconds": round(seconds, 1), "files": archive.listed(self._outputs(stage))}
        place = self._root / DONE / f"{stage['name']}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_suffix(".part")
        part.write_text(json.dumps(facts | steps))
        part.replace(place)
        if steps:
            say(f"{stage['name']}: ended early, a model of {steps['steps_done']} of {steps['steps_planned']} steps")

    def _is_done(self, stage: dict[str, Any]) -> bool:
        """Return whether a stage ran to its end and its outputs are unchanged since then."""
        facts = self._facts(stage)
        return (
            facts is not None and "steps_done" not in facts and archive.listed(self._outputs(stage)) == facts["files"]
        )

    def _facts(self, stage: dict[str, Any]) -> dict[str, Any] | None:
        path = self._root / DONE / f"{stage['name']}.json"
        return json.loads(path.read_text()) if path.exists() else None

    def results(self, path: Path, hardware: dict[str, Any]) -> None:
        """Write the results file: outputs, events for MLflow, and the origin of the code."""
        stages = [(stage, facts) for stage in self.manifest["stages"] if (facts := self._facts(stage))]
        if not stages:
            say("no stage is finished, so there are no results; start again to go on")
            sys.exit(1)
        files = {name: self._root / name for name in (MANIFEST, f"{MANIFEST}.sha256", ORIGIN)}
        for stage, _ in stages:
            files |= self._outputs(stage)
            for journal in (self._root / UNSENT).glob(f"{stage['name']}-*"):
                files |= {
                    each.relative_to(self._root).as_posix(): each for each in journal.rglob("*") if each.is_file()
                }
        card = {
            "format": RESULTS_FORMAT,
            "stages": [{name: value for name, value in facts.items() if name != "files"} for _, facts in stages],
            "hardware": hardware,
            "files": archive.listed(files),
        }
        archive.write(path, [*archive.carded(RESULTS, card), *sorted(files.items())], path.suffix == ".zst")
        say(f"results: {path} ({path.stat().st_size / 2**20:.1f} MiB)")


def say(line: str) -> None:
    """Print one line of progress without buffering."""
    print(f"[bundle] {line}", flush=True)


@contextmanager
def _alone(root: Path) -> Iterator[int]:
    """Hold a lock that the stages inherit, so that a second start waits for stages that a killed start left running."""
    (root / STATE).mkdir(exist_ok=True)
    with (root / STATE / "lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("an earlier run is still active in this folder; waiting for it")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield stream.fileno()


def main(root: Path) -> None:
    """Run the command line of `run.py`."""
    parser = argparse.ArgumentParser(
        prog="run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, help="end, with results, before this many minutes have passed")
    parser.add_argument(
        "--reserve", type=float, help="minutes reserved after training (default: a tenth; a quarter if stages follow)"
    )
    parser.add_argument("--finish", action="store_true", help="end training after one more step, with a finished model")
    parser.add_argument("--results", type=Path, help="file for the results (default: results.tar beside this script)")
    parser.add_argument("--check", action="store_true", help="verify the bundle and run no stage")
    arguments = parser.parse_args()
    started = time.time()
    until = training_until = None
    try:
        manifest = read_manifest(root)
        if arguments.minutes is not None:
            follow = len(manifest["stages"]) > 1
            reserve = arguments.minutes * (0.25 if follow else 0.1) if arguments.reserve is None else arguments.reserve
            until = started + 60 * arguments.minutes
            training_until = until - max(60 * reserve, _LAST_S + 5)
        if arguments.finish:
            training_until = started
        far = Far(root, until, training_until)
        names = ", ".join(stage["name"] for stage in manifest["stages"])
        say(f"{names} at commit {(manifest['commit'] or 'unknown')[:12]}; verifying {len(manifest['files'])} files")
        verify(root, manifest)
    except archive.ArchiveError as error:
        print(f"refused: {error}", file=sys.stderr)
        sys.exit(2)
    facts = machine.look(manifest["modules"], far.env)
    say(machine.told(facts))
    if facts["missing"] or "problem" in facts:
        lacks = facts.get("problem") or f"lacks {', '.join(facts['missing'])}"
        print(
            f"refused: this Python ({sys.executable}) {lacks}; install it, or make the bundle with --wheels and "
            "--pip-list, which carries what is missing (never torch)",
            file=sys.stderr,
        )
        sys.exit(2)
    if arguments.check:
        return
    if os.environ.get("LANDLOOM_NODE_RANK", "0") != "0":
        far.compute_beside()
        return
    with _alone(root) as held:
        far.run(held)
        default = root / ("results.tar.zst" if manifest["compressed"] and archive.zstd() else "results.tar")
        far.results(arguments.results or default, facts)

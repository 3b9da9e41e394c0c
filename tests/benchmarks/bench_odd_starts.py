"""`make demo` where people do not expect trouble: the same bytes as always, or one line within seconds.

Each start is a toy pipeline of the dataset `terrain`, all stages, in a fresh checkout. It is compared with a plain one,
file by file; the records of runs, the report and the lineage name runs, so they are left out. A checkout without git
cannot run `make demo`; there its stages are started one by one, without DVC.
LANDLOOM_STARTS names some of the starts, separated by commas.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tasks.core.dag import stage_names
from tasks.core.hashing import file_sha256
from tasks.core.settings import ROOT
from tests.benchmarks.toy_datasets import DATASETS
from tests.odd_starts import AS_OTHER, NAMES, NOTEBOOK, PROXY, UID
from tests.pipeline.conftest import Clone

# The environment is there already. Without a shell, make does not find a Python in a folder of root's.
COMMAND = ("make", "-o", "setup", "SHELL=/bin/bash", "demo")
ROOMS = tuple(stage_names(ROOT))
FIRST = True  # each clone makes MLflow's database, as a user's checkout does
MOST_S = 10  # seconds until a start that cannot work has said so
TOY = {"COMMAND": ("dvc", "repro", "acquire@terrain"), "ROOMS": ("acquire",), "STARTS": ("archive",), "FIRST": False}


class Start(NamedTuple):
    """One way to start: words before the command, variables, variables that are missing, and a change of the folder."""

    title: str
    before: tuple[str, ...] = ()
    shell: dict[str, str] = {}
    without: tuple[str, ...] = ()
    prepare: Callable[[Path], None] = lambda folder: None


def _given_away(root: Path) -> None:
    """The checkout belongs to the user without a name."""
    for path in (root.parent, root, *root.rglob("*")):
        os.chown(path, UID, UID, follow_symlinks=False)


def _inside_another(root: Path) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], [*who, "commit", "-qm", "of another project", "--allow-empty"]):
        subprocess.run(["git", *command], cwd=root.parent, check=True)


def _home_that_cannot_be_written(root: Path) -> None:
    (root.parent / "home").mkdir()
    _given_away(root)
    (root.parent / "home").chmod(0o555)


def _all_of_it(root: Path) -> None:
    _inside_another(root)
    _home_that_cannot_be_written(root)


HOME = "home"  # a variable with this value is given the folder's own path
_READ_ONLY = {"HOME": HOME, "USER": "x"}
WAYS = {
    "notebook": Start("a notebook's environment", shell=NOTEBOOK),
    "proxy": Start("a dead proxy", shell=PROXY),
    "user": Start("a user id without a name", AS_OTHER, {}, NAMES, _given_away),
    "home": Start("a home that cannot be written", AS_OTHER, _READ_ONLY, (), _home_that_cannot_be_written),
    "inside": Start("a folder inside another repository", prepare=_inside_another),
    "together": Start("all of these at once", AS_OTHER, {**NOTEBOOK, **PROXY, "HOME": HOME}, NAMES, _all_of_it),
    "archive": Start("an unpacked archive without .git, stage by stage"),
}
STARTS = tuple(WAYS)


def run() -> list[tuple[str, str, str]]:
    """Rows of the table: of each start, how many files have the bytes of the plain start."""
    chosen = [name for name in os.environ.get("LANDLOOM_STARTS", ",".join(STARTS)).split(",") if name]
    rows = []
    with tempfile.TemporaryDirectory(prefix="landloom-") as folder:
        Path(folder).chmod(0o755)  # every user can enter
        plain = _demo(Path(folder) / "plain", Start("plain"))[0]
        for name in chosen:
            place = Path(folder) / name
            rows += _archive(place, plain) if name == "archive" else [_row(place, name, plain)]
            print(f"| {' | '.join(rows[-1])} |", flush=True)
            shutil.rmtree(place, ignore_errors=True)
    return rows


def _row(folder: Path, name: str, plain: dict[str, str]) -> tuple[str, str, str]:
    start = WAYS[name]
    if start.before and (os.geteuid() or not shutil.which("setpriv")):
        return f"same bytes: {start.title}", "not run: only root can start a process of another user", "all"
    try:
        made, commits = _demo(folder, start)
    except RuntimeError as error:
        return f"same bytes: {start.title}", f"failed: {error}", "all"
    told = _compared(made, plain)
    return f"same bytes: {start.title}", told if commits == {True} else f"{told}; runs without their commit", "all"


def _archive(folder: Path, plain: dict[str, str]) -> list[tuple[str, str, str]]:
    """What `make demo` says in a folder without git, and what the stages make there."""
    clone = _clone(folder)
    shutil.rmtree(clone.root / ".git")
    began = time.monotonic()
    done = _started(clone, ("make", "-o", "setup", "demo"), WAYS["archive"])
    seconds = time.monotonic() - began
    lines = [line for line in (done.stdout + done.stderr).splitlines() if line and not line.startswith("make:")]
    made = (clone.root / "data/terrain").exists()
    told = f"{len(lines)} lines after {seconds:.1f} s: {lines[0] if lines else ''}"
    if not done.returncode or made:
        told += "; but it did not stop"
    rows = [("make demo in an unpacked archive", told, f"≤ 2 lines, ≤ {MOST_S} s")]
    for room in ROOMS:
        done = _started(clone, (sys.executable, "-m", f"tasks.{room}", "terrain"), WAYS["archive"])
        if done.returncode:
            return [*rows, (WAYS["archive"].title, f"{room} failed: {_last(done)}", "all")]
    return [*rows, (f"same bytes: {WAYS['archive'].title}", _compared(_made(clone.root), plain), "all")]


def _demo(folder: Path, start: Start) -> tuple[dict[str, str], set[bool]]:
    """Hashes of what `make demo` made, and whether runs have the commit of the checkout."""
    clone = _clone(folder)
    start.prepare(clone.root)
    done = _started(clone, COMMAND, start)
    if done.returncode:
        raise RuntimeError(_last(done))
    asked = ["git", "-c", "safe.directory=*", "rev-parse", "HEAD"]
    head = subprocess.check_output(asked, cwd=clone.root, text=True).strip()
    runs = sorted((clone.root / "data/terrain/runs").glob("*.json"))
    return _made(clone.root), {json.loads(path.read_text())["commit"] == head for path in runs}


def _clone(folder: Path) -> Clone:
    folder.mkdir()
    return Clone(folder / "repo", "terrain", DATASETS["terrain"], first=FIRST)


def _started(clone: Clone, command: tuple[str, ...], start: Start) -> subprocess.CompletedProcess[str]:
    shell = {name: str(clone.root.parent / HOME) if value == HOME else value for name, value in start.shell.items()}
    own = {name: value for name, value in clone.env.items() if name not in (*start.without, "LANDLOOM_HOST_DIR")}
    return subprocess.run(
        [*start.before, *command],
        cwd=clone.root,
        env=own | {"LANDLOOM_HOST_DIR": str(clone.root / ".landloom/host")} | shell,
        capture_output=True,
        text=True,
    )


def _made(root: Path) -> dict[str, str]:
    data = root / "data/terrain"
    files = [path for path in sorted(data.rglob("*")) if path.is_file()]
    names = {path.relative_to(data).as_posix(): path for path in files}
    named = ("runs/", "report/")
    return {
        name: file_sha256(path)
        for name, path in names.items()
        if not name.startswith(named) and not name.endswith("lineage.json")
    }


def _compared(made: dict[str, str], plain: dict[str, str]) -> str:
    other = sorted(name for name in made.keys() | plain.keys() if made.get(name) != plain.get(name))
    said = f"{len(plain) - len(plain.keys() & set(other))} of {len(plain)} files"
    return said + (f"; others: {', '.join(other[:5])}" if other else "")


def _last(done: subprocess.CompletedProcess[str]) -> str:
    return " ".join((done.stdout + done.stderr).split())[-800:]

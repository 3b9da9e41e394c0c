"""A stage started where people do not expect trouble: the same bytes as always, or one line that says what is missing.

Each start is a process of its own in a copy of the code with one small raster as its source.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from tasks.core.hashing import file_sha256
from tests.acquire.rasters import write
from tests.odd_starts import AS_OTHER, NAMES, NOTEBOOK, PROXY, UID
from tests.runs.tiny import git

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("tasks", "models", "flows", "dvc.yaml", "params.yaml", "pyproject.toml", "requirements.lock", ".gitignore")


def grow(root: Path) -> Path:
    """The code as it stands in the working tree, and a dataset of one raster."""
    listed = git(ROOT, "ls-files", "-z", "--", *COPIED).split("\0")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    params = yaml.safe_load((root / "params.yaml").read_text())
    terrain = params["datasets"]["terrain"]
    terrain["acquire"] = {"source": {"kind": "files", "paths": ["in"]}}
    params["datasets"] = {"terrain": terrain}
    (root / "params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    y, x = np.mgrid[:40, :50]
    write(root / "in/a.tif", (500 + 200 * np.sin(x / 6) * np.cos(y / 7)).astype(np.float32))
    return root


def committed(root: Path) -> Path:
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-qm", "start")
    return root


def start(root: Path, *command: str, before: tuple[str, ...] = (), without: tuple[str, ...] = (), **shell: str):
    environment = {name: value for name, value in os.environ.items() if name not in without}
    done = subprocess.run(
        [*before, sys.executable, "-m", *command],
        cwd=root,
        env={**environment, "DVC_NO_ANALYTICS": "1", "LANDLOOM_HOST_DIR": str(root / ".host"), **shell},
        capture_output=True,
        text=True,
        timeout=300,
    )
    return SimpleNamespace(code=done.returncode, out=done.stdout, err=done.stderr)


def made(root: Path) -> dict[str, str]:
    """Hashes of all that the stage wrote into `raw`, and the record's own."""
    raw = root / "data/terrain/raw"
    files = {str(path.relative_to(raw)): file_sha256(path) for path in sorted(raw.rglob("*")) if path.is_file()}
    return files | record(root)["outs"]


def record(root: Path) -> dict:
    return json.loads((root / "data/terrain/runs/acquire.json").read_text())


@pytest.fixture
def open_folder():
    """A folder that every user can enter. Those of pytest are their owner's alone, and git finds no checkout there."""
    with tempfile.TemporaryDirectory(prefix="landloom-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """What the stage writes when it is started as usual, outside git."""
    root = grow(tmp_path_factory.mktemp("plain") / "tree")
    done = start(root, "tasks.acquire", "terrain")
    assert done.code == 0, done.err
    return SimpleNamespace(done=done, outs=made(root), record=record(root))


def test_an_unpacked_archive_runs_and_one_line_says_that_the_run_has_no_commit(plain):
    assert plain.record["commit"] is None
    told = [line for line in plain.done.err.splitlines() if "without a commit" in line]
    assert len(told) == 1 and "not a git repository" in told[0]
    assert len(plain.outs) >= 3


def test_a_notebook_behind_a_dead_proxy_inside_another_repository(plain, tmp_path):
    outer = tmp_path / "outer"
    root = grow(outer / "inner")
    git(outer, "init", "-q")
    git(outer, "commit", "-qm", "of another project", "--allow-empty")
    committed(root)
    done = start(root, "tasks.acquire", "terrain", **NOTEBOOK, **PROXY)
    assert done.code == 0, done.err
    assert made(root) == plain.outs
    assert record(root)["commit"] == git(root, "rev-parse", "HEAD").strip()
    assert "warning" not in done.err


@pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can start a process of another user"
)
def test_a_user_id_without_a_name_and_a_home_that_cannot_be_written(plain, open_folder):
    root, home = committed(grow(open_folder / "tree")), open_folder / "home"
    home.mkdir(mode=0o555)
    for path in (root, *root.rglob("*")):
        os.chown(path, UID, UID, follow_symlinks=False)
    done = start(root, "tasks.acquire", "terrain", before=AS_OTHER, without=NAMES, HOME=str(home))
    assert done.code == 0, done.err
    assert made(root) == plain.outs
    assert record(root)["commit"] == git(root, "-c", "safe.directory=*", "rev-parse", "HEAD").strip()
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("command", ["flows.pipeline", "flows.refresh", "flows.sweep"])
def test_a_flow_in_an_unpacked_archive_ends_with_one_line_before_any_server_starts(command, tmp_path):
    root = grow(tmp_path / "tree")
    arguments = {"flows.sweep": ["two", "-S", "seed=1,2"], "flows.refresh": ["terrain"]}.get(command, [])
    done = start(root, command, *arguments, PREFECT_HOME=str(tmp_path / "prefect"))
    assert done.code == 1 and done.out == ""
    assert done.err.count("\n") == 1 and "a checkout of git is needed" in done.err and "git init" in done.err
    assert not list((tmp_path / "prefect").glob("prefect.db"))

"""The worker's script alone, on one small stage: what it does when it starts again, and what it says that it did."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from flows.worker import AGAIN
from tests.pipeline.conftest import Clone, commit

STAGE = "acquire@terrain"


class Origin:
    """A repository whose stage is sent to workers, and the DVC remote beside it."""

    def __init__(self, folder: Path):
        self.folder, self.clone, self.remote = folder, Clone(folder / "origin"), folder / "remote"

    def head(self) -> str:
        command = ["git", "rev-parse", "HEAD"]
        return subprocess.run(command, cwd=self.clone.root, check=True, capture_output=True, text=True).stdout.strip()

    def work(self, machine: str, remote: Path | None = None) -> tuple[int, str]:
        """Run the worker on a machine with that name; returns its status and all that it printed."""
        command = [sys.executable, "flows/worker.py", "--repository", self.clone.root, "--commit", self.head()]
        command += ["--stage", STAGE, "--remote", remote or self.remote, "--work", self.folder / machine]
        env = {name: value for name, value in self.clone.env.items() if not name.startswith(("LANDLOOM_", "PREFECT_"))}
        env |= {"LANDLOOM_PYTHON": sys.executable, "LANDLOOM_STATE": str(self.folder / "state")}
        done = subprocess.run(command, cwd=self.clone.root, env=env, capture_output=True, text=True, timeout=300)
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    return Origin(tmp_path_factory.mktemp("worker"))


def test_a_worker_that_ended_after_its_stage_sends_the_record_when_it_starts_again(origin):
    origin.remote.write_text("")  # no folder: nothing can be pushed
    status, said = origin.work("first")
    assert status == AGAIN and f"Running stage '{STAGE}'" in said
    assert not list((origin.folder / "state").glob("kept/*")), "the record lies in the clone until the next attempt"
    origin.remote.unlink()
    status, said = origin.work("first")
    assert status == 0 and "Running stage" not in said, said
    *_, last = said.strip().splitlines()
    assert last.startswith(f"{STAGE} at {origin.head()[:12]}: restored from the run cache; outputs: "), last
    assert "files pushed; its record is in the remote" in last, last
    (record,) = (origin.remote / "landloom/runs").iterdir()
    with tarfile.open(record) as tar:
        (events,) = [name for name in tar.getnames() if name.endswith("events.jsonl")]
        assert b'"status": "FINISHED"' in tar.extractfile(events).read().splitlines()[-1]
    assert not list((origin.folder / "state").glob("kept/*"))


def test_a_stage_is_made_again_only_if_the_remote_lacks_what_the_commit_has(origin):
    for command in (["remote", "add", "-d", "here", str(origin.remote)], ["repro", "-q", "--pull", "-s", STAGE]):
        subprocess.run(["dvc", *command], cwd=origin.clone.root, env=origin.clone.env, check=True)
    commit(origin.clone.root)
    status, said = origin.work("second")
    assert status == 0 and "Running stage" not in said, said
    assert said.strip().endswith(f"{STAGE} at {origin.head()[:12]}: nothing to do, because the remote has its outputs")
    empty = origin.folder / "empty"
    status, said = origin.work("third", empty)
    assert status == 0 and f"Running stage '{STAGE}'" in said, said
    assert f"{STAGE}: the remote lacks the outputs that the commit's dvc.lock names: they are made again" in said
    assert f"{STAGE} at {origin.head()[:12]}: ran; outputs: " in said.strip().splitlines()[-1]
    hashes = {path.name for path in origin.remote.glob("files/md5/*/*")}
    made = {path.name for path in empty.glob("files/md5/*/*")}
    assert len(made) > 2 and len(made - hashes) <= 1, "the same bytes, but for the run file"

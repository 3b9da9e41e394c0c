"""`reproduce` on a pipeline that really ran: every byte is the same, and it names a single flipped byte."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import yaml

import flows.reproduce as program
from tasks.core.hashing import dvc_md5, file_md5


def reproduce(clone, name, *arguments, root=None, env=None, process=False):
    """Run the command in the clone, for a stage's run or a name as it is; returns (exit status, what it said).

    It runs in this process, which has imported everything already, or in a `process` of its own.
    """
    record, root, env = clone.root / f"data/terrain/runs/{name}.json", root or clone.root, {**clone.env, **(env or {})}
    words = [json.loads(record.read_text())["run_id"] if record.exists() else name, *arguments]
    if process:
        command = [sys.executable, "-m", "flows.reproduce", *words]
        done = subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, timeout=1200)
        return done.returncode, done.stderr + done.stdout
    said, before = io.StringIO(), signal.getsignal(signal.SIGTERM)
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(said), redirect_stderr(said):
        for name in os.environ.keys() - env.keys():
            patch.delenv(name)
        for name, value in env.items():
            patch.setenv(name, value)
        patch.setattr(program, "ROOT", root)
        patch.setattr(sys, "argv", ["flows.reproduce", *words])
        patch.chdir(root)
        with pytest.raises(SystemExit) as ended:
            program.main()
    signal.signal(signal.SIGTERM, before)
    return ended.value.code, said.getvalue()


def git(root: Path, *arguments: str, text: str | None = None) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return subprocess.run(
        ["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True, input=text
    ).stdout.strip()


@contextmanager
def flipped(path: Path, at: int = 100, mode: int | None = None):
    """Flip one bit of the byte `at` of a file; restore the bytes and the mode afterwards."""
    good, before = path.read_bytes(), path.stat().st_mode
    try:
        os.chmod(path, 0o644)
        path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        os.chmod(path, before if mode is None else mode)
        yield
    finally:
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(good)
        os.chmod(path, before)


def last(said: str) -> str:
    return said.strip().splitlines()[-1]


def test_verify_a_model_down_to_its_sources(done):
    status, said = reproduce(done, "train", process=True)
    assert status == 0, said
    for path in ("raw", "scenes", "tiles.parquet", "shards", "model", "runs/shard.json"):
        assert f"data/terrain/{path}" in said
    assert dvc_md5(done.root / "data/terrain/model") in said
    assert last(said).startswith("same: all ")


def test_recompute_a_model_and_its_dataset_without_any_cache(done, tmp_path):
    status, said = reproduce(done, "train", "--recompute", env={"LANDLOOM_STATE": str(tmp_path)})
    assert status == 0, said
    assert not list(tmp_path.iterdir()), "checkpoints kept elsewhere would be no second training"
    assert said.count("running again") == 7
    for line in said.splitlines():
        if "data/" in line:
            assert line.startswith("same but for ids" if "/runs/" in line else "same  "), line
    assert last(said).endswith("; 7 same but for ids")


def test_recompute_one_stage_whose_outputs_name_runs(done):
    status, said = reproduce(done, "register", "--recompute", "--only")
    assert status == 0, said
    assert said.count("running again") == 1
    line = next(line for line in said.splitlines() if " data/terrain/lineage.json " in line)
    assert line.startswith("same but for ids"), line


def test_a_model_of_a_gpu_may_differ_as_far_as_its_metrics_do_not(done):
    """The record is changed to that of a GPU run with other weights."""
    from mlflow.tracking import MlflowClient

    client, lock, model = MlflowClient(f"sqlite:///{done.root}/mlflow.db"), done.root / "dvc.lock", "data/terrain/model"
    run_id = json.loads((done.root / "data/terrain/runs/train.json").read_text())["run_id"]
    digest, good = dvc_md5(done.root / model), lock.read_text()
    try:
        client.set_tag(run_id, "hardware.gpus", "NVIDIA H100")
        client.set_tag(run_id, f"dvc.out.{model}", "0" * 32 + ".dir")
        lock.write_text(good.replace(digest, "0" * 32 + ".dir"))
        status, said = reproduce(done, "train", "--recompute", "--only")
    finally:
        client.delete_tag(run_id, "hardware.gpus")
        client.set_tag(run_id, f"dvc.out.{model}", digest)
        lock.write_text(good)
    assert status == 0, said
    line = next(line for line in said.splitlines() if f" {model} " in line)
    assert re.search(r"^different as allowed .* made on NVIDIA H100; \d+ metrics within 10 %$", line), line
    assert last(said).endswith(f"the first that departs is train@terrain: {model}")


@pytest.mark.parametrize(
    ("stage", "path", "rotten"),
    [("shard", "shards/train-00000-of-*.tfrecord", True), ("acquire", "raw/ledger.parquet", False)],
    ids=["a shard, unnoticed by DVC", "a ledger, noticed by DVC"],
)
def test_one_flipped_byte_in_the_cache_is_named(done, stage, path, rotten):
    victim = next((done.root / "data/terrain").glob(path))
    digest = file_md5(victim)
    # DVC trusts write-protected files; it removes others that have a wrong hash.
    with flipped(done.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:], mode=0o444 if rotten else 0o644):
        status, said = reproduce(done, stage)
    assert status == 1
    assert f"the first is {stage}@terrain: data/terrain/{path.split('/')[0]}" in last(said)
    assert victim.name in last(said)


def test_one_flipped_byte_in_the_code_is_named(done):
    """As after a rewritten history: the recorded commit has another file than the one that ran."""
    head, path = git(done.root, "rev-parse", "HEAD"), "tasks/acquire/sources/sample/source.py"
    code = (done.root / path).read_text()
    try:
        with flipped(done.root / path, at=code.index("sample")):
            git(done.root, "add", path)
            other = git(done.root, "commit-tree", git(done.root, "write-tree"), "-m", "another")
            git(done.root, "replace", head, other)
        status, said = reproduce(done, "acquire")
    finally:
        git(done.root, "replace", "-d", head)
        git(done.root, "add", path)
    assert status == 1
    assert "the first is acquire@terrain: tasks/acquire/sources/sample (" in last(said) and "source.py" in last(said)


def test_a_change_of_this_checkout_is_told_and_does_no_harm(done):
    with flipped(done.root / "tasks/acquire/sources/sample/source.py", at=5):
        status, said = reproduce(done, "acquire")
    assert status == 0, said
    assert "note" in said and "tasks/acquire/sources/sample/source.py" in said


def test_changed_parameters_of_this_checkout_are_notes_with_both_values(done):
    path = done.root / "params.yaml"
    good = path.read_text()
    try:
        done.change({"datasets.terrain.train.steps": 9, "datasets.terrain.acquire.source.planet_px": 300})
        status, said = reproduce(done, "train")
        done.change({"datasets": {"terrain": None}})
        gone = reproduce(done, "acquire")
    finally:
        path.write_text(good)
    assert status == 0, said
    notes = {" ".join(line.split()) for line in said.splitlines() if line.startswith("note")}
    said = "note checkout datasets.terrain.train steps is 9, recorded 8; reproduce used the recorded parameters"
    assert said in notes
    assert any(
        line.startswith("note checkout datasets.terrain.acquire source.planet_px is 300, recorded 400")
        for line in notes
    )
    assert not any("datasets.terrain.shard" in line for line in notes)
    assert gone[0] == 0 and "not in params.yaml here; the run had it" in gone[1]


@pytest.mark.parametrize("name", ["steps", "ema_half_life", "method.sigma_min", "seed"])
def test_an_edited_parameter_of_the_record_is_named_also_where_it_is_a_default(done, name):
    run_id = json.loads((done.root / "data/terrain/runs/train.json").read_text())["run_id"]
    database = sqlite3.connect(done.root / "mlflow.db")
    where = "run_uuid = ? AND key = ?"
    (good,) = database.execute(f"SELECT value FROM params WHERE {where}", (run_id, name)).fetchone()
    try:
        with database:
            database.execute(f"UPDATE params SET value = '0.5' WHERE {where}", (run_id, name))
        status, said = reproduce(done, "train")
    finally:
        with database:
            database.execute(f"UPDATE params SET value = ? WHERE {where}", (good, run_id, name))
        database.close()
    assert status == 1
    assert f"{name} is 0.5, data/terrain/runs/train.json has {good}" in said


def test_a_changed_lock_file_is_named(done):
    lock = done.root / "requirements.lock"
    good = lock.read_text()
    try:
        lock.write_text(good.replace("numpy==", "numpy==9"))
        status, said = reproduce(done, "acquire")
    finally:
        lock.write_text(good)
    assert status == 1 and "the first is environment: requirements.lock" in last(said)


def test_one_flipped_byte_in_dvc_lock_is_named(done):
    lock = done.root / "dvc.lock"
    good = lock.read_text()
    digest = yaml.safe_load(good)["stages"]["acquire@terrain"]["outs"][0]["md5"]
    with flipped(lock, at=good.index(digest)):
        status, said = reproduce(done, "acquire")
    assert status == 1
    assert "the first is acquire@terrain: dvc.lock (data/terrain/" in last(said) and digest in last(said)


def test_an_empty_clone_gets_the_model_back_from_the_remote(done, tmp_path):
    remote, clone, back = tmp_path / "remote", tmp_path / "clone", tmp_path / "back"
    git(tmp_path, "clone", "-q", str(done.root), str(clone))
    # Both share only the run database. Only this clone knows the remote, as after a move.
    env = {**done.env, "MLFLOW_TRACKING_URI": f"sqlite:///{done.root}/mlflow.db"}
    add = ["dvc", "remote", "add", "--local", "--default", "there", str(remote)]
    subprocess.run(add, cwd=clone, env=env, check=True, capture_output=True)
    (remote / "files").mkdir(parents=True)
    subprocess.run(["cp", "-r", str(done.root / ".dvc/cache/files/md5"), str(remote / "files/md5")], check=True)

    status, said = reproduce(done, "models:/terrain@candidate", "--into", str(back), root=clone, env=env)
    assert status == 0, said
    assert dvc_md5(back / "data/terrain/model") == dvc_md5(done.root / "data/terrain/model")
    told = subprocess.run(
        ["dvc", "status", "train@terrain"], cwd=back, env=env, check=True, capture_output=True, text=True
    )
    assert "up to date" in told.stdout
    status, said = reproduce(done, "train", "--into", str(back), root=clone, env=env)
    assert status == 2 and "exists already" in said


def test_an_unknown_run_is_one_line(done):
    status, said = reproduce(done, "0" * 32, process=True)
    assert status == 2 and "not found" in said and "Traceback" not in said


def test_nothing_is_left_behind(done):
    """Runs last: every worktree of the tests above is gone."""
    assert git(done.root, "worktree", "list").count("\n") == 0

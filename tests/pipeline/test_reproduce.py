"""`reproduce` on a pipeline that really ran: every byte the same, and one flipped byte is named."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tasks.hashing import file_md5


def reproduce(clone, stage, *arguments):
    """Run the command in the clone; returns (exit status, what it said)."""
    run_id = json.loads((clone.root / f"data/terrain/runs/{stage}.json").read_text())["run_id"]
    done = subprocess.run(
        [sys.executable, "-m", "flows.reproduce", run_id, *arguments],
        cwd=clone.root,
        env=clone.env,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return done.returncode, done.stdout + done.stderr


def test_verify_a_model_down_to_its_sources(done):
    status, said = reproduce(done, "train")
    assert status == 0, said
    for path in ("raw", "scenes", "tiles.parquet", "shards", "model"):
        assert f"data/terrain/{path}" in said
    assert said.splitlines()[-1].startswith("same: all ")


def test_recompute_a_dataset_without_any_cache(done):
    status, said = reproduce(done, "shard", "--recompute")
    assert status == 0, said
    assert "data/terrain/shards" in said and "different" not in said


@pytest.mark.parametrize(
    "stage, path", [("shard", "shards/train-00000-of-*.tfrecord"), ("acquire", "raw/ledger.parquet")]
)
def test_one_flipped_byte_in_the_cache_is_named(done, stage, path):
    victim = next((done.root / "data/terrain").glob(path))
    digest = file_md5(victim)
    kept = done.root / ".dvc/cache/files/md5" / digest[:2] / digest[2:]
    good = kept.read_bytes()
    try:
        os.chmod(kept, 0o644)
        kept.write_bytes(good[:100] + bytes([good[100] ^ 1]) + good[101:])
        status, said = reproduce(done, "train")
    finally:
        kept.parent.mkdir(exist_ok=True)
        kept.write_bytes(good)
        os.chmod(kept, 0o444)
    assert status == 1
    assert f"the first is {stage}@terrain: data/terrain/{path.split('/')[0]}" in said.splitlines()[-1]


def test_a_changed_lock_file_is_named(done):
    lock = done.root / "requirements.lock"
    good = lock.read_text()
    try:
        lock.write_text(good.replace("numpy==", "numpy==9"))
        status, said = reproduce(done, "train")
    finally:
        lock.write_text(good)
    assert status == 1 and "the first is environment: requirements.lock" in said


def test_an_unknown_run_is_one_line(done):
    status = subprocess.run(
        [sys.executable, "-m", "flows.reproduce", "0" * 32], cwd=done.root, env=done.env, capture_output=True, text=True
    )
    assert status.returncode == 2 and "not found" in status.stderr and "Traceback" not in status.stderr

"""A rehearsal of the GPU check on the processor, at toy size; what fails, hangs or has no time is told."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from infra.gpu import check, part
from infra.gpu.work import Job, noted, noting
from tasks.train.deadline import VARIABLE
from tests.train.stand import NETWORK, PARAMS, dataset

HARDWARE = {"cpu": "a processor", "cores": 2, "memory_gib": 8.0, "python": "3.11", "torch": "2"}
EVALUATE = {"samples": 16, "tiles": 32, "projections": 8, "bootstrap": 2}


@pytest.fixture(scope="module")
def job(tmp_path_factory) -> Job:
    root = dataset(tmp_path_factory.mktemp("gpu"))
    (root / "out").mkdir()
    train = {**PARAMS, "method": {"name": "consistency", "network": NETWORK}}
    return Job(str(root), str(root / "out"), "small", 3, train, train, EVALUATE, True, 0.0)


def here(name: str, job: Job) -> str:
    """A part in this process."""
    part.run(name, job)
    return "done"


def test_a_rehearsal_runs_to_the_end(job, monkeypatch):
    monkeypatch.setenv(VARIABLE, "")  # the training sets it
    ended = check.check(job, 60, here, HARDWARE)
    out = Path(job.out)
    facts, text = json.loads((out / "check.json").read_text()), (out / "check.md").read_text()
    assert ended == facts["parts"] == {"agreement": "done", "speed": "done", "training": "done"}

    checks = [row for row in facts["rows"]["agreement"] if "found" in row]
    assert len(checks) == 5 and all(row["within"] for row in checks), checks
    speed = {row["name"]: row for row in facts["rows"]["speed"]}
    assert speed["fp32"]["steps_per_second"] > 0 and speed["data alone"]["tiles_per_second"] > 0
    assert "channels last" in speed and "bf16 is not in this hardware" in speed["bf16"]["problem"]
    training, evaluation = facts["rows"]["training"]
    assert training["name"] == "training" and evaluation["value"] >= 0
    assert list((out / "pictures").glob("step-*.png")) and (out / "evaluation.json").exists()
    assert "| fp32 |" in text and "## Training" in text and "pictures/curve.png" in text
    assert not (Path(job.root) / "data" / "small" / "model").exists(), "nothing of data/ is written"


def test_a_part_that_hangs_is_killed_and_keeps_its_rows(job, tmp_path, monkeypatch):
    sleeping = tmp_path / "infra" / "gpu"
    sleeping.mkdir(parents=True)
    for folder in (sleeping, sleeping.parent):
        (folder / "__init__.py").touch()
    (sleeping / "part.py").write_text("import time; print('asleep', flush=True); time.sleep(60)")
    monkeypatch.chdir(tmp_path)
    hanging = Job(str(tmp_path), str(tmp_path), "small", 3, {}, {}, {}, True, time.time() + 2)
    noting(tmp_path / "speed.jsonl")({"name": "fp32", "steps_per_second": 1.0})
    began = time.monotonic()
    assert check.start("speed", hanging).startswith("killed") and time.monotonic() - began < 20
    assert noted(tmp_path / "speed.jsonl") == [{"name": "fp32", "steps_per_second": 1.0}]


def test_without_time_or_speed_the_rest_is_left_out_and_told(job, tmp_path):
    late = Job(job.root, str(tmp_path), "small", 3, job.train, job.plain, EVALUATE, True, 0.0)
    part.run("agreement", late)
    part.run("training", late)
    problems = [
        row["problem"]
        for name in ("agreement", "training")
        for row in noted(tmp_path / f"{name}.jsonl")
        if "problem" in row
    ]
    assert problems and all("left out" in problem for problem in problems)


def test_missing_shards_are_named(tmp_path):
    with pytest.raises(SystemExit, match="data/terrain/shards is missing"):
        check.job_of(tmp_path, tmp_path / "out", "terrain", None, True)


def test_the_gpu_overlay_is_laid_over_the_training(tmp_path):
    (tmp_path / "data" / "terrain" / "shards").mkdir(parents=True)
    (tmp_path / "data" / "terrain" / "shards" / "card.json").touch()
    for name in ("params.yaml", "infra/scales/gpu.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text((check.ROOT / name).read_text())
    job = check.job_of(tmp_path, tmp_path / "out", "terrain", "gpu", False)
    assert job.train["batch"] == 256 and job.train["method"]["network"]["channels"] == 128
    assert job.train["method"]["pretrain_share"] == job.plain["method"]["pretrain_share"]
    assert job.plain["batch"] == 32

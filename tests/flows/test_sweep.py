"""A sweep: every set a DVC experiment, ranked by one metric, and nothing of the checkout touched."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from flows.sweep import combinations, fresh_name, headline, headline_of, ranked, sweep, table
from tasks.core.errors import LandloomError

LR, STEPS, BATCH = (f"datasets.terrain.train.{name}" for name in ("lr", "steps", "batch"))


def state(root):
    """The state of the checkout: every file with its bytes, git's index and stashes."""
    files = {
        path.relative_to(root): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file()
        and not {".git", ".landloom", "cache", "tmp"} & set(path.relative_to(root).parts)
        and not path.name.startswith("mlflow.db")
    }
    return files, [git(root, "status", "--porcelain"), git(root, "stash", "list"), git(root, "rev-parse", "HEAD")]


def git(root, *arguments):
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def test_a_sweep_ranks_its_sets_and_leaves_the_checkout_alone(small, prefect):
    subprocess.run(["dvc", "repro", "--quiet"], cwd=small, check=True)
    git(small, "add", "dvc.lock")  # a staged change and an unstaged edit: both must stay
    (small / "params.yaml").write_text(
        (small / "params.yaml").read_text().replace("seed: 20\n", "seed: 20  # mine\n", 1)
    )
    before = state(small)
    sets = [{BATCH: 13}, {STEPS: 10, LR: 0.004}, {STEPS: 10, LR: 0.002}]
    rows = sweep("rate", {}, sets, "train@terrain", "train.loss", jobs=2, root=str(small))
    assert [(row["experiment"], row["train.loss"]) for row in rows] == [
        ("rate-3", 0.02),
        ("rate-2", 0.04),
        ("rate-1", None),
    ], "the smallest first; the set that the stage refuses comes last, and stops no other"
    assert state(small) == before
    assert not list((small / ".landloom/sweeps").iterdir())
    experiments = subprocess.run(
        ["dvc", "exp", "list", "--name-only"], cwd=small, capture_output=True, text=True
    ).stdout
    assert set(experiments.split()) == {rows[0]["experiment"], rows[1]["experiment"]}

    subprocess.run(["dvc", "exp", "apply", rows[0]["experiment"]], cwd=small, check=True, capture_output=True)
    train = yaml.safe_load((small / "params.yaml").read_text())["datasets"]["terrain"]["train"]
    assert (train["lr"], train["steps"]) == (0.002, 10)
    assert fresh_name("rate", small) == "rate-r2" and fresh_name("rat", small) == "rat"


def test_a_sweep_that_cannot_work_says_so_before_it_starts(small, prefect):
    for arguments, message in [
        ({"grid": {LR: [0.1, -1]}}, r"set 2: params.yaml: datasets\.terrain\.train\.lr: "),
        ({}, "there is nothing to compare"),
        ({"grid": {LR: [1.0]}, "target": "train"}, "name one stage of one dataset"),
        ({"grid": {LR: [1.0]}, "name": "a b"}, "a sweep's name is"),
    ]:
        with pytest.raises(LandloomError, match=message):
            sweep(**{"name": "x", "target": "train@terrain", "by": "train.loss", "root": str(small), **arguments})
    assert git(small, "for-each-ref", "refs/exps") == ""


def test_the_evaluation_says_what_to_rank_by_and_which_way(tmp_path):
    assert headline_of(tmp_path, "terrain") == {} and headline([]) == ("evaluate.headline", "lower")
    path = tmp_path / "data/terrain/evaluation/metrics.json"
    path.parent.mkdir(parents=True)
    metrics = [{"name": "distance", "better": "lower"}, {"name": "likeness", "better": "higher"}]
    path.write_text(json.dumps({"headline": "likeness", "metrics": metrics}))
    assert headline_of(tmp_path, "terrain") == metrics[1]
    assert headline([metrics[1], metrics[1]]) == ("evaluate.likeness", "higher")
    assert headline([metrics[1], metrics[0]])[0] == "evaluate.headline"


def test_sets_and_ranks():
    assert combinations({"a": [1, 2]}, [{"b": 1}, {"b": 2}]) == [
        {"b": 1, "a": 1},
        {"b": 1, "a": 2},
        {"b": 2, "a": 1},
        {"b": 2, "a": 2},
    ]
    with pytest.raises(LandloomError, match="a grid wants a list"):
        combinations({"a": 1}, [])
    rows = [{"experiment": name, "m": value} for name, value in [("x", 1.0), ("y", None), ("z", 2.5)]]
    assert [row["experiment"] for row in ranked(rows, "m", largest_first=True)] == ["z", "x", "y"]
    assert table(rows).splitlines() == ["experiment  m", "x           1", "y           -", "z           2.5"]

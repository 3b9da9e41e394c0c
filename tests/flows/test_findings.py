"""Allowed differences, their tolerance, and the text of a verdict."""

from __future__ import annotations

import pytest
import yaml

from flows.history.findings import (
    ALLOWED,
    DIFFERENT,
    IDS,
    SAME,
    Finding,
    allowance,
    machines,
    metrics_apart,
    neutral,
    table,
    verdict,
)
from flows.history.lockfile import check
from flows.history.parameters import equal
from flows.history.runs import Recorded

H100, CPU, OTHER = {"cpu": "A", "gpus": "NVIDIA H100"}, {"cpu": "A"}, {"cpu": "B"}


def run(stage: str = "train@terrain", hardware: dict | None = None, code: str = "models/loop.py", **facts) -> Recorded:
    return Recorded("f" * 32, stage, "c" * 40, False, None, {code: "0" * 32}, {}, hardware=hardware or {}, **facts)


@pytest.mark.parametrize(
    ("then", "now", "code", "reason"),
    [
        (H100, CPU, "models/loop.py", "made on NVIDIA H100"),
        (CPU, H100, "models/loop.py", "made again on NVIDIA H100"),
        (CPU, OTHER, "models/loop.py", "made on A, made again on B"),
        (CPU, CPU, "models/loop.py", None),
        ({}, CPU, "models/loop.py", None),  # an older run without hardware: no difference is allowed
        (H100, CPU, "models", "made on NVIDIA H100"),  # a run that recorded the whole folder
        (H100, OTHER, "tasks/shard", None),  # data have the same bytes on every machine
    ],
)
def test_only_what_runs_networks_on_other_hardware_may_differ(then, now, code, reason):
    assert allowance(run(hardware=then, code=code), now) == reason


@pytest.mark.parametrize(
    ("then", "now", "code", "allowed"),
    [
        (("x86-64-v3", "A"), ("x86-64-v3", "B"), "models/core/loop.py", False),  # two processors, one arithmetic
        (("x86-64-v3", "A"), ("native", "A"), "models/core/loop.py", True),
        (("x86-64-v3", "A"), ("native", "B"), "tasks/label", True),  # another arithmetic reaches every stage
        (("native", "A"), ("native", "B"), "tasks/label", True),
        (("native", "A"), ("native", "A"), "models/core/loop.py", False),
        ((None, "A"), ("x86-64-v3", "B"), "tasks/label", False),  # older runs do not say: data promise the same bytes
        ((None, "A"), ("x86-64-v3", "B"), "models/core/loop.py", True),
    ],
)
def test_equal_arithmetic_counts_as_the_same_processor(then, now, code, allowed):
    then, now = ({"cpu": cpu} | ({"arithmetic": arithmetic} if arithmetic else {}) for arithmetic, cpu in (then, now))
    assert (allowance(run(hardware=then, code=code), now) is not None) is allowed


def test_bytes_that_differ_on_two_processors_of_one_arithmetic_name_both():
    then, now = ({"cpu": name, "arithmetic": "x86-64-v3"} for name in ("A", "B"))
    assert machines(run(hardware=then), now) == (
        "; made on A, made again on B: both compute with x86-64-v3, so please report it"
    )
    assert machines(run(hardware=then), then) == machines(run(), now) == ""


def test_texts_of_parameters_are_compared_by_their_value():
    assert equal("[{'a': 1, 'b': None}]", "[{'b': None, 'a': 1}]") and equal("facts", "facts") and equal(None, None)
    assert not equal("[{'a': 1}]", "[{'a': 2}]") and not equal("facts", "fact") and not equal("1", None)


def test_metrics_apart_are_named_with_both_values():
    then = {"swd": 0.400, "copies": 0.0, "flag": 1.0, "loss": 20.0, "seconds": 3.0}
    here = {"swd": 0.430, "copies": 0.04, "flag": 0.0, "loss": 17.0}
    assert metrics_apart(then, here, 0.10) == (4, ["flag 1 → 0", "loss 20 → 17"])
    assert metrics_apart(then, here, 0.20) == (4, ["flag 1 → 0"])


def test_ids_and_versions_are_made_the_same_and_nothing_else():
    ids = {"a" * 32, "b" * 32, "c" * 40}
    old = f'{{"run_id": "{"a" * 32}", "commit": "{"c" * 40}", "dirty": false, "version": "3", "loss": 0.5}}'
    new = f'{{"run_id": "{"b" * 32}", "commit": "{"c" * 40}", "dirty": true, "version": "1", "loss": 0.5}}'
    assert neutral(old.encode(), ids) == neutral(new.encode(), ids)
    assert neutral(old.encode(), ids) != neutral(new.replace("0.5", "0.6").encode(), ids)
    unsent = old.replace(f'"{"a" * 32}"', "null")  # MLflow was away
    assert neutral(unsent.encode(), ids) == neutral(new.encode(), ids)
    assert neutral(f"model m-{'1' * 32}, version 3".encode(), ids) == neutral(
        f"model m-{'2' * 32}, version 4".encode(), ids
    )
    assert neutral(b"\xff\xfe\x00", ids) is None


def test_the_verdict_names_the_first_that_departs():
    fine = [Finding("a@t", "data/x", SAME), Finding("b@t", "data/y", SAME)]
    assert verdict(fine) == (True, "same: all 2 hashes of 2 places")
    good, line = verdict([*fine, Finding("c@t", "data/z", ALLOWED, "made on a GPU"), Finding("c@t", "data/r", IDS)])
    assert good and line.endswith("1 same but for ids, 1 different as allowed; the first that departs is c@t: data/z")
    good, line = verdict([*fine, Finding("c@t", "data/z", DIFFERENT, "why"), Finding("d@t", "data/w", DIFFERENT)])
    assert not good and line == "2 of 4 differ; the first is c@t: data/z (why)"
    good, line = verdict([Finding("environment", "numpy", DIFFERENT, "locked 1, here 2"), *fine])
    assert not good and line.endswith("the bytes and the code are the recorded ones")


def test_the_table_folds_code_that_is_the_same_and_no_other():
    rows = [Finding("a@t", f"tasks/{n}.py", SAME) for n in range(9)]
    rows += [Finding("a@t", "tasks/bad.py", DIFFERENT, "here 1"), Finding("a@t", "data/x", SAME, "hash")]
    lines = table(rows).splitlines()
    assert [line.split()[0] for line in lines] == ["same", "different", "same"]
    assert "9 paths of code" in lines[0] and "tasks/bad.py" in lines[1] and "data/x" in lines[2]
    assert len(table(rows, whole=True).splitlines()) == 11


ENTRY = {
    "cmd": "python -m tasks.train terrain",
    "deps": [{"path": "models/loop.py", "hash": "md5", "md5": "0" * 32}],
    "params": {"params.yaml": {"seed": 20, "datasets.terrain.train": {"lr": 0.001, "network": {"blocks": 1}}}},
    "outs": [{"path": "data/terrain/model", "hash": "md5", "md5": "1" * 32 + ".dir"}],
}
LOCK = yaml.safe_dump({"schema": "2.0", "stages": {"train@terrain": ENTRY}}, sort_keys=False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("", "", None),
        ("1" * 32, "1" * 31 + "0", "data/terrain/model is 1"),
        ("0" * 32, "0" * 31 + "1", "models/loop.py is 0"),
        ("seed: 20", "seed: 21", "seed is 21, the run recorded 20"),
        ("blocks: 1", "blocks: 3", "network.blocks is 3, the run recorded 1"),
        ("tasks.train terrain", "tasks.trail terrain", "cmd is 'python -m tasks.trail terrain'"),
        ("data/terrain/model", "data/terrain/modem", "data/terrain/model is None"),
        ("train@terrain", "train@terraim", "no entry"),
        ("stages:", "stages;", "it is not a lock file"),
        ("'2.0'", "'3.0'", "it is not a lock file"),
    ],
)
def test_every_flipped_byte_that_means_something_in_a_lock_is_named(old, new, said, tmp_path):
    (tmp_path / "dvc.yaml").write_text("stages: {train: {do: {cmd: 'python -m tasks.train ${key}'}}}")
    recorded = run(params={"seed": "20", "lr": "0.001", "network.blocks": "1"})
    recorded.outputs["data/terrain/model"] = "1" * 32 + ".dir"
    (finding,) = check(LOCK.replace(old, new, 1), "dvc.lock", None, [recorded], tmp_path, sealed=recorded)
    assert finding.good if said is None else not finding.good and said in finding.detail, finding

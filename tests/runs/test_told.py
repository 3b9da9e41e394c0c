"""Faults that once became a value in silence are told."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tasks.core import spent
from tasks.core.errors import LandloomError
from tasks.register.run_files import RunFile, check_against_lock
from tasks.runs import machine
from tasks.runs.probe import Probe
from tasks.runs.provenance import git_state
from tests.runs.tiny import grow_tree

RUN = RunFile("data/b/runs/a.json", "0" * 32, {"stage": "a@b", "run_id": "1", "outs": {}})
BROKEN = {
    "no driver": "echo 'NVIDIA-SMI has failed because it could not communicate with the driver'; exit 9",
    "a warning first": "echo 'Warning: persistence mode is off'; echo '1, 2, 3, 4, 5'",
    "nothing": "exit 0",
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_nvidia_smi_ends_no_other_metric(how, tmp_path, monkeypatch):
    (tmp_path / "nvidia-smi").write_text(f"#!/bin/sh\n{BROKEN[how]}\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    probe = Probe()
    probe.collect_metrics()
    found = probe.aggregate_metrics()
    assert "cpu_utilization_percentage" in found
    assert any(name.startswith("gpu_0") for name in found) == (how == "a warning first")


def test_system_metrics_that_end_say_why(monkeypatch, capsys):
    def fail():
        raise OSError("no such device\nand more")

    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.01")
    monkeypatch.setattr(machine, "_probes", fail)
    watch = machine.Machine(lambda values, number: None)
    watch.start()
    watch._thread.join(20)
    assert capsys.readouterr().err == "warning: the system metrics of this run end here: OSError: no such device\n"


def test_a_new_file_that_git_cannot_read_makes_the_patch_unknown(tmp_path, capfd):
    root = grow_tree(tmp_path)
    (root / "gone.py").symlink_to(root / "nowhere" / "gone.py")
    assert git_state(root)[1] is not None  # git records where a link leads
    shutil.rmtree(root / ".git" / "objects")
    (root / ".git" / "objects").mkdir()
    commit, patch = git_state(root)
    assert patch is None and "warning: " in capfd.readouterr().err


def test_a_folder_that_cannot_be_deleted_keeps_its_mark(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    spent.mark(tmp_path, folder, "data/toy/model")
    with monkeypatch.context() as patch:
        patch.setattr(spent.shutil, "rmtree", lambda *_, **__: None)  # as on a disk that turned read-only
        spent.clear(tmp_path, ["data/toy/model"])
    assert "cannot be deleted" in capsys.readouterr().err and folder.exists()
    spent.clear(tmp_path, ["data/toy/model"])
    assert not folder.exists() and not list((tmp_path / ".landloom" / "spent").iterdir())


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\nstages:\n=======\n>>>>>>> x\n", "stages: [", "- a list"])
def test_a_lock_that_cannot_be_read_is_no_lock_without_the_stage(tmp_path, text, monkeypatch):
    monkeypatch.setattr("tasks.register.run_files.time.sleep", lambda seconds: None)
    (tmp_path / "dvc.lock").write_text(text)
    with pytest.raises(LandloomError, match="dvc.lock: not a lock file of DVC"):
        check_against_lock([RUN], tmp_path)


def test_without_a_lock_there_is_nothing_to_compare(tmp_path: Path):
    assert check_against_lock([RUN], tmp_path) == set()

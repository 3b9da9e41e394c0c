"""The probe for machines without MLflow records the same metrics as MLflow."""

from __future__ import annotations

import os

from tasks.runs import machine
from tasks.runs.probe import Probe

SMI = """#!/bin/sh
echo "87, 1024, 4096, 120.5, 240.0"
echo "0, 2048, 4096, [N/A], [N/A]"
"""


def values(probe) -> dict[str, float]:
    probe.collect_metrics()
    return probe.aggregate_metrics()


def test_metric_names_equal_those_of_mlflow(monkeypatch):
    theirs = {name for probe in machine._probes() for name in values(probe)}
    monkeypatch.setattr(machine.importlib.util, "find_spec", lambda name: None)
    [ours] = machine._probes()
    assert set(values(ours)) == theirs
    ours.clear_metrics()
    assert ours.aggregate_metrics() == {}


def test_gpus_are_read_with_nvidia_smi(tmp_path, monkeypatch):
    (tmp_path / "nvidia-smi").write_text(SMI)
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path) + os.pathsep + os.environ["PATH"])
    found = {name: value for name, value in values(Probe()).items() if name.startswith("gpu")}
    assert found == {
        "gpu_0_utilization_percentage": 87.0,
        "gpu_0_memory_usage_megabytes": 1073.7,
        "gpu_0_memory_usage_percentage": 25.0,
        "gpu_0_power_usage_watts": 120.5,
        "gpu_0_power_usage_percentage": 50.2,
        "gpu_1_utilization_percentage": 0.0,
        "gpu_1_memory_usage_megabytes": 2147.5,
        "gpu_1_memory_usage_percentage": 50.0,
    }

"""System metrics on machines without MLflow, under the names that MLflow uses."""

from __future__ import annotations

import os
import shutil
import subprocess

import psutil

_ASK = "utilization.gpu,memory.used,memory.total,power.draw,power.limit"
_MEGA = 1e6
_MIB = 2**20 / _MEGA


class Probe:
    """A monitor with the methods of MLflow's monitors. It reads GPUs with `nvidia-smi`, which needs no package."""

    def __init__(self) -> None:
        self._values: dict[str, float] = {}
        self._network = psutil.net_io_counters()

    def collect_metrics(self) -> None:
        """Take one sample."""
        memory, disk, network = psutil.virtual_memory(), psutil.disk_usage(os.sep), psutil.net_io_counters()
        self._values = {
            "cpu_utilization_percentage": psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / _MEGA,
            "system_memory_usage_percentage": memory.percent,
            "disk_usage_percentage": disk.percent,
            "disk_usage_megabytes": disk.used / _MEGA,
            "disk_available_megabytes": disk.free / _MEGA,
            "network_receive_megabytes": (network.bytes_recv - self._network.bytes_recv) / _MEGA,
            "network_transmit_megabytes": (network.bytes_sent - self._network.bytes_sent) / _MEGA,
        } | _gpus()

    def aggregate_metrics(self) -> dict[str, float]:
        """Return the values of the last sample, rounded to one decimal."""
        return {name: round(value, 1) for name, value in self._values.items()}

    def clear_metrics(self) -> None:
        """Discard the sample."""
        self._values = {}


def _gpus() -> dict[str, float]:
    """Return the metrics of all NVIDIA GPUs. Values that a GPU does not report are left out."""
    if shutil.which("nvidia-smi") is None:
        return {}
    command = ["nvidia-smi", f"--query-gpu={_ASK}", "--format=csv,noheader,nounits"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    if done.returncode:  # no driver: it says so on stdout
        return {}
    found: dict[str, float] = {}
    for number, line in enumerate(line for line in done.stdout.splitlines() if line.count(",") == _ASK.count(",")):
        used, memory, total, power, most = (_number(word) for word in line.split(","))
        values = {
            "utilization_percentage": used,
            "memory_usage_megabytes": memory and memory * _MIB,
            "memory_usage_percentage": memory and total and 100 * memory / total,
            "power_usage_watts": power,
            "power_usage_percentage": power and most and 100 * power / most,
        }
        found |= {f"gpu_{number}_{name}": value for name, value in values.items() if value is not None}
    return found


def _number(word: str) -> float | None:
    """Parse a number; return None for `[N/A]`."""
    try:
        return float(word)
    except ValueError:
        return None

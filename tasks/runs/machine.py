"""How the machine fared during a run: processor, memory, disk, network and GPU, as MLflow's system metrics.

MLflow's own loop runs only for runs of its fluent interface, asks the server for the run at every sample, and
warns by itself when the server is away; this one takes MLflow's probes and tells the run what they say.
"""

from __future__ import annotations

import importlib.util
import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from tasks.runs.probe import Probe

EVERY_S = 5.0  # at first; nothing is told of a shorter run
_SAMPLES = 200  # from then on a sample each two-hundredth of the time so far: some 1,100 in a day, not 17,000


class Machine:
    """A thread that samples until it is stopped. `tell(values, number)` may block and must not raise."""

    def __init__(self, tell: Callable[[dict[str, float], int], None]):
        self._tell, self._stop = tell, threading.Event()
        self._thread = threading.Thread(target=self._watch, name="system metrics", daemon=True)
        self._wanted = os.environ.get("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true").lower() not in ("false", "0")
        self._every = float(os.environ.get("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL") or EVERY_S)

    def start(self) -> None:
        """Start, unless MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING says no."""
        if self._wanted:
            self._thread.start()

    def stop(self) -> None:
        """Stop; a call that hangs in the network is left behind."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _watch(self) -> None:
        started, number = time.monotonic(), 0
        try:
            psutil.cpu_percent()  # counts from one call to the next, thread by thread
            if self._stop.wait(self._every):
                return
            probes = _probes()
            while True:
                for probe in probes:
                    probe.collect_metrics()
                values = {name: value for probe in probes for name, value in probe.aggregate_metrics().items()}
                self._tell({f"{_prefix()}{name}": value for name, value in values.items()}, number)
                for probe in probes:
                    probe.clear_metrics()
                number += 1
                if self._stop.wait(max(self._every, (time.monotonic() - started) / _SAMPLES)):
                    return
        except Exception:  # noqa: BLE001, S110 - a probe that fails ends the watch, never the stage
            pass


def _probes() -> list[Any]:
    """MLflow's, and that of GPUs where there are some and `nvidia-ml-py` can read them."""
    if importlib.util.find_spec("mlflow") is None:
        return [Probe()]
    from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
    from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
    from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
    from mlflow.system_metrics.metrics.network_monitor import NetworkMonitor

    probes: list[Any] = [CPUMonitor(), DiskMonitor(), NetworkMonitor()]
    with suppress(Exception):
        probes.append(GPUMonitor())
    return probes


def _prefix() -> str:
    node = os.environ.get("MLFLOW_SYSTEM_METRICS_NODE_ID")
    return f"system/{node}/" if node else "system/"

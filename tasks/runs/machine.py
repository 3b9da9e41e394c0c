"""System metrics of a run: load of processor, memory, disk, network and GPU, under the names that MLflow uses.

This module uses MLflow's monitors but not MLflow's sampling loop. That loop works only for runs of the fluent
interface, asks the server for the run at every sample, and prints its own warnings when the server is away.
"""

from __future__ import annotations

import importlib.util
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from tasks.runs.probe import Probe

EVERY_S = 5.0  # the first interval; a shorter run records no system metrics
_SAMPLES = 200  # later intervals are 1/200 of the elapsed time: about 1,100 samples in a day, not 17,000


class Machine:
    """A thread that takes samples until it is stopped.

    Args:
        tell: called with the values of a sample and its number. It may block and must not raise.
    """

    def __init__(self, tell: Callable[[dict[str, float], int], None]):
        self._tell, self._stop = tell, threading.Event()
        self._thread = threading.Thread(target=self._watch, name="system metrics", daemon=True)
        self._wanted = os.environ.get("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true").lower() not in ("false", "0")
        self._every = float(os.environ.get("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL") or EVERY_S)

    def start(self) -> None:
        """Start the thread, unless MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING is `false`."""
        if self._wanted:
            self._thread.start()

    def stop(self) -> None:
        """Stop the thread. Wait at most ten seconds, because a network call can hang."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _watch(self) -> None:
        started, number = time.monotonic(), 0
        try:
            psutil.cpu_percent()  # psutil measures the load since the last call of the same thread
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
        except Exception as error:  # noqa: BLE001 - a probe that fails ends the watch, never the stage
            said = (str(error).splitlines() or [""])[0]
            print(
                f"warning: the system metrics of this run end here: {type(error).__name__}: {said}",
                file=sys.stderr,
                flush=True,
            )


def _probes() -> list[Any]:
    """Return MLflow's monitors, with the GPU monitor if `nvidia-ml-py` finds GPUs; without MLflow, our own probe."""
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

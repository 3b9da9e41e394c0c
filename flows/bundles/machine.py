"""Hardware and software of the machine of a bundle. `run.py` prints them and writes them into the results.

This module imports only the standard library. A separate process imports torch and looks for the other packages.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_ASK = """
import importlib.util, json, sys
missing = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
facts = {"missing": missing}
if "torch" in sys.argv and "torch" not in missing:
    import torch
    facts["torch"] = torch.__version__
    if torch.cuda.is_available():
        count = range(torch.cuda.device_count())
        facts["gpus"] = [torch.cuda.get_device_name(number) for number in count]
        facts["gpu_memory_gib"] = [round(torch.cuda.get_device_properties(n).total_memory / 2**30, 1) for n in count]
        facts["cuda"] = torch.version.cuda
print(json.dumps(facts))
"""


def look(modules: Sequence[str], env: Mapping[str, str]) -> dict[str, object]:
    """Return processor, memory (GiB), Python, torch and GPUs; `missing` lists the `modules` that are not installed."""
    facts: dict[str, object] = {
        "host": platform.node(),
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
    done = subprocess.run([sys.executable, "-c", _ASK, *modules], env=dict(env), capture_output=True, text=True)
    if done.returncode:
        return facts | {"missing": [], "problem": (done.stderr.strip().splitlines() or ["no output"])[-1]}
    return facts | json.loads(done.stdout.splitlines()[-1])


def told(facts: Mapping[str, object]) -> str:
    """Return the facts as one line of text."""
    gpus = facts.get("gpus")
    names = ", ".join(
        f"{name} ({memory} GiB)" for name, memory in zip(gpus or (), facts.get("gpu_memory_gib", ()), strict=False)
    )
    return (
        f"{facts['cpu']}, {facts['cores']} cores, {facts['memory_gib']} GiB, Python {facts['python']}, "
        f"torch {facts.get('torch', 'missing')}, {names or 'no GPU'}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:  # not Linux
        return platform.processor() or platform.machine()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.processor() or platform.machine())

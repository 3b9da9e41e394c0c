"""What the fixed arithmetic costs: kernels and training steps with it, as a ratio to the processor's own choice.

Each figure is a process of its own, since the libraries choose when they load; the two kinds alternate.
"""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from tasks.core.arithmetic import CODE, PREFIXES, supported
from tasks.core.settings import ROOT

ROUNDS = 3
KERNELS = {
    "numpy functions": "f = lambda: np.exp(x) + np.log1p(x) + np.arctan(x)",
    "numpy product, one thread": "f = lambda: x @ x.T",
    "numpy percentile": "f = lambda: np.percentile(x, [16, 50, 84], axis=0)",
    "torch product": "f = lambda: t @ t.T",
    "torch square root": "f = lambda: t.sqrt()",
    "torch convolution, forward and backward": "f = lambda: conv(p).square().sum().backward()",
    "step of RAdam, a million weights": "f = lambda: radam.step()",
}
SET_UP = """
import sys, time
if {fixed}:
    import tasks
import numpy as np, torch
if {fixed}:
    import models.core.method
torch.set_num_threads(1)
x = np.random.default_rng(1).random((800, 800)).astype(np.float32)
t = torch.from_numpy(x)
p = torch.rand(8, 24, 32, 32)
conv = torch.nn.Conv2d(24, 24, 3, padding=1)
w = torch.nn.Parameter(torch.rand(1_000_000)); w.grad = torch.rand(1_000_000)
radam = torch.optim.RAdam([w])
{kernel}
for _ in range(10): f()
best = min((lambda began: (f(), time.perf_counter() - began)[1])(time.perf_counter()) for _ in range(30))
print(best)
"""


def run() -> list[tuple[str, str, str]]:
    """Rows of the table: speed with the fixed arithmetic over speed without."""
    if not supported():
        return [("fixed arithmetic", "this processor has no x86-64-v3", "")]
    rows = []
    for what, kernel in KERNELS.items():
        ratios = [_seconds(kernel, False) / _seconds(kernel, True) for _ in range(ROUNDS)]
        rows.append((f"speed with fixed arithmetic: {what}", f"{median(ratios):.2f}×", ""))
    return rows


def _seconds(kernel: str, fixed: bool) -> float:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(PREFIXES)}
    environment |= CODE if fixed else {"OPENBLAS_NUM_THREADS": "1"}
    code = SET_UP.format(fixed=fixed, kernel=kernel)
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return float(done.stdout.split()[-1])

"""The same arithmetic on every x86-64 processor since 2013. This module is imported before every numeric library.

numpy, OpenBLAS, numba, torch, oneDNN and MKL choose their code by what the processor offers, and the choices differ in
last bits. This module selects the code instead: that of x86-64-v3 (AVX2 and FMA). It also fixes the number of threads,
because libraries split sums by it. Values from the shell are overwritten, because they must not change a byte.

    eval "$(python -c 'from tasks.core.arithmetic import shell; shell()')"

does the same for a process that imports numpy before `tasks`: a Dask worker, a notebook.

docs/portability.md says what is covered, what is not, and what it costs.
"""

from __future__ import annotations

import os
import platform
import sys
import warnings
from collections.abc import Mapping, MutableMapping

V3 = frozenset(["avx2", "fma", "f16c", "bmi1", "bmi2", "abm", "movbe"])
"""The features that x86-64-v3 adds, as Linux names them (x86-64 psABI, table 3.1; `abm` holds LZCNT)."""

CODE = {
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",  # all three: numpy keeps ICL when only V4 is disabled
    "OPENBLAS_CORETYPE": "Haswell",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "",  # empty: the features of NUMBA_CPU_NAME
    "ATEN_CPU_CAPABILITY": "avx2",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    "DNNL_MAX_CPU_ISA": "AVX2",  # oneDNN's earlier name
    "MKL_ENABLE_INSTRUCTIONS": "AVX2",
    "MKL_CBWR": "COMPATIBLE",  # MKL runs this code path on Intel and AMD alike; its AVX2 differs between them
}
"""Variables that select the code of the libraries, which read them at import."""

THREADS = {
    "OMP_NUM_THREADS": "2",  # torch in evaluate and generate; train has a parameter, all else uses one thread
    "OMP_DYNAMIC": "FALSE",
    "MKL_NUM_THREADS": "2",
    "MKL_DYNAMIC": "FALSE",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_WAIT_POLICY": "PASSIVE",  # waiting threads must sleep: spinning threads take cores from working threads
}
"""Variables that fix the number of threads. If it followed the number of cores, machines would differ in bytes."""

POOLED = ("OMP_", "GOMP_", "KMP_", "MKL_")
"""Families that only libraries with a thread pool of their own read."""

PREFIXES = ("OPENBLAS_", "GOTO_", "MKL_", "OMP_", "GOMP_", "KMP_", "ONEDNN_", "DNNL_", "ATEN_", "NPY_", "NUMBA_CPU_")
"""Variables with these prefixes that are in neither table are removed."""

READERS = ("numpy", "scipy", "sklearn", "numba", "torch", "cv2")
NATIVE, PORTABLE = "native", "x86-64-v3"


def supported(cpuinfo: str = "/proc/cpuinfo") -> bool:
    """Return whether this is Linux on a processor with x86-64-v3."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return False
    try:
        with open(cpuinfo) as lines:
            flags = next((line for line in lines if line.startswith("flags")), "")
    except OSError:
        return False
    return set(flags.split()) >= V3


def fix(environment: MutableMapping[str, str] = os.environ) -> set[str]:
    """Write the settings into `environment`; return the names of the variables that changed."""
    wanted = {**CODE, **THREADS}
    others = {name for name in environment if name.startswith(PREFIXES) and name not in wanted}
    changed = others | {name for name, value in wanted.items() if environment.get(name, "") != value}
    for name in others:
        del environment[name]
    environment.update(wanted)
    return changed


def _read(changed: set[str], loaded: list[str]) -> bool:
    """Return whether one of the `loaded` libraries has read a variable that `changed` afterwards."""
    if "torch" in loaded or "sklearn" in loaded:
        return bool(changed - {"OMP_WAIT_POLICY"})
    return any(name in CODE or not name.startswith(POOLED) for name in changed)


def release(environment: MutableMapping[str, str] = os.environ) -> None:
    """Let the libraries choose the fastest code of this processor; threads stay fixed.

    Raises:
        RuntimeError: a numeric library is loaded already and has selected its code.
    """
    global NAME
    if loaded := _loaded(sys.modules):
        raise RuntimeError(f"the arithmetic cannot be released after {', '.join(loaded)} was loaded")
    for name in CODE:
        environment.pop(name, None)
    NAME = NATIVE


def _loaded(modules: Mapping[str, object]) -> list[str]:
    return [name for name in READERS if name in modules]


def _begin() -> str:
    if not supported():
        os.environ["OMP_WAIT_POLICY"] = THREADS["OMP_WAIT_POLICY"]
        return NATIVE
    loaded = _loaded(sys.modules)
    if _read(fix(), loaded) and loaded:
        warnings.warn(
            f"{', '.join(loaded)} was imported before `tasks`, so its arithmetic is that of this processor and results "
            "may differ from those of another one. Import `tasks` first, or set the variables before Python starts "
            "(docs/portability.md).",
            RuntimeWarning,
            stacklevel=2,
        )
        return NATIVE
    return PORTABLE


NAME = _begin()
"""The arithmetic of this process: `x86-64-v3` (the same everywhere) or `native` (specific to this processor model)."""


def shell() -> None:
    """Print the settings as lines for a shell to evaluate; print nothing if they do not apply to this machine."""
    if supported():
        for name, value in {**CODE, **THREADS}.items():
            print(f"export {name}='{value}'")

"""Replacement of torch functions whose results depend on the maker of the processor by functions of numpy.

On a CPU, torch computes these functions of float tensors with the vector library of MKL (ATen/cpu/vml.h). That library
runs different code on Intel and on AMD. The code for AMD starts from the approximation RSQRTPS, which each maker rounds
differently. No setting of MKL removes this difference; `MKL_CBWR` covers only matrix products. The square root of numpy
is exact. Its other functions run the code that `tasks.core.arithmetic` selected (float32) or that of the C library
(float64).

Importing this module changes torch, but only if that code was selected. It replaces the CPU kernel of each operator.
GPUs and autograd are unchanged, and each type of tensor keeps its meaning. A power of 0.5 is not covered: write `sqrt`.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

Function = Callable[..., np.ndarray]


def _erf(name: str) -> Function:
    def function(x: np.ndarray) -> np.ndarray:
        from scipy import special  # slow to import and rarely needed

        return getattr(special, name)(x)

    return function


FUNCTIONS: dict[str, Function] = {
    "acos": np.arccos,
    "asin": np.arcsin,
    "atan": np.arctan,
    "cos": np.cos,
    "erf": _erf("erf"),
    "erfc": _erf("erfc"),
    "erfinv": _erf("erfinv"),
    "exp": np.exp,
    "log": np.log,
    "log2": np.log2,
    "sin": np.sin,
    "sqrt": np.sqrt,
    "tan": np.tan,
}
"""From the name of an operator to the function that replaces it."""


def compute(function: Function, x: Tensor) -> Tensor:
    """Return `function` of a CPU tensor, without autograd.

    Half precision and integers are computed in float32. Complex tensors stay complex.
    """
    kept = x.dtype if x.dtype.is_floating_point or x.dtype.is_complex else torch.get_default_dtype()
    wide = x if x.dtype.is_complex or x.dtype in (torch.float32, torch.float64) else x.to(torch.float32)
    array = wide.detach().resolve_conj().resolve_neg().numpy()
    with np.errstate(all="ignore"):
        result = np.asarray(function(array), dtype=array.dtype)
    return torch.from_numpy(result).to(kept)


def install() -> torch.library.Library:
    """Replace the CPU kernels until the returned library is destroyed."""
    library = torch.library.Library("aten", "IMPL")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Warning only once for all operators", UserWarning)
        for name, function in FUNCTIONS.items():
            _replace(library, name, function)
    return library


def _replace(library: torch.library.Library, name: str, function: Function) -> None:
    def plain(x: Tensor) -> Tensor:
        return compute(function, x)

    def in_place(x: Tensor) -> Tensor:
        return x.copy_(_castable(compute(function, x), x))

    def out_of(x: Tensor, *, out: Tensor) -> Tensor:
        return out.resize_(x.shape).copy_(_castable(compute(function, x), out))

    library.impl(name, plain, "CPU")
    library.impl(f"{name}_", in_place, "CPU")
    library.impl(f"{name}.out", out_of, "CPU")


def _castable(result: Tensor, target: Tensor) -> Tensor:
    """Return `result`; raise RuntimeError, as torch does, if `target` would lose its fraction or imaginary part."""
    if not torch.can_cast(result.dtype, target.dtype):
        raise RuntimeError(f"result type {result.dtype} can't be cast to the desired output type {target.dtype}")
    return result


def wanted() -> bool:
    """Return whether the code of x86-64-v3 was selected and torch has MKL."""
    return os.environ.get("ATEN_CPU_CAPABILITY") == "avx2" and torch.backends.mkl.is_available()


_LIBRARY = install() if wanted() else None

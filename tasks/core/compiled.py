"""Compilation of inner loops with numba, and a cache of the compiled code on disk for the next process.

Numba writes the cache into `__pycache__` beside the source, or into the user's cache folder if that is read-only.
DVC, git and the hashes of dependencies ignore both. Numba compiles again if the source or the processor's code differs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numba import njit


def cached(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator: `numba.njit(**options)` with a cache; without one where no folder for it can be written."""

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, **options)(function)
        except RuntimeError:  # numba found no place for the cache; the function then compiles in each process
            return njit(**options)(function)

    return decorate

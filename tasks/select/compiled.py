"""Compilation of inner loops over pixels: plain arithmetic, with a cache on disk for the next run."""

from __future__ import annotations

from numba import njit

# No `fastmath`: sums keep their order, so that every machine gets the same bits.
compiled = njit(cache=True, error_model="numpy", nogil=True)

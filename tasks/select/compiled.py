"""Compilation of inner loops over pixels: plain arithmetic, with a cache on disk for the next run."""

from __future__ import annotations

from tasks.core.compiled import cached

# No `fastmath`: sums keep their order, so that every machine gets the same bits.
compiled = cached(error_model="numpy", nogil=True)

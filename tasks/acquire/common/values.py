"""Whether values are heights in metres, decided in one pass over a raster's blocks.

A void that is taken for ground is worse than a missing raster: it makes cliffs that no later stage can tell from real
ones. So a value that looks like a void code and is not declared as one is a problem.
"""

from __future__ import annotations

import numpy as np

LOWEST, HIGHEST = -12_000, 9_000
"""Metres; the deepest trench and the highest peak with room to spare. What lies beyond is no height on Earth."""

CODES = (-9999.0, -9998.0, -999.0, -99.0, 999.0)
"""Void codes in use that lie inside that range, and so could be heights too."""

STORED_CODES = (-32768.0, -32767.0, 32767.0, 65535.0, -99999.0, 99999.0)
"""Void codes of numbers that are no metres: as metres they lie beyond the Earth, but times a scale they may not."""

GAP = 20.0  # metres that must lie between a code and the nearest height, or it may be a height itself
SEA_GAP = 10.0  # metres above a declared void of 0 in which ground shows that 0 may be the sea


class Values:
    """Counts of a raster's values in bins of one metre. Heights take 21,000 bins, whatever the raster's size."""

    def __init__(self, nodata: float | None, dtype: str, scale: float = 1.0, offset: float = 0.0):
        """`nodata` and `dtype` are those of the stored numbers; metres are stored numbers × `scale` + `offset`."""
        self._scale, self._offset = scale, offset
        self._stored = (scale, offset) != (1.0, 0.0)
        self._floating = np.issubdtype(np.dtype(dtype), np.floating)
        self._nodata = _as_dtype(nodata, dtype)
        self.declared = 0  # pixels that hold the declared void code
        self.pixels = 0
        self._bins = np.zeros(HIGHEST - LOWEST + 1, np.int64)
        self._codes = dict.fromkeys((*CODES, *(STORED_CODES if self._stored else ())), 0)
        self._beyond = 0
        self._infinite = 0
        self._ends = {-1: [np.inf, 0], 1: [-np.inf, 0]}  # lowest and highest value, and how many pixels hold it

    def add(self, block: np.ndarray) -> None:
        """Count one block (any shape, the raster's own dtype)."""
        self.pixels += block.size
        known = block.ravel()
        if self._nodata is not None:
            void = known == self._nodata
            self.declared += int(void.sum())
            known = known[~void]
        if self._floating:
            known = known[~np.isnan(known)]
            finite = np.isfinite(known)
            self._infinite += int(known.size - finite.sum())
            known = known[finite]
        if not known.size:
            return
        for code in self._codes:
            self._codes[code] += int((known == code).sum())
        if self._stored:
            known = known * np.float64(self._scale) + self._offset
        for side, value in ((-1, known.min()), (1, known.max())):
            if float(value) * side > self._ends[side][0] * side:
                self._ends[side] = [float(value), 0]
            self._ends[side][1] += int((known == self._ends[side][0]).sum())
        inside = (known >= LOWEST) & (known <= HIGHEST)
        self._beyond += int(known.size - inside.sum())
        known = known[inside]
        self._bins += np.bincount(np.floor(known).astype(np.int64) - LOWEST, minlength=self._bins.size)

    def void_everywhere(self) -> bool:
        """Whether not one pixel has a value."""
        return not (self._bins.any() or self._beyond or self._infinite)

    def problem(self, trust: bool, said: bool) -> str | None:
        """The first thing that does not fit heights in metres, or None.

        Args:
            trust: a person vouches for every value; only infinities are still a problem.
            said: the void code comes from a person, and not from the file.
        """
        if self._infinite:
            return f"{self._infinite} pixels are infinite"
        if trust:
            return None
        if self._beyond:
            value = self._ends[-1][0] if self._ends[-1][0] < LOWEST else self._ends[1][0]
            return self._undeclared(value, self._beyond, "no height on Earth")
        for code, count in self._codes.items():
            metres = self._metres(code)
            if count and (self._alone(metres) or self._spike(metres, count)):
                return self._undeclared(metres, count, "a usual void code that stands apart from the heights")
        for side, (value, count) in self._ends.items():
            if count >= max(16, 1e-4 * self._bins.sum()) and self._far_off(value, side):
                return self._undeclared(value, count, "far from every other height")
        if self.declared and not said:
            return self._contradiction()
        return None

    def _metres(self, stored: float) -> float:
        return stored * self._scale + self._offset

    def _undeclared(self, metres: float, count: int, what: str) -> str:
        value = (metres - self._offset) / self._scale
        declared = "no void code is declared" if self._nodata is None else f"the declared void code is {self._nodata:g}"
        never = " and never occurs" if self._nodata is not None and not self.declared else ""
        return (
            f"{count} pixels hold {value:g} or beyond, {what}, but {declared}{never}; "
            f"if it marks voids, say so in its override (nodata: {value:g})"
        )

    def _contradiction(self) -> str | None:
        """What is wrong with the declared void code where it is also a height, and would make holes in the ground."""
        nodata = float(self._nodata)  # type: ignore[arg-type]
        metres = self._metres(nodata)
        below, above = self._distance(metres, -1), self._distance(metres, 1)
        sea = metres == 0 and above <= SEA_GAP
        if (below <= GAP and above <= GAP) or sea:
            kind = "0 is a height too (the sea)" if nodata == 0 else "it is a height too"
            return (
                f"{self.declared} pixels hold the declared void code {nodata:g}, but heights lie within "
                f"{min(below, above):.0f} m of it: {kind}; say which in its override (nodata: null or {nodata:g})"
            )
        return None

    def _alone(self, value: float) -> bool:
        """Whether no other height lies near `value`."""
        return min(self._distance(value, -1), self._distance(value, 1)) > max(GAP, 0.02 * self._range_without(value))

    def _spike(self, code: float, count: int) -> bool:
        """Whether a negative code is held by far more pixels than the depths around it."""
        if not LOWEST <= code <= HIGHEST:
            return False
        at = int(np.floor(code)) - LOWEST
        near = self._bins[max(at - 5, 0) : at + 6].copy()
        near[min(5, at)] = 0
        return code < 0 and count > max(100, 1e-3 * self._bins.sum(), 50 * near.max())

    def _far_off(self, value: float, side: int) -> bool:
        """Whether a wide gap separates the lowest (side -1) or highest value from all others, if there are any."""
        return np.inf > self._distance(value, -side) > max(100.0, 0.25 * self._range_without(value))

    def _distance(self, value: float, side: int) -> float:
        """Metres from `value` to the nearest other height on one side; infinite where there is none."""
        at = int(np.floor(np.clip(value, LOWEST - 1, HIGHEST + 1))) - LOWEST
        bins = self._bins[at + 1 :] if side > 0 else self._bins[: max(at, 0)][::-1]
        found = np.flatnonzero(bins)
        return float(found[0] + 1) if found.size else np.inf

    def _range_without(self, value: float) -> float:
        """Metres between the lowest and the highest height other than `value`."""
        bins = self._bins.copy()
        if LOWEST <= value <= HIGHEST:
            bins[int(np.floor(value)) - LOWEST] = 0
        found = np.flatnonzero(bins)
        return float(found[-1] - found[0]) if found.size else 0.0


def _as_dtype(nodata: float | None, dtype: str) -> np.generic | None:
    """The void code as the raster's type holds it; None where it holds none, or NaN, which needs no code."""
    if nodata is None or np.isnan(nodata):
        return None
    kind = np.dtype(dtype)
    if np.issubdtype(kind, np.integer):
        limits = np.iinfo(kind)
        return kind.type(nodata) if float(nodata).is_integer() and limits.min <= nodata <= limits.max else None
    return kind.type(nodata)

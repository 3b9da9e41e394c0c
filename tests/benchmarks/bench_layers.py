"""Maps of slopes, aspects, shades and the like that are computed from real elevation: refused, warned of, or taken?

The elevation is the folder of real rasters beside the checkout. Each raster, its squares of 256 pixels, coarser and
finer grids of it, its shape as low relief beside the sea, and squares of the procedural planet must not be refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from tasks.acquire.common.derived import Derived
from tasks.acquire.common.texture import Texture
from tests.acquire import layers
from tests.conftest import REALDATA

FOLDERS = ("dem", "global")
MOST = None  # rasters; None: all
TOY = {"MOST": 2, "FOLDERS": ("dem",)}
SEED = 0
MAPS = ("slope", "aspect", "hillshade", "roughness", "curvature")

Look = tuple[str, str, str]  # what is looked at, of which kind, and what was said: refused, warned, taken


def run() -> list[tuple[str, str, str]]:
    """Rows of the table: of elevation none is refused; of each kind of map, how many are."""
    if not REALDATA.is_dir():
        return [("maps that are no elevation", "not measured: no folder of real rasters beside the checkout", "")]
    found: dict[str, Counter] = {}
    for what, kind, said in _looks():
        found.setdefault(what, Counter())[said] += 1
        if what in MAPS:
            found.setdefault(f"  {what}: {kind}", Counter())[said] += 1
        elif said != "taken":
            print(f"{what}: {kind} is {said}", flush=True)
    elevation = [what for what in found if what.strip().split(":")[0] not in MAPS]
    rows = [(f"{what}: refused", _of(found[what]), "0") for what in elevation]
    order = {what: place for place, what in enumerate(MAPS)}
    for what in sorted(found.keys() - set(elevation), key=lambda what: (order[what.strip().split(":")[0]], what)):
        bar = {"slope": "≥ 95 %", "aspect": "≥ 95 %", "hillshade": "≥ 90 %"}.get(what, "")
        rows.append((f"maps of {what}: refused" if what in MAPS else what, _of(found[what]), bar))
    return rows


def _of(counts: Counter) -> str:
    return f"{counts['refused']} of {counts.total()}, and {counts['warned']} with a warning"


def _looks() -> Iterator[Look]:
    rng = np.random.default_rng(SEED)
    grounds = [ground for folder in FOLDERS for ground in layers.real(REALDATA / folder)][:MOST]
    for name, heights, pixel in grounds:
        yield "real elevation", name, look(heights)
        for how, other in layers.other_grids(heights):
            yield "real elevation on other grids", f"{name}, {how}", look(other)
        squares = sorted(layers.parts(heights), key=np.ptp)
        for square in squares:
            yield "squares of real elevation", name, look(square)
        for square in squares[:1] + squares[-1:]:
            for how, other in layers.small_reliefs(square, rng):
                yield "shapes of real elevation as low relief", f"{name}, {how}", look(other)
        for kind, how, other in layers.computed(heights, pixel):
            yield kind, how, look(other)
    for name, heights, _ in layers.planet():
        yield "elevation of the procedural planet", name, look(heights)


def look(values: np.ndarray) -> str:
    """What `acquire` says of values (H, W) with NaN for voids: refused, warned or taken."""
    void = ~np.isfinite(values)
    known = np.where(void, 0, values).astype(np.float32)
    texture, derived = Texture(), Derived()
    for part in (texture, derived):
        part.add(known, void)
    sure, doubt = derived.problem()
    return "refused" if texture.problem() or sure else "warned" if doubt else "taken"
